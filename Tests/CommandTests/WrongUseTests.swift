import Testing

/// Everything that can be wrong ends in the documented exit code, one line that names the place, and no file.
struct WrongUseTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let code: Int32
    let arguments: [String]
    let message: String

    init(_ code: Int32, _ arguments: String..., message: String) {
      self.code = code
      self.arguments = arguments
      self.message = message
    }

    var testDescription: String { arguments.joined(separator: " ") }
  }

  private static let picture = fixture("disc.png"), plain = fixture("plain.onnx")

  private static let arguments = [
    Case(64, "explain", message: "Missing expected argument '<model>'"),
    Case(64, "draw", message: "Unexpected argument 'draw'"),
    Case(64, "explain", "--frobnicate", plain, message: "Unknown option '--frobnicate'"),
    Case(64, "explain", plain, picture, "--node", message: "Missing value for '--node"),
    Case(64, "explain", plain, picture, "--threads", "many", message: "'many' is invalid for '--threads"),
    Case(64, "explain", plain, picture, "--threads", "0", message: "--threads must be 1 to 1024"),
    Case(64, "explain", plain, picture, "--top", "0", message: "--top must be at least 1"),
    Case(64, "explain", plain, picture, "--top", "2", "--class", "star", message: "Give --class or --top, not both"),
    Case(64, "explain", plain, picture, "--blend", "2", message: "--blend must be 0 to 1"),
    Case(64, "explain", plain, picture, "--std", "0", message: "--std must not be 0"),
    Case(
      64, "explain", plain, picture, "--range", "0", message: "--range must be a number above 0"),
    Case(
      64, "explain", plain, picture, "--method", "magic", message: "magic: is not a method; choose from gradcam"),
    Case(64, "explain", plain, message: "no image was given"),
    Case(
      64, "explain", plain, picture, "--tensor", fixture("image.npy"),
      message: "both an image and a tensor"),
    Case(
      64, "explain", plain, picture, "--image", "image=\(picture)",
      message: "both an image and a tensor"),
    Case(
      64, "explain", plain, "--image", "photo=\(picture)", message: "the model has no input 'photo'"
    ),
    Case(
      64, "explain", fixture("two-inputs.onnx"), picture, "--image", "offset=\(picture)",
      message: "input 'offset' does not take a picture"),
    Case(
      64, "explain", fixture("two-pictures.onnx"), picture,
      message: "input 'right': takes a picture, too, but none was given; give --image right=FILE"),
    Case(64, "bench", plain, "--runs", "0", message: "--runs must be at least 1"),
    Case(64, "verify", message: "Missing expected argument '<model>'"),
    Case(64, "verify", plain, "--threads", "0", message: "--threads must be 1 to 1024"),
    Case(64, "verify", plain, picture, "--tensor", fixture("image.npy"), message: "both an image and a tensor"),
    Case(64, "verify", plain, picture, picture, message: "Unexpected argument"),
  ]

  private static let boxes = fixture("boxes.onnx"), segmentation = fixture("segmentation.onnx")

  private static let targets = [
    Case(64, "explain", plain, picture, "--target", "x", "--detection", "1", message: "Give --target or --detection"),
    Case(64, "explain", plain, picture, "--detection", "1", "--contrast", "0,1", message: "Give --contrast or"),
    Case(64, "explain", plain, picture, "--class", "1", "--target", "x", message: "Give --class or --target, not both"),
    Case(64, "explain", plain, picture, "--class", "1", "--embedding", "x", message: "Give --class or --embedding"),
    Case(64, "explain", plain, picture, "--mask", "m.png", message: "--mask needs --class"),
    Case(64, "explain", plain, picture, "--mask", "m.png", "--target", "x", message: "Give --mask or --target"),
    Case(64, "explain", plain, picture, "--top", "2", "--target", "x", message: "Give --target or --top, not both"),
    Case(64, "explain", plain, picture, "--detection=-1", message: "--detection must be at least 0"),
    Case(
      64, "explain", plain, picture, "--score", "probability", "--target", "scores",
      message: "--score probability applies to classes; leave it out with --target"),
    Case(64, "verify", plain, "--class", "1", "--class", "2", message: "Give one --class"),
    Case(64, "bench", plain, "--class", "1", "--class", "2", message: "Give one --class"),
    Case(
      64, "explain", plain, picture, "--target", "score", message: "its outputs are 'scores' 1×3; similar names are"),
    Case(64, "explain", plain, picture, "--target", "image", message: "computes no value 'image'"),
    Case(
      64, "explain", plain, picture, "--target", "scores[0,3]",
      message: "outside axis 1 of 'scores', whose shape is 1×3"),
    Case(64, "explain", plain, picture, "--contrast", "star", message: "--contrast star: is one class"),
    Case(64, "explain", plain, picture, "--contrast", "star,2", message: "is the same class twice"),
    Case(
      64, "explain", plain, picture, "--target", "relu1", "--node", "relu2", message: "'relu1' does not depend on this"
    ),
    Case(
      69, "explain", plain, picture, "--class", "1", "--mask", fixture("mask.png"), message: "'scores': has shape 1×3"),
    Case(66, "explain", segmentation, picture, "--class", "1", "--mask", "m.png", message: "m.png: cannot be opened"),
    Case(
      64, "explain", segmentation, picture, "--class", "1", "--mask", fixture("pixel.png"),
      message: "pixel.png: --mask: is 1x1, but the picture is 30x20 and the output 8x8"),
    Case(69, "explain", boxes, picture, message: "--target 'OUTPUT[…]' of the outputs 'boxes' 1×6×64"),
    Case(69, "explain", boxes, picture, "--detection", "0", message: "for 3 labels among the outputs 'boxes' 1×6×64"),
    Case(
      64, "explain", fixture("boxes-by-box.onnx"), picture, "--detection", "80", message: "the model gives 80 boxes"),
    Case(
      64, "explain", fixture("boxes-by-box.onnx"), picture, "--detection", "0", "--class", "3",
      message: "--class 3: the model has 3 classes"),
    Case(65, "explain", plain, picture, "--embedding", fixture("offset.npy"), message: "'scores' 1×3"),
    Case(66, "explain", plain, picture, "--embedding", "a.npy", message: "a.npy: cannot be opened"),
    Case(65, "explain", plain, picture, "--embedding", fixture("cut-short.png"), message: "cut-short.png: damaged"),
  ]

  private static let names = [
    Case(64, "explain", plain, picture, "--node", "", message: "--node: the name is empty"),
    Case(64, "explain", plain, picture, "--node", "relu9", message: "try relu1, relu2"),
    Case(64, "explain", plain, picture, "--node", "#99", message: "indices run from #0 to #6"),
    Case(64, "explain", plain, picture, "--node", "Conv:5", message: "use 0 to 1, or -1 for the last"),
    Case(64, "explain", plain, picture, "--node", "Conv", message: "means several nodes: /conv1/Conv, /conv2/Conv"),
    Case(64, "explain", plain, picture, "--node", "scores", message: "has no known spatial extent"),
    Case(64, "explain", plain, picture, "--node", "conv1.weight", message: "no node, tensor or module has this name"),
    Case(
      64, "explain", fixture("side-branch.onnx"), picture, "--node", "side",
      message: "'scores' does not depend on this node"),
    Case(64, "explain", fixture("perceptron.onnx"), picture, message: "no feature map with a spatial extent"),
    Case(64, "explain", plain, picture, "--class", "3", message: "--class 3: the model has 3 classes; use 0 to 2"),
    Case(64, "explain", plain, picture, "--class=-1", message: "use 0 to 2"),
    Case(64, "explain", plain, picture, "--class", "sqare", message: "choose from square"),
    Case(
      64, "explain", plain, picture, "--class", "s",
      message: "means several classes; give a whole name or a number: "),
    Case(64, "explain", fixture("dynamic.onnx"), picture, "--class", "star", message: "the model has no labels"),
    Case(64, "verify", plain, "--node", "relu9", message: "try relu1, relu2"),
    Case(64, "verify", plain, "--class", "3", message: "--class 3: the model has 3 classes; use 0 to 2"),
  ]

  private static let models = [
    Case(
      66, "explain", "missing.onnx", picture,
      message: "missing.onnx: cannot be opened: neither it nor models/missing.onnx exists; give the file's path"),
    Case(
      66, "nodes", "plein", "--models", fixture(""),
      message: "Fixtures/plein.onnx exists; try plain"),
    Case(66, "verify", "./missing.onnx", message: "./missing.onnx: cannot be opened"),
    Case(64, "bench", plain, "--models", "", message: "--models is empty"),
    Case(66, "explain", "", picture, message: "'': cannot be opened"),
    Case(66, "explain", fixture("cases"), picture, message: "is a folder"),
    Case(65, "explain", picture, plain, message: "is a picture, not an ONNX model"),
    Case(65, "explain", fixture("text.onnx"), picture, message: "is text, not an ONNX model"),
    Case(65, "explain", fixture("cut-short.onnx"), picture, message: "cut short or damaged"),
    Case(65, "nodes", fixture("wrong-shape.onnx"), message: "wrong-shape.onnx: node '/conv1/Conv' (Conv, #0)"),
    Case(
      65, "nodes", fixture("wrong-metadata.onnx"), message: "metadata gradcam.mean: '0.5,half' is not three numbers"),
    Case(69, "explain", fixture("no-image.onnx"), picture, message: "no input has the shape of an image"),
    Case(69, "explain", fixture("unknown-operator.onnx"), picture, message: "operator Frobnicate is not supported"),
    Case(69, "explain", fixture("unknown-attribute.onnx"), picture, message: "attribute 'leakiness' is not known"),
    Case(69, "explain", fixture("segmentation.onnx"), picture, message: "output 'classes': has shape 1×5×8×8"),
    Case(
      69, "verify", fixture("quantized.onnx"), "--node", "relu2", "--node", "conv1",
      message: "quantized.onnx: node '/rounded/QuantizeLinear' (QuantizeLinear, #2): rounds to integers between 'conv1'"
    ),
    Case(65, "verify", fixture("nan-weights.onnx"), message: "--node broken: activation, gradient or score holds"),
    Case(65, "verify", fixture("two-inputs.onnx"), message: "give it with --tensor offset=FILE.npy"),
    Case(69, "bench", fixture("boxes.onnx"), message: "output 'boxes': has shape 1×6×64"),
    Case(65, "explain", fixture("two-inputs.onnx"), picture, message: "give it with --tensor offset=FILE.npy"),
    Case(
      64, "explain", plain, picture, "--size", "32x32", message: "--size 32x32: the model's input 'image' takes 16x16"),
    Case(
      65, "explain", fixture("dynamic.onnx"), picture, "--size", "65536",
      message: "input 'image': the shape 1×3×65536×65536 is too large for a tensor"),
    Case(
      69, "explain", fixture("dynamic.onnx"), picture, "--size", "4096", "--memory-limit", "256M",
      message: "pictures of 4096x4096 pixels: "),
    Case(64, "nodes", plain, "--memory-limit", "much", message: "--memory-limit 'much' is not a size"),
  ]

  private static let images = [
    Case(66, "explain", plain, "missing.png", message: "missing.png: cannot be opened"),
    Case(66, "explain", plain, "", message: "'': cannot be opened"),
    Case(66, "explain", plain, ".", message: ".: holds no picture"),
    Case(65, "explain", plain, fixture("cut-short.png"), message: "cut-short.png: damaged or cut-off PNG file"),
    Case(
      69, "explain", plain, fixture("text.onnx"), message: "text.onnx: the file is no picture of a format that is read"),
    Case(64, "explain", plain, picture, "--resize", "8", message: "disc.png: --resize: gives 12x8, less than the crop"),
    Case(66, "explain", plain, "--tensor", "missing.npy", message: "missing.npy: cannot be opened"),
    Case(66, "explain", plain, "--tensor", "image=", message: "'': cannot be opened"),
    Case(64, "explain", plain, "--tensor", "offset=\(fixture("offset.npy"))", message: "its inputs are 'image'"),
    Case(
      65, "explain", plain, "--tensor", fixture("wrong-size.npy"),
      message: "has shape 1×3×15×16, but the model takes 1×3×16×16"),
    Case(65, "explain", plain, "--tensor", fixture("offset.npy"), message: "has shape 1×6"),
    Case(65, "explain", plain, "--tensor", picture, message: "disc.png"),
    Case(66, "explain", plain, picture, "--labels", "missing.txt", message: "missing.txt: cannot be opened"),
    Case(65, "explain", plain, picture, "--labels", picture, message: "is not text in UTF-8"),
  ]

  private static let outputs = [
    Case(64, "explain", plain, picture, "--output", "heat.gif", message: "end it in .png, .jpg or .jpeg"),
    Case(64, "explain", plain, picture, "--output", "", message: "--output is empty"),
    Case(73, "explain", plain, picture, "--output", "missing/heat.png", message: "missing/heat.png: cannot be written"),
    Case(73, "explain", plain, picture, "--output", "/dev/null/", message: "/dev/null: cannot be created as a folder"),
    Case(73, "explain", plain, picture, "--top", "2", "--output", "/dev/null", message: "cannot be created as a"),
    Case(64, "explain", plain, picture, "--top", "2", "--save-map", "map.npy", message: "there are 2 arrays"),
    Case(
      64, "explain", plain, picture, "--save-map", "a.npy", "--save-gradient", "a.npy",
      message: "is named for two results"),
    Case(66, "check", "missing", message: "missing: cannot be listed"),
    Case(66, "check", ".", message: ".: holds no case"),
  ]

  @Test(arguments: [arguments, targets, names, models, images, outputs].flatMap { $0 })
  func endsInOneClearError(_ wrong: Case) throws {
    let workplace = try Workplace()
    let outcome = try workplace.run(wrong.arguments)
    #expect(outcome.code == wrong.code, "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
    #expect(workplace.files.isEmpty)
    let lines = outcome.errors.split(separator: "\n").filter { !$0.hasPrefix("gradcam: warning: ") }
    let first = String(lines.first ?? "")
    #expect(first.hasPrefix("gradcam: error: "))
    #expect(first.contains(wrong.message), "\(first)")
    // Usage may follow where the arguments could not be parsed.
    #expect(lines.count == 1 || outcome.code == 64 && outcome.errors.contains("\nUsage: gradcam"))
  }

  @Test(arguments: [
    ["nodes", plain], ["explain", plain, picture, "--json"], ["bench", plain], ["verify", plain],
    ["check", fixture("cases")], ["models", "--models", shipped("")],
  ])
  func fullDiskUnderStandardOutput(_ arguments: [String]) throws {
    let workplace = try Workplace()
    let outcome = try workplace.run(arguments, output: "/dev/full")
    #expect(outcome.code == 73)
    #expect(outcome.errors.contains("gradcam: error: standard output: cannot be written"))
  }
}
