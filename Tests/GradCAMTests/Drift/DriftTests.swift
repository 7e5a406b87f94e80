import Graph
import ONNXLoader
import Testing

@testable import GradCAM

/// Files of one network are compared node by node, and the node that was broken is found.
struct DriftTests {
  private static func graph(_ name: String) throws -> ComputeGraph { try loadModel(at: fixture("drift/\(name).onnx")) }

  private static func explainer(_ graph: ComputeGraph, _ name: String) throws -> Explainer {
    try Explainer(Model(graph, path: name, registry: .standard), threadCount: 1)
  }

  private static func explainer(_ name: String) throws -> Explainer { try explainer(graph(name), name) }

  /// Coloured patches, as large as the network's input.
  private static func images(_ count: Int, for explainer: Explainer) -> [PreparedImage] {
    var random = SplitMix64(seed: 7)
    return (0..<count).map { _ in
      let coarse = (0..<3 * 4 * 4).map { _ in Float.random(in: -1..<1, using: &random) }
      let values = (0..<3 * 24 * 24).map { (index: Int) -> Float in
        let channel = index / 576, row = index / 24 % 24 / 6, column = index % 24 / 6
        return coarse[16 * channel + 4 * row + column]
      }
      return explainer.prepare(Tensor(values, shape: [1, 3, 24, 24]))
    }
  }

  private static func drift(_ first: Explainer, _ second: Explainer, images count: Int = 3) throws -> Drift {
    let measurement = try DriftMeasurement(first, second)
    for image in images(count, for: first) { try measurement.add(image) }
    return measurement.drift
  }

  @Test(arguments: ["qdq", "qoperator", "dynamic", "folded", "channels-last", "float"])
  func anHonestFileNamesNone(_ name: String) throws {
    let drift = try Self.drift(Self.explainer("float"), Self.explainer(name), images: 6)
    #expect(drift.firstBroken == nil)
    #expect(drift.agreement == 1)
    let score = try #require(drift.scoreRatio)
    if ["folded", "channels-last", "float"].contains(name) {
      #expect(score > 90 && drift.nodes.allSatisfy { $0.ownRatio! > 90 && $0.ratio > 90 })
    } else {
      #expect((20..<60).contains(score) && drift.nodes.allSatisfy { $0.ownRatio! > 20 })
      #expect((20..<60).contains(try #require(drift.usualOwnRatio)))
    }
    let auto = try #require(drift.auto)
    #expect(try #require(drift.nodes[auto].pearson) > 0.95)
  }

