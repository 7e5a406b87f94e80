import Foundation
import Graph
import TestSupport
import Testing

@testable import GradCAM

/// A classifier of random weights whose input is declared and prepared in some way.
private struct SmallClassifier {
  var elementType = ElementType.float32
  var dimensions: [DeclaredDimension] = [.fixed(1), .fixed(3), .fixed(16), .fixed(16)]
  var metadata: [String: String] = [:]
  /// What the network does before its first convolution: from the input to batch × channels × height × width.
  var head: (inout GraphBuilder, ValueID) -> ValueID = { $1 }
  var channels = 3
  /// The grid of 4 × 4 pixels that position embeddings fix; nil for none.
  var grid: (Int, Int)?
  var path = "small.onnx"

  func model() throws -> Model {
    var builder = GraphBuilder()
    let input = builder.input("image")
    func numbers(_ shape: Shape) -> Tensor {
      let values = (0..<shape.count).map { (index: Int) -> Float in Float((index * 7 + 3) % 11) / 11 - 0.5 }
      return Tensor(values, shape: shape)
    }
    func integers(_ values: [Int64]) -> Tensor { Tensor(values, shape: [values.count]) }
    let image = head(&builder, input)
    let kernel = builder.constant(numbers([4, channels, 4, 4]))
    var features = builder("Conv", image, kernel, with: ["strides": .ints([4, 4])])
    if let grid {
      let shape = builder.constant(integers([0, 4, -1]))
      let tokens = builder("Reshape", features, shape)
      features = builder("Add", tokens, builder.constant(numbers([1, 4, grid.0 * grid.1])))
    }
    let axes = builder.constant(integers(grid == nil ? [2, 3] : [2]))
    let pooled = builder("ReduceMean", features, axes, with: ["keepdims": .int(0)])
    var graph = builder.returning(builder("MatMul", pooled, builder.constant(numbers([4, 5]))))
    graph.values[input].dimensions = dimensions
    graph.values[input].elementType = elementType
    graph.metadata = metadata
    return try Model(graph, path: path, registry: .standard)
  }

  func decided(_ change: (inout PreprocessingChoice) -> Void = { _ in }) throws -> DecidedPreprocessing {
    var choice = PreprocessingChoice()
    change(&choice)
    return try DecidedPreprocessing(choice, for: model())
  }
}

extension DecidedPreprocessing {
  fileprivate func text(_ code: Warning.Code) -> String? { warnings.first { $0.code == code }?.text.description }
}

@Suite struct DecidedPreprocessingTests {
  private let side = PixelSize(width: 16, height: 16)

  @Test func nothingIsKnownOfAPlainFile() throws {
    let decided = try SmallClassifier().decided()
    #expect(decided.preprocessing == Preprocessing(.imagenet, size: side))
    #expect(decided.warnings.map(\.code) == [.preprocessingAssumed])
    #expect(try SmallClassifier().decided { $0.preset = .tf }.warnings.isEmpty)
  }

  @Test func whatIsLeftOfSomeChoicesIsNamed() throws {
    let decided = try SmallClassifier().decided { $0.mean = [0, 0, 0] }
    let text = try #require(decided.text(.preprocessingAssumed))
    for part in ["side resized to 18", "centre cropped to 16x16", "range", "deviation 0.229,0.224,0.225", "RGB"] {
      #expect(text.contains(part), "\(text)")
    }
    #expect(!text.contains("mean") && decided.preprocessing.mean == [0, 0, 0])
    let all = try SmallClassifier().decided {
      ($0.mean, $0.std, $0.range, $0.channels, $0.resize) = ([0, 0, 0], [1, 1, 1], 1, .rgb, .exact(side))
    }
    #expect(all.warnings.isEmpty && all.preprocessing.crop == nil)
  }

