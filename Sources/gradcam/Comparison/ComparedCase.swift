import GradCAM
import Graph

/// One image and the class that all models are asked about.
struct ComparedCase {
  let image: String
  let picture: ComparedPicture
  /// The class in the first model, with its score.
  let first: ScoredClass
  /// The class that the user asked for; nil if none was given.
  let asked: String?
  /// The boxes of the class's objects in the image; empty if none are known.
  let boxes: [PixelRectangle]

  /// What reports call the class.
  var label: String { first.label ?? asked ?? "class \(first.index)" }

  /// The class in a model: by the label, by one of the synonyms that the label lists, or by number if labels are
  /// missing.
  ///
  /// Throws `usage` naming the model if it has no such class.
  func index(in explainer: Explainer) throws -> Int {
    let classCount = explainer.focus.catalogue.classCount, labels = explainer.labels
    guard let label = first.label, !labels.names.isEmpty else {
      guard let asked else {
        guard first.index < classCount else { throw missing(explainer, "has no class \(first.index)") }
        return first.index
      }
      return try located(explainer.model.path) { try labels.index(of: asked, classCount: classCount) }
    }
    let words = label.split(separator: ",").map { String($0.drop(while: \.isWhitespace)) }
    for name in [label] + (words.count > 1 ? words : []) {
      if let index = try? labels.index(of: name, classCount: classCount) { return index }
    }
    throw missing(explainer, "has no class '\(label)'")
  }

  private func missing(_ explainer: Explainer, _ problem: String) -> GradCAMError {
    GradCAMError(
      .usage, at: explainer.model.path, problem: "\(problem), which is explained in \(image)",
      advice: "give a --class that all models have, or --labels")
  }
}