  /// Every activation has its counterpart, whatever the file's names and layout.
  @Test(arguments: [("folded", "position"), ("channels-last", "name"), ("qdq", "name"), ("qoperator", "position")])
  func activationsArePaired(_ name: String, evidence: String) throws {
    let drift = try Self.drift(Self.explainer("float"), Self.explainer(name), images: 1)
    for tensor in ["relu1/Relu", "relu2/Relu", "relu3/Relu", "norm4/BatchNormalization", "relu5/Relu", "relu6/Relu"] {
      let node = try #require(drift.nodes.first { $0.tensor == "/\(tensor)_output_0" }, "\(tensor)")
      // Inside of that file, convolutions have their channels first.
      #expect(node.isReordered == (name == "channels-last" && tensor.hasPrefix("relu")))
      if tensor == "relu3/Relu" { #expect(node.evidence == evidence) }
    }
    let scores = try #require(drift.nodes.last)
    #expect(scores.tensor == "scores" && scores.shape == [1, 4] && !scores.isReordered)
  }

  /// A scale of weights doubled in the file, and the node of the float network that it breaks.
  private static let weights = [
    ("conv1", "relu1"), ("conv2", "relu2"), ("conv3", "relu3"), ("conv4", "norm4"), ("conv5", "relu5"),
    ("conv6", "relu6"),
  ]

  @Test(arguments: ["qdq", "qoperator"], weights)
  func doubledScalesOfWeightsAreFound(_ name: String, _ broken: (layer: String, node: String)) throws {
    var graph = try Self.graph(name)
    let scale = try #require(graph.values.firstIndex { $0.name == "ConvBnFusion_W_\(broken.layer).weight_scale" })
    graph.values[scale].constant = graph.values[scale].constant!.doubled
    let drift = try Self.drift(Self.explainer("float"), Self.explainer(graph, name))
    let found = try #require(drift.firstBroken)
    #expect(found.tensor.hasPrefix("/\(broken.node)/"))
    #expect(drift.ranking[0].index == found.index && drift.nodes.count { $0.isBroken } == 1)
    #expect(found.parts.contains { $0.contains(broken.layer) || $0.contains(broken.node) })
    // What comes later inherits the error without making one.
    let last = try #require(drift.nodes.last)
    #expect(last.ratio < 15 && last.ownRatio! > 20)
  }

  /// A scale doubled where activations are rounded, or only where they are turned back.
  @Test(arguments: ["relu1", "relu2", "relu3", "relu5"], [false, true])
  func doubledScalesOfActivationsAreFound(_ name: String, isTurnedBack: Bool) throws {
    var graph = try Self.graph("qdq")
    let type = isTurnedBack ? "DequantizeLinear" : "QuantizeLinear"
    let node = try #require(graph.nodes.firstIndex { $0.name == "/\(name)/Relu_output_0_\(type)" })
    let scale = graph.values[graph.nodes[node].inputs[1]!].constant!
    graph.values.append(Value(name: "doubled", constant: scale.doubled))
    graph.nodes[node].inputs[1] = graph.values.count - 1
    let drift = try Self.drift(Self.explainer("float"), Self.explainer(graph, "broken"))
    #expect(try #require(drift.firstBroken).tensor == "/\(name)/Relu_output_0")
    #expect(drift.nodes.count { $0.isBroken } == 1)
  }

  @Test func otherNetworksAreRefused() throws {
    let float = try Self.explainer("float")
    let shapes = try Explainer(shippedModel("shapes-vgg.onnx"), threadCount: 1)
    let error = #expect(throws: GradCAMError.self) { try DriftMeasurement(float, shapes) }
    #expect(error?.kind == .usage && "\(error!)".contains("is not the same network: it takes an input of shape"))
    let networks = try ["shapes-vgg.onnx", "shapes-resnet.onnx"].map {
      try Explainer(shippedModel($0), threadCount: 1)
    }
    let other = #expect(throws: GradCAMError.self) { try DriftMeasurement(networks[0], networks[1]) }
    #expect(other?.kind == .usage && "\(other!)".contains("nodes have a certain counterpart among"))
  }

  // MARK: Parts

  @Test func ratiosAreDecibels() {
    func ratio(_ values: [Float], _ others: [Float]) -> Double {
      var ratio = NoiseRatio()
      values.withUnsafeBufferPointer { ratio.add($0, others) }
      return ratio.decibels
    }
    #expect(abs(ratio([3, 4], [3, 4.5]) - 20) < 1e-9)
    #expect(ratio([1, -1], [2, -2]) == 0)
    #expect(ratio([1, 2], [1, 2]) == NoiseRatio.limit && ratio([0], [1]) == -NoiseRatio.limit)
    #expect(ratio([1], [.nan]) == -NoiseRatio.limit && ratio([1], [.infinity]) == -NoiseRatio.limit)
  }

  @Test func nodesStandOut() {
    let honest: [Double?] = [38, 41, nil, 35, 200, 33, 40, 36]
    #expect(DriftVerdict(honest).broken.isEmpty)
    #expect(abs(DriftVerdict(honest).usual! - 37) < 1e-9)
    #expect(DriftVerdict(honest + [0, 39, 2]).broken == [8, 10])
    // What is bad everywhere stands out nowhere.
    #expect(DriftVerdict([3, -1, 5, 8, 0, 2]).broken.isEmpty)
    #expect(DriftVerdict([200, nil, 200]).usual == nil && DriftVerdict([]).broken.isEmpty)
    // A single error among exact nodes.
    #expect(DriftVerdict([200, 200, 0, 200, 200]).broken == [2])
  }

  @Test func axesAreReordered() throws {
    func dimensions(_ parts: (Factor.Role, Int)...) -> [Dimension] { parts.map { Dimension($0, $1) } }
    let first = dimensions((.batch, 1), (.channels, 2), (.height, 2), (.width, 3))
    let last = dimensions((.batch, 1), (.height, 2), (.width, 3), (.channels, 2))
    let order = try #require(AxisOrder(of: [1, 2, 3, 2], last, as: [1, 2, 2, 3], first))
    #expect(order.isDifferent)
    let values: [Float] = [0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15]
    let moved = values.withUnsafeBufferPointer { order.reordered($0) }
    #expect(moved == [0, 10, 1, 11, 2, 12, 3, 13, 4, 14, 5, 15])
    #expect(moved.withUnsafeBufferPointer { order.restored($0) } == values)
    let flat = dimensions((.batch, 1), (.channels, 2))
    let pooled = dimensions((.batch, 1), (.channels, 2), (.height, 1), (.width, 1))
    #expect(AxisOrder(of: [1, 2], flat, as: [1, 2, 1, 1], pooled)?.isDifferent == false)
    #expect(AxisOrder(of: [1, 3, 2], nil, as: [1, 2, 3], nil) == nil)
    #expect(AxisOrder(of: [1, 3], nil, as: [3, 1], nil)?.isDifferent == false)
    // As many elements that count something else.
    let turned = dimensions((.batch, 1), (.channels, 3), (.height, 2), (.width, 2))
    #expect(AxisOrder(of: [1, 3, 2, 2], turned, as: [1, 2, 2, 3], first) == nil)
  }
}

extension Tensor {
  fileprivate var doubled: Tensor { Tensor(floats.map { 2 * $0 }, shape: shape, floatingType: elementType) }
}
