import ArgumentParser
import GradCAM
import Graph

/// Which box of a detector is evaluated in each picture.
struct EvaluatedBoxOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Measure maps of a detector's K-th best box, 0 for the best, by its score and its own place; of --class if given.",
      valueName: "K"))
  var detection: Int?
  @Option(
    help: ArgumentHelp("What the numbers of a box mean, as explain takes it. Repeatable.", valueName: "OUTPUT=COLUMNS"))
  var columns: [String] = []
  @Option(help: ArgumentHelp("Which boxes count as one, as explain takes it.", valueName: "SHARE")) var iou: Float?

  /// What is explained of each picture; nil for its classes.
  func request(_ classes: [String]) -> TargetRequest? {
    var request = TargetRequest()
    (request.classes, request.detection) = (classes, detection)
    (request.columns, request.overlap) = (columns, iou)
    return detection == nil && columns.isEmpty && iou == nil ? nil : request
  }
}

extension Explanation {
  /// The box explained, in whole pixels of the picture; nil if no box is, or if it is not known where it is.
  var rectangle: PixelRectangle? {
    guard let place = detection?.place else { return nil }
    let edges = place.edges(in: geometry), (left, top) = (Int(edges[0]), Int(edges[1]))
    let (right, bottom) = (Int(edges[2].rounded(.up)), Int(edges[3].rounded(.up)))
    return right > left && bottom > top
      ? PixelRectangle(x: left, y: top, width: right - left, height: bottom - top) : nil
  }
}

extension Explainer {
  /// Throws `unsupported` if the model does not give an image the scores of classes.
  ///
  /// - Parameter advice: what to do then.
  func checkClasses(else advice: Message) throws {
    do {
      try checkClasses()
    } catch let error as GradCAMError {
      var known = GradCAMError(error.kind, problem: error.problem, advice: advice)
      known.place = error.place
      throw known
    }
  }
}
