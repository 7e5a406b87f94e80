import ArgumentParser
import GradCAM

/// What is explained: the options shared by commands.
struct TargetOptions: ParsableArguments {
  @Option(
    name: .customLong("class"),
    help: ArgumentHelp("Class explained; the top one by default. Repeatable.", valueName: "N|LABEL"), completion: .label
  )
  var classes: [String] = []

  @Option(help: ArgumentHelp("Class score that is differentiated.", valueName: "SCORE")) var score = ScoreKind.logit

  @Option(
    help: ArgumentHelp(
      "For segmentation, with --class: sum the score over the white part of a mask of the picture's or the output's "
        + "size. Without it, over the part where the class is the top one.", valueName: "PNG"), completion: .picture)
  var mask: String?

  @Option(
    help: ArgumentHelp(
      "Evidence for class A over class B; for segmentation, where A is the top class.", valueName: "A,B"))
  var contrast: String?

  @Option(
    help: ArgumentHelp(
      "The sum of an output or any other tensor, or of the elements that NumPy indices select: out[0,5,:,2:-1]. Or a "
        + "plugin's target NAME, applied to them: NAME(out[0]). Or a part of a detector's K-th best box: mask:K, "
        + "keypoint:K,nose (nose.x, nose.y for its place), angle:K.", valueName: "OUTPUT[…]"))
  var target: String?

  @Option(
    help: ArgumentHelp(
      "The score of a detector's K-th best box, 0 for the best, of its best class or of --class. If the network leaves "
        + "the selection to others, boxes that overlap a better one do not count.", valueName: "K"))
  var detection: Int?

  @Option(
    help: ArgumentHelp(
      "The scores of all boxes of a class, summed: of those with at least 0.25, or another score.",
      valueName: "CLASS[:SCORE]"))
  var boxesOf: String?

  @Option(
    help: ArgumentHelp(
      "Boxes of a class that share more of their common area than this count as one; 0.45 unless the network selects "
        + "boxes itself, 1 for never.", valueName: "SHARE"))
  var iou: Float?

  @Option(
    help: ArgumentHelp(
      "What the numbers of a detector's box mean, if the file does not say: output0=cxcywh/px,score*80,angle. Of cxcywh, "
        + "xyxy, xywh, yxyx, ltrb, box, objectness, score, background, class, angle, keypoint, mask and skip; *N repeats "
        + "one, * alone takes what is left; a box is in pixels of the input (/px), shares of it (/1) or from its cell "
        + "(/cells). Repeatable: outputs of several scales are described alike, one after another.",
      valueName: "OUTPUT=COLUMNS"))
  var columns: [String] = []

  @Option(
    help: ArgumentHelp(
      "The cosine similarity of an output to a vector, or to another picture's output.", valueName: "NPY|IMAGE"),
    completion: .embedding)
  var embedding: String?

  @Flag(help: "Evidence against the target: the negated gradient.") var counterfactual = false

  var request: TargetRequest {
    var request = TargetRequest()
    (request.classes, request.score, request.mask, request.contrast) = (classes, score, mask, contrast)
    (request.elements, request.detection, request.embedding) = (target, detection, embedding)
    (request.columns, request.boxesOf, request.overlap) = (columns, boxesOf, iou)
    request.isCounterfactual = counterfactual
    return request
  }

  mutating func validate() throws { try request.validate() }
}

extension TargetRequest {
  /// Throws a validation error if options contradict each other.
  func validate() throws {
    guard let text = contradiction?.asOptions else { return }
    throw ValidationError(text.prefix(1).uppercased() + text.dropFirst() + ".")
  }
}
