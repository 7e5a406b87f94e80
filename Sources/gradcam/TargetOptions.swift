import ArgumentParser
import GradCAM

/// What is explained: the options that commands share.
struct TargetOptions: ParsableArguments {
  @Option(
    name: .customLong("class"),
    help: ArgumentHelp("Class explained; the top one by default. Repeatable.", valueName: "N|LABEL"))
  var classes: [String] = []

  @Option(help: ArgumentHelp("What of a class is differentiated.", valueName: "SCORE")) var score = ScoreKind.logit

  @Option(
    help: ArgumentHelp(
      "With --class, of a segmentation: its score summed over the white part of a mask of the picture's or the output's "
        + "size. Without a mask over the part where the class is the top one.", valueName: "PNG"))
  var mask: String?

  @Option(
    help: ArgumentHelp(
      "What speaks for class A rather than for class B; of a segmentation, where A is on top.", valueName: "A,B"))
  var contrast: String?

  @Option(
    help: ArgumentHelp(
      "The sum of an output, or of any tensor, or of the elements that NumPy's indices pick: out[0,5,:,2:-1]. Or what a "
        + "plugin's target NAME makes of them: NAME(out[0]).", valueName: "OUTPUT[…]"))
  var target: String?

  @Option(
    help: ArgumentHelp(
      "The score of a detector's box: 0 for the one with the best score, of the class that --class names, 1 for the "
        + "next; boxes are not merged.", valueName: "K"))
  var detection: Int?

  @Option(
    help: ArgumentHelp(
      "The cosine similarity of an output to a vector, or to that of another picture.", valueName: "NPY|IMAGE"))
  var embedding: String?

  @Flag(help: "What speaks against it: the negated gradient.") var counterfactual = false

  /// What the options ask for.
  var request: TargetRequest {
    var request = TargetRequest()
    (request.classes, request.score, request.mask, request.contrast) = (classes, score, mask, contrast)
    (request.elements, request.detection, request.embedding) = (target, detection, embedding)
    request.isCounterfactual = counterfactual
    return request
  }

  mutating func validate() throws { try request.validate() }
}

extension TargetRequest {
  /// Throws the error of options that contradict each other.
  func validate() throws {
    guard let text = contradiction?.asOptions else { return }
    throw ValidationError(text.prefix(1).uppercased() + text.dropFirst() + ".")
  }
}