  @Test(arguments: [(ElementType.uint8, Float(0)), (.int64, 0), (.int8, 128)]) func integersAreThePixels(
    _ type: ElementType, zero: Float
  ) throws {
    var network = SmallClassifier(elementType: type)
    network.head = { builder, input in builder("Cast", input, with: ["to": .int(1)]) }
    let decided = try network.decided()
    #expect(decided.preprocessing.range == 255 && decided.preprocessing.std == [1, 1, 1])
    #expect(decided.preprocessing.mean == [zero, zero, zero])
    #expect(try #require(decided.text(.preprocessingAssumed)).contains("resiz"), "the crop is still a guess")
    expectError(.usage, at: "input 'image'", saying: "whole numbers") {
      _ = try network.decided { $0.preset = .imagenet }
    }
  }

  private static func constant(_ builder: inout GraphBuilder, _ values: [Float]) -> ValueID {
    builder.constant(Tensor(values, shape: values.count == 1 ? [] : [values.count, 1, 1]))
  }

  typealias Operation = (type: String, values: [Float])

  /// The range that the file's own operators are made for; nil if they say nothing, and the order of colours.
  @Test(
    arguments: [
      ([("Div", [255])], 255, nil), ([("Mul", [1 / 255.0])], 255, nil), ([("Div", [127.5]), ("Sub", [1])], 255, nil),
      ([("Div", [255]), ("Sub", [0.485, 0.456, 0.406]), ("Div", [0.229, 0.224, 0.225])], 255, .rgb),
      ([("Sub", [123.675, 116.28, 103.53]), ("Mul", [0.0171, 0.0175, 0.0174])], 255, .rgb),
      ([("Add", [-103.939, -116.779, -123.68])], 255, .bgr),
      ([("Sub", [0.485, 0.456, 0.406]), ("Div", [0.229, 0.224, 0.225])], 1, .rgb),
      ([("Sub", [0.5]), ("Div", [0.5])], 1, nil), ([("Mul", [255])], 1, nil), ([("Mul", [2]), ("Sub", [1])], 1, nil),
      // torchvision's transform_input: ImageNet's numbers go in.
      ([("Mul", [0.458, 0.448, 0.45]), ("Add", [-0.03, -0.088, -0.188])], nil, nil), ([("Mul", [1.1])], nil, nil),
    ] as [([Operation], Float?, Preprocessing.Channels?)]) func constantsTellTheRange(
      _ operations: [Operation], _ range: Float?, _ channels: Preprocessing.Channels?
    ) throws
  {
    var network = SmallClassifier()
    network.head = { builder, input in
      operations.reduce(input) { builder.node($1.type, [$0, Self.constant(&builder, $1.values)])[0] }
    }
    let decided = try network.decided()
    #expect((decided.text(.preprocessingInFile) != nil) == (range != nil))
    #expect(decided.preprocessing.range == range ?? 1 && decided.preprocessing.channels == channels ?? .rgb)
    #expect(decided.preprocessing.mean == (range == nil ? [0.485, 0.456, 0.406] : [0, 0, 0]))
    // What the user says stands.
    #expect(try network.decided { $0.preset = .imagenet }.preprocessing.mean == [0.485, 0.456, 0.406])
  }

