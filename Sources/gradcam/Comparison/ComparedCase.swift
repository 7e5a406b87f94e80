import GradCAM
import Graph

/// One image and the class that all models are asked about.
struct ComparedCase {
  /// The image's path.
  let image: String
  /// The image as it is shown.
  let picture: ComparedPicture
  /// The class as the first model has it.
  let first: ScoredClass
  /// What the user called it; nil where it is the first model's most probable class.
  let asked: String?
  /// Where the objects of the class are in the image; empty where that is not known.
  let boxes: [PixelRectangle]

  /// What reports call the class.
  var label: String { first.label ?? asked ?? "class \(first.index)" }

  /// The class as a model has it: by the label, by a part of it where it names several words for one thing, or by the
  /// number where neither model has labels.
  ///
  /// Throws `usage` naming the model where it has no such class.
  func index(in explainer: Explainer) throws -> Int {
    let classCount = explainer.session.classCount, labels = explainer.labels
    guard let label = first.label, !labels.names.isEmpty else {
      guard let asked else {
        guard first.index < classCount else { throw missing(explainer, "has \(classCount) classes") }
        return first.index
      }
      return try located(explainer.session.model.path) { try labels.index(of: asked, classCount: classCount) }
    }
    let words = label.split(separator: ",").map { String($0.drop(while: \.isWhitespace)) }
    for name in [label] + (words.count > 1 ? words : []) {
      if let index = try? labels.index(of: name, classCount: classCount) { return index }
    }
    throw missing(explainer, "has no class '\(label)'")
  }

  private func missing(_ explainer: Explainer, _ problem: String) -> GradCAMError {
    GradCAMError(
      .usage, at: explainer.session.model.path, problem: "\(problem), which is explained of \(image)",
      advice: "give a --class that all models have, or --labels")
  }
}
