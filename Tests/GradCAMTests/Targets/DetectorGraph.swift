import Graph
import Ops

@testable import GradCAM

/// A detector in the making: 64 boxes of a picture of 32 × 32, of numbers that a convolution of stride 4 gives.
struct DetectorGraph {
  private var builder = GraphBuilder(ComputeGraph(opsets: ["": 17]))
  private let image: ValueID
  private var outputs: [(value: ValueID, name: String)] = []
  var metadata: [String: String] = [:]
  /// The size of the picture: 64 squares of 4 × 4 pixels.
  var size = PixelSize(width: 32, height: 32)

  private var inputs: [(value: ValueID, name: String, contents: Tensor)] = []

  init() { image = builder.input("image") }

  /// An input besides the image, with what is given for it.
  mutating func input(_ name: String, _ contents: Tensor) -> ValueID {
    let value = builder.input(name)
    inputs.append((value, name, contents))
    return value
  }

  /// A convolution with weights of no meaning, of the image or of a value with some channels.
  mutating func convolved(
    _ value: ValueID? = nil, channels: Int = 3, to count: Int, kernel: Int, stride: Int = 1
  ) -> ValueID {
    let shape: Shape = [count, channels, kernel, kernel]
    let weights = builder.constant(Tensor((0..<shape.count).map { Float($0 % 7) / 70 - 0.04 }, shape: shape))
    let pad = Int64(stride == kernel ? 0 : (kernel - 1) / 2)
    return builder(
      "Conv", value ?? image, weights,
      with: ["strides": .ints([Int64(stride), Int64(stride)]), "pads": .ints([pad, pad, pad, pad])])
  }

  mutating func constant(_ values: [Float], _ shape: Shape) -> ValueID { constant(Tensor(values, shape: shape)) }

  mutating func constant(_ tensor: Tensor) -> ValueID { builder.constant(tensor) }

  /// 1 × count × 64 numbers.
  mutating func numbers(_ count: Int) -> ValueID {
    let weights = builder.constant(Tensor((0..<count * 48).map { Float($0 % 7) / 70 - 0.04 }, shape: [count, 3, 4, 4]))
    let map = builder("Conv", image, weights, with: ["strides": .ints([4, 4])])
    return builder("Reshape", map, integers([1, Int64(count), 64]))
  }

  mutating func integers(_ values: [Int64]) -> ValueID { builder.constant(Tensor(values, shape: [values.count])) }

  mutating func add(_ type: String, _ inputs: ValueID?..., with attributes: [String: Attribute] = [:]) -> ValueID {
    builder.node(type, inputs, attributes)[0]
  }

  mutating func constant(of index: Int) -> ValueID { builder.constant(Tensor([Int64(index)], shape: [])) }

  mutating func node(
    _ type: String, domain: String = "", _ inputs: ValueID?..., outputCount: Int,
    with attributes: [String: Attribute] = [:]
  ) -> [ValueID] {
    builder.node(type, domain: domain, inputs, attributes, outputCount: outputCount)
  }

  mutating func sigmoid(_ count: Int) -> ValueID {
    let numbers = numbers(count)
    return builder("Sigmoid", numbers)
  }

  /// 1 × count × 64 numbers that a Sigmoid and a factor made, as coordinates in pixels.
  mutating func pixels(_ count: Int) -> ValueID {
    let scores = sigmoid(count)
    return builder("Mul", scores, builder.constant(Tensor([32], shape: [])))
  }

  mutating func joined(_ parts: ValueID..., axis: Int64 = 1) -> ValueID {
    builder.node("Concat", parts, ["axis": .int(axis)])[0]
  }

  /// 1 × 64 × count.
  mutating func byBox(_ value: ValueID) -> ValueID { builder("Transpose", value, with: ["perm": .ints([0, 2, 1])]) }

  mutating func output(_ value: ValueID, _ name: String) { outputs.append((value, name)) }

  /// Takes back the last output.
  mutating func takeOutput() -> ValueID { outputs.removeLast().value }

  /// The model, with outputs declared as their shapes are.
  func model(registry: Registry = .standard) throws -> Model {
    var builder = builder
    var graph = builder.returning(outputs.map { $0.value })
    graph.values[image].dimensions = [1, 3, size.height, size.width].map { .fixed($0) }
    graph.values[image].elementType = .float32
    for (value, _, contents) in inputs {
      graph.values[value].dimensions = contents.shape.dimensions.map { .fixed($0) }
      graph.values[value].elementType = contents.elementType
    }
    for (value, name) in outputs { graph.values[value] = Value(name: name) }
    graph.metadata = metadata
    return try Model(graph, path: "detector.onnx", registry: registry)
  }

  /// How the model's detections are read.
  func layout(labels: [String]? = nil, columns: [String] = []) throws -> (layout: DetectionLayout, model: Model) {
    let model = try model()
    var request = TargetRequest()
    (request.detection, request.columns) = (0, columns)
    let planner = try ModelPlanner(
      model, inputSize: size, inputs: Dictionary(uniqueKeysWithValues: inputs.map { ($0.name, $0.contents) }),
      pool: ThreadPool(threadCount: 1))
    let planned = try PlannedTarget(request, by: planner, labels: labels.map(Labels.init))
    guard let layout = planned.boxes else { throw GradCAMError(.defect, problem: "no boxes") }
    return (layout, planned.planner.model)
  }
}