  @Test func normalisationOfPixelsIsSeenAndATrainedOneIsNot() throws {
    func network(mean: [Float], variance: [Float], scale: Float = 1) -> SmallClassifier {
      var network = SmallClassifier()
      network.head = { builder, input in
        let numbers = [[Float](repeating: scale, count: 3), [0, 0, 0], mean, variance].map {
          builder.constant(Tensor($0, shape: [3]))
        }
        return builder.node("BatchNormalization", [input] + numbers)[0]
      }
      return network
    }
    let pixels = try network(mean: [123.7, 116.3, 103.5], variance: [3411, 3263, 3292]).decided()
    #expect(
      pixels.preprocessing.range == 255 && pixels.text(.preprocessingInFile)!.contains("subtracts 123.7,116.3,103.5"))
    let trained = try network(mean: [0.03, -0.02, 0.01], variance: [0.9, 1.1, 1]).decided()
    #expect(trained.text(.preprocessingInFile) == nil && trained.preprocessing.mean == [0.485, 0.456, 0.406])
  }

  @Test func coloursAndOrderAreFollowed() throws {
    var network = SmallClassifier(dimensions: [.fixed(1), .fixed(16), .fixed(16), .fixed(3)])
    network.head = { builder, input in
      func integer(_ value: Int64) -> ValueID { builder.constant(Tensor([value], shape: [1])) }
      let reversed = builder("Slice", input, integer(-1), integer(-100), integer(3), integer(-1))
      let mean = builder.constant(Tensor([103.939, 116.779, 123.68], shape: [3]))
      return builder("Transpose", builder("Sub", reversed, mean), with: ["perm": .ints([0, 3, 1, 2])])
    }
    let decided = try network.decided()
    #expect(decided.preprocessing.range == 255 && decided.preprocessing.channels == .rgb)
    #expect(decided.text(.preprocessingInFile)!.contains("reverses the colours"))
  }

  @Test func anOpenSizeThatIsGuessedIsSaid() throws {
    var network = SmallClassifier(dimensions: [.fixed(1), .fixed(3), .symbolic("h"), .symbolic("w")])
    #expect(try network.decided().inputSize == PixelSize(width: 224, height: 224))
    #expect(try #require(network.decided().text(.preprocessingAssumed)).contains("size"))
    #expect(try #require(network.decided { $0.preset = .raw }.text(.preprocessingAssumed)).contains("size 224x224"))
    #expect(try network.decided { ($0.preset, $0.size) = (.raw, side) }.warnings.isEmpty)
    network.metadata = ["gradcam.mean": "0.5"]
    #expect(try network.decided { $0.size = side }.preprocessing.resize == .exact(side))
    network.metadata = ["gradcam.crop": "32", "gradcam.resize": "40"]
    #expect(try network.decided().inputSize == PixelSize(width: 32, height: 32) && network.decided().warnings.isEmpty)
    let larger = try network.decided { $0.size = PixelSize(width: 64, height: 64) }
    #expect(larger.preprocessing.resize == .shorterSide(80) && larger.preprocessing.crop == larger.inputSize)
  }

  @Test(arguments: [((8, 8), "32x32"), ((12, 12), "48x48"), ((12, 80), "320x48")]) func positionEmbeddingsTellTheSize(
    _ grid: (Int, Int), _ size: String
  ) throws {
    var network = SmallClassifier(dimensions: [.symbolic("b"), .fixed(3), .symbolic("h"), .symbolic("w")])
    network.grid = grid
    let decided = try network.decided()
    #expect("\(decided.inputSize)" == size)
    #expect(try #require(decided.text(.preprocessingAssumed)).contains(size))
  }

  @Test func aSizeThatNothingTellsIsAskedFor() throws {
    var network = SmallClassifier(dimensions: [.symbolic("b"), .fixed(3), .symbolic("h"), .symbolic("w")])
    network.grid = (331, 7)
    expectError(.badData, at: "small.onnx", saying: "224x224 was assumed", "size") { _ = try network.decided() }
    #expect(try network.decided { $0.size = PixelSize(width: 28, height: 1324) }.inputSize.height == 1324)
  }

  @Test(arguments: [
    ([3, 16, 16], 3, "3×16×16 chw"), ([16, 16, 3], 3, "16×16×3 hwc"), ([1, 16, 16], 1, "1×16×16 chw"),
    ([16, 16], 1, "16×16 hw"), ([2, 16, 16], 1, "2×16×16 nhw"),
  ]) func aPictureMayLackTheBatchOrTheChannels(_ extents: [Int], channels: Int, _ text: String) throws {
    var network = SmallClassifier(dimensions: extents.map { .fixed($0) })
    network.channels = channels
    network.head = { builder, input in
      let order: [Int64] = extents.last == 3 ? [2, 0, 1] : [0, 1, 2]
      let batch: Int64 = extents[0] == 2 ? 2 : 1
      let batched = builder.constant(Tensor([batch, Int64(channels), 16, 16], shape: [4]))
      let image = extents.count == 3 ? builder("Transpose", input, with: ["perm": .ints(order)]) : input
      return builder("Reshape", image, batched)
    }
    let model = try network.model(), shape = model.imageShape
    #expect("\(shape)" == text)
    let explainer = try Explainer(model, inputSize: side, threadCount: 1)
    let picture = Picture(width: 16, height: 16, pixels: (0..<768).map { UInt8($0 % 251) })
    let observation = try explainer.observe(explainer.prepare(picture))
    #expect(observation.image.tensor.shape == Shape(extents))
    #expect(observation.classCount == 5)
    let map = try explainer.explain(classIndex: 1, of: observation)[0].map
    #expect((map.width, map.height) == (4, 4))
  }

  @Test func openChannelsAreThoseOfTheFirstConvolution() throws {
    let names = ["batch_size", "num_channels", "height", "width"]
    var network = SmallClassifier(dimensions: names.map { .symbolic($0) })
    #expect(try "\(network.model().imageShape)" == "1×3×H×W nchw")
    network.channels = 1
    #expect(try "\(network.model().imageShape)" == "1×1×H×W nchw")
    network.dimensions = ["b", "height", "width", "channels"].map { .symbolic($0) }
    network.head = { builder, input in builder("Transpose", input, with: ["perm": .ints([0, 3, 1, 2])]) }
    #expect(try "\(network.model().imageShape)" == "1×H×W×1 nhwc")
  }

  /// Tables of three columns are no pictures, but rows of numbers in an order.
  @Test func shapeAloneMakesNoPicture() throws {
    var builder = GraphBuilder()
    let input = builder.input("points"),
      weights = builder.constant(Tensor([Float](repeating: 1, count: 6), shape: [3, 2]))
    var graph = builder.returning(builder("MatMul", input, weights))
    graph.values[input].dimensions = [.fixed(64), .fixed(64), .fixed(3)]
    let shape = try Model(graph, path: "points.onnx", registry: .standard).imageShape
    #expect("\(shape)" == "64×64×3 nlc" && !shape.takesPictures && !shape.isAssumed)
    graph.values[input].dimensions = [.fixed(64), .fixed(3)]
    expectError(.unsupported, saying: "no input has the shape of an image") {
      _ = try Model(graph, path: "points.onnx", registry: .standard)
    }
  }

  @Test func onnxsOwnEntriesAreRead() throws {
    var network = SmallClassifier(
      metadata: ["Image.BitmapPixelFormat": "Bgr8", "Image.NominalPixelRange": "NominalRange_0_255"])
    #expect(try network.decided().preprocessing.channels == .bgr && network.decided().preprocessing.range == 255)
    #expect(try network.decided().preprocessing.mean == [0, 0, 0])
    network.metadata = ["Image.NominalPixelRange": "Normalized_1_1"]
    #expect(try network.decided().preprocessing.mean == [0.5, 0.5, 0.5])
  }

  @Test func ultralyticsEntriesAreRead() throws {
    let metadata = [
      "names": "{0: 'a', 1: 'b', 2: \"c's\", 3: 'd', 4: 'e'}", "imgsz": "[32, 48]", "stride": "32", "task": "classify",
    ]
    let network = SmallClassifier(
      dimensions: [.fixed(1), .fixed(3), .symbolic("height"), .symbolic("width")], metadata: metadata)
    #expect(try network.model().metadata.labels == ["a", "b", "c's", "d", "e"])
    let decided = try network.decided()
    #expect(decided.inputSize == PixelSize(width: 48, height: 32))
    #expect(decided.preprocessing.mean == [0, 0, 0] && decided.preprocessing.range == 1)
    #expect(decided.warnings.isEmpty)
  }

  private let detector = ["names": "{0: 'a', 1: 'b', 2: 'c', 3: 'd', 4: 'e'}", "stride": "8", "task": "detect"]

  @Test(arguments: ["detect", "segment", "pose", "obb", "semantic"])
  func ultralyticsPadsPicturesForAllButClassifiers(_ task: String) throws {
    var network = SmallClassifier(metadata: detector.merging(["task": task, "imgsz": "[16, 16]"]) { $1 })
    var decided = try network.decided()
    #expect(decided.preprocessing.resize == .letterbox(Letterbox()) && decided.preprocessing.interpolation == .opencv)
    #expect(decided.preprocessing.crop == nil && decided.warnings.isEmpty && decided.inputSize == side)
    #expect(decided.text == "RGB 0–1, letterboxed to 16×16, grey 114 (from the file)")
    // What the user says counts.
    decided = try network.decided { $0.resize = .exact(side) }
    #expect(decided.preprocessing.resize == .exact(side) && decided.preprocessing.interpolation == .bilinear)
    decided = try network.decided { $0.interpolation = .bicubic }
    #expect(decided.text == "RGB 0–1, letterboxed to 16×16, grey 114 (bicubic) (as given, else from the file)")
    network.dimensions = [.fixed(1), .fixed(3), .symbolic("height"), .symbolic("width")]
    #expect(try network.decided().preprocessing.resize == .letterbox(Letterbox(stride: 8)))
    #expect(try network.decided { $0.size = PixelSize(width: 40, height: 24) }.inputSize.width == 40)
  }

  @Test func ultralyticsSquashesPicturesForSomeNetworks() throws {
    for (key, value) in [("description", "Ultralytics rtdetr-l model"), ("head", "RTDETRDecoder"), ("task", "depth")] {
      let network = SmallClassifier(metadata: detector.merging([key: value, "imgsz": "[16, 16]"]) { $1 })
      let decided = try network.decided()
      #expect(decided.preprocessing.resize == .exact(side) && decided.preprocessing.interpolation == .opencv)
      #expect(decided.warnings.isEmpty)
    }
  }

  @Test func letterboxesOfEntriesAndOfTheUser() throws {
    let network = SmallClassifier(metadata: ["gradcam.resize": "letterbox:top-left", "gradcam.range": "255"])
    let decided = try network.decided()
    #expect(decided.preprocessing.resize == .letterbox(Letterbox(anchor: .topLeft)))
    #expect(decided.preprocessing.interpolation == .opencv && decided.warnings.isEmpty)
    let raw = try SmallClassifier().decided {
      ($0.preset, $0.channels, $0.resize) = (.raw, .bgr, .letterbox(Letterbox(anchor: .topLeft)))
    }
    #expect(raw.text == "BGR 0–255, letterboxed to 16×16, at the upper left, grey 114 (as given)")
    #expect(raw.preprocessing.interpolation == .opencv)
    expectError(.usage, saying: "letterbox:stride-8", "takes one size") {
      _ = try SmallClassifier().decided { $0.resize = .letterbox(Letterbox(stride: 8)) }
    }
    expectError(.badData, saying: "gradcam.resize", "letterbox") {
      _ = try SmallClassifier(metadata: ["gradcam.resize": "letterbox:left"]).decided()
    }
  }

  /// Inputs of several sizes, each with a plan of its own.
  @Test func stridesMakeInputsOfSeveralSizes() throws {
    let network = SmallClassifier(
      dimensions: [.fixed(1), .fixed(3), .symbolic("height"), .symbolic("width")],
      metadata: detector.merging(["imgsz": "[32, 32]"]) { $1 })
    let explainer = try Explainer(network.model())
    for (width, height, shape) in [(40, 20, [1, 3, 16, 32]), (20, 40, [1, 3, 32, 16]), (64, 64, [1, 3, 32, 32])] {
      let pixels = (0..<3 * width * height).map { UInt8(truncatingIfNeeded: $0 * 31) }
      let image = try explainer.prepare(Picture(width: width, height: height, pixels: pixels))
      #expect(image.tensor.shape == Shape(shape))
      let observation = try explainer.observe(image)
      let explanation = try explainer.explain(classIndex: 1, of: observation)[0]
      #expect(explanation.map.size == PixelSize(width: shape[3] / 4, height: shape[2] / 4))
      #expect(explanation.drawnMap().size == PixelSize(width: width, height: height))
    }
  }
}
