import Foundation
import Testing

@testable import GradCAM
@testable import Graph

/// What a plugin's operators say of themselves is used as what built-in ones say.
struct PluginMeaningTests {
  private let registry: Registry
  /// Where the library lies as long as it is in use.
  private let workplace: Workplace
  private let size = PixelSize(width: 4, height: 5)

  init() throws {
    workplace = try Workplace()
    let library = try PluginLibraries.compile("plugins/meaning.c", to: workplace.path("meaning.so"))
    registry = try Registry(
      adding: [Plugin(contentsOf: library, log: { _ in })], preferring: ["meaning"])
  }

  /// Nodes of one input and constants in a row, from an image of 1 × 3 × 5 × 4.
  private func model(_ build: (inout GraphBuilder, ValueID) -> ValueID) throws -> Model {
    var builder = GraphBuilder(ComputeGraph(opsets: ["": 17, "meaning": 1]))
    let image = builder.input("image"), scores = build(&builder, image)
    var graph = builder.returning(scores)
    graph.values[image].elementType = .float32
    graph.values[image].dimensions = [1, 3, 5, 4].map { .fixed($0) }
    return try Model(graph, path: "meaning.onnx", registry: registry)
  }

  private var weights: Tensor {
    var generator = SplitMix64(seed: 3)
    return Tensor((0..<9).map { _ in Float.random(in: -1...1, using: &generator) }, shape: [3, 3, 1, 1])
  }

  /// A node downstream of one that moves channels last is a feature map of the right extents.
  @Test func whatComesAfterMovedChannelsIsListed() throws {
    let model = try model { builder, image in
      let last = builder.node("ChannelsLast", domain: "meaning", [image], name: "last")[0]
      let scaled = builder.node("Relu", [last], name: "scaled")[0]
      let means = builder.node("ReduceMean", [scaled], ["axes": .ints([1, 2]), "keepdims": .int(0)])[0]
      return builder.node("Sigmoid", [means], name: "sigmoid")[0]
    }
    #expect(model.graph.nodes.map { "\(type(of: $0.operation!))" }.last == "DifferentiablePluginOperator")
    #expect(model.head.activation == .sigmoid, "the plugin's Sigmoid is one")
    let catalogue = try NodeCatalogue(model, size: size)
    #expect(catalogue.entries.map(\.isMappable) == [true, true, false, false])
    #expect(catalogue.entries[1].isAuto)
    for name in ["last", "scaled"] {
      let layout = try #require(try catalogue.match(name).layout)
      #expect((layout.channels, layout.height, layout.width) == (3, 5, 4), "\(name)")
    }
    let planner = try ModelPlanner(model, inputSize: size, pool: ThreadPool(threadCount: 1))
    let image = PreparedImage(Tensor((0..<60).map { Float($0) }, shape: [1, 3, 5, 4]), size: size)
    let observation = try Observation(planner, image, try planner.focus(nodes: ["scaled"]))
    let tap = try observation.taps(of: ClassTarget(2, head: model.head))[0]
    let rows = (0..<60).map { Float($0) }, gradient = (0..<60).map { Float($0 / 20 == 2 ? 1.0 / 20 : 0) }
    #expect(tap.activation == rows, "channels first, as methods see them")
    #expect(tap.gradient == gradient)
  }

  /// Where the score is read from a class token, `auto` is the input of the last attention: what a normalisation gives.
  @Test func itsNormalizationHasTheRoleAndItsBias() throws {
    let model = try model { builder, image in
      let centred = builder.node("Centred", domain: "meaning", [image], name: "centred")[0]
      let convolved = builder.node("Conv", [centred, builder.constant(weights)], name: "convolved")[0]
      let rectified = builder.node("Relu", [convolved], name: "rectified")[0]
      return builder.node("Flatten", [builder.node("GlobalAveragePool", [rectified])[0]])[0]
    }
    #expect(model.graph.nodes[0].role == .normalization)
    let planner = try ModelPlanner(model, inputSize: size, pool: ThreadPool(threadCount: 1))
    let focus = try planner.focus(nodes: ["rectified"])
    let image = PreparedImage(Tensor([Float](repeating: 2, count: 60), shape: [1, 3, 5, 4]), size: size)
    let observation = try Observation(planner, image, focus)
    let bias = try #require(observation.channelBiases.first)
    #expect(bias.numbers == [-1, -1, -1])
    // Other nodes are fused as they are without a plugin that takes the place of a built-in operator.
    let steps = try observation.profile(nil).map { "\($0.operatorName)" }
    #expect(steps.contains("Conv+Relu"), "\(steps)")
  }
}
