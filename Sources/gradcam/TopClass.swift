import GradCAM

/// A class that a model finds probable, as reports tell it.
struct TopClass: Encodable {
  let `class`: Int
  @Nullable var label: String?
  let probability: Float
}

extension TopClass {
  init(_ scored: ScoredClass) {
    self.init(class: scored.index, label: scored.label, probability: scored.probability)
  }

  /// The class by name where it has one.
  var name: String { label ?? "class \(`class`)" }
}
