import GradCAM

/// A class that a model finds probable, for reports.
struct TopClass: Encodable {
  let `class`: Int
  @Nullable var label: String?
  /// Nil if the model's numbers may be measurements.
  @Nullable var probability: Float?
}

extension TopClass {
  init(_ scored: ScoredClass) {
    self.init(class: scored.index, label: scored.label, probability: scored.shownProbability)
  }

  /// The class's name, else its number.
  var name: String { label ?? "class \(`class`)" }
}
