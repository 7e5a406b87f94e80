import GradCAM

/// A class that a model finds probable, for reports.
struct TopClass: Encodable {
  let `class`: Int
  @Nullable var label: String?
  let probability: Float
}

extension TopClass {
  init(_ scored: ScoredClass) { self.init(class: scored.index, label: scored.label, probability: scored.probability) }

  /// The class's name, else its number.
  var name: String { label ?? "class \(`class`)" }
}
