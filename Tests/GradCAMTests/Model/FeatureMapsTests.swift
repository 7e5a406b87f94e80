import Graph
import TestSupport
import Testing

@testable import GradCAM

/// Small networks of three classes over pictures of 16 × 16.
private struct Network {
  var builder = GraphBuilder(ComputeGraph(opsets: ["": 17]))
  private var generator = SplitMix64(seed: 5)
  let image: ValueID

  init() { image = builder.input("image") }

  mutating func add(
    _ type: String, _ inputs: ValueID..., named name: String = "", with attributes: [String: Attribute] = [:]
  ) -> ValueID { builder.node(type, inputs, attributes, name: name)[0] }

  mutating func weights(_ shape: Shape) -> ValueID {
    builder.constant(Tensor((0..<shape.count).map { _ in Float.random(in: -1...1, using: &generator) }, shape: shape))
  }

  mutating func integers(_ numbers: Int64...) -> ValueID {
    builder.constant(Tensor(numbers, shape: [numbers.count]))
  }

  /// A convolution whose windows of 2 × 2 do not overlap, and its rectifier.
  mutating func layer(_ x: ValueID, _ inputs: Int, _ outputs: Int, named name: String) -> ValueID {
    let kernel = weights([outputs, inputs, 2, 2])
    let convolved = add("Conv", x, kernel, named: "\(name).conv", with: ["strides": .ints([2, 2])])
    return add("Relu", convolved, named: name)
  }

  /// 6 channels at 8 × 8 places as tokens × channels.
  mutating func tokens() -> ValueID {
    let map = layer(image, 3, 6, named: "patches")
    return add("Transpose", add("Reshape", map, integers(1, 6, 64)), with: ["perm": .ints([0, 2, 1])])
  }

  mutating func normalized(_ x: ValueID, named name: String) -> ValueID {
    add("LayerNormalization", x, weights([6]), named: name, with: ["axis": .int(-1)])
  }

  /// softmax(q kᵀ) v, of projections of queries, and of keys and values.
  mutating func attention(_ queries: ValueID, _ tokens: ValueID, named name: String) -> ValueID {
    let query = add("MatMul", queries, weights([6, 6]))
    let key = add("MatMul", tokens, weights([6, 6]), named: "\(name).key")
    let value = add("MatMul", tokens, weights([6, 6]), named: "\(name).value")
    let products = add("MatMul", query, add("Transpose", key, with: ["perm": .ints([0, 2, 1])]))
    return add("MatMul", add("Softmax", products, named: "\(name).weights", with: ["axis": .int(-1)]), value)
  }

  /// Reads the scores from the mean over all places.
  mutating func pooledModel(_ map: ValueID, channels: Int) throws -> Model {
    try model(add("Flatten", add("GlobalAveragePool", map)), features: channels)
  }

  mutating func model(_ features: ValueID, features count: Int) throws -> Model {
    let scores = add("Gemm", features, weights([count, 3]), named: "scores")
    var graph = builder.returning(scores)
    graph.values[image].elementType = .float32
    graph.values[image].dimensions = [1, 3, 16, 16].map { .fixed($0) }
    return try Model(graph, path: "network.onnx", registry: .standard)
  }
}

extension Model {
  fileprivate var catalogue: NodeCatalogue {
    get throws { try NodeCatalogue(self, size: PixelSize(width: 16, height: 16)) }
  }

  /// The name of the node that `auto` means, and where its elements lie.
  fileprivate func auto() throws -> (name: String, layout: FeatureMapLayout?) {
    let catalogue = try catalogue
    let entry = try #require(catalogue.entries.first { $0.isAuto })
    return (entry.name, try catalogue.match("auto").layout)
  }

  /// Activation and gradient at a node for the first class, of a fixed picture.
  fileprivate func tap(_ node: String, item: Int? = nil) throws -> Tap {
    let planner = try ModelPlanner(self, inputSize: PixelSize(width: 16, height: 16), pool: ThreadPool(threadCount: 1))
    let focus = try planner.focus(nodes: [node], hint: FeatureMapHint(item: item))
    let image = PreparedImage(imageShape.noise(planner.inputSize), size: planner.inputSize)
    return try Observation(planner, image, focus).taps(of: ClassTarget(0, head: head))[0]
  }
}

@Suite struct FeatureMapsTests {
  @Test func aClassTokenThatIsComputedLeavesTheOthersTheirPlaces() throws {
    var net = Network()
    let patches = net.tokens(), class0 = net.weights([1, 1, 6])
    var token = class0
    for block in 0..<2 {
      let joined = net.add("Concat", token, patches, named: "joined\(block)", with: ["axis": .int(1)])
      let norm = net.normalized(joined, named: "norm\(block)")
      let query = net.add("Slice", norm, net.integers(0), net.integers(1), net.integers(1))
      token = net.add("Add", token, net.attention(query, norm, named: "attention\(block)"))
    }
    let model = try net.model(net.add("Squeeze", token, net.integers(1)), features: 6)
    let (name, layout) = try model.auto()
    #expect(name == "norm1" && layout?.extraTokens == 1 && layout?.height == 8 && layout?.width == 8)
    #expect(try model.tap("norm1").gradient.contains { $0 != 0 })
  }

  @Test func registersInsertedAfterASliceLeaveTheTokensTheirPlaces() throws {
    var net = Network()
    let joined = net.add("Concat", net.weights([1, 1, 6]), net.tokens(), with: ["axis": .int(1)])
    let embedded = net.add("Add", joined, net.weights([1, 65, 6]))
    let first = net.add("Slice", embedded, net.integers(0), net.integers(1), net.integers(1))
    let rest = net.add("Slice", embedded, net.integers(1), net.integers(1 << 40), net.integers(1))
    let registers = net.weights([1, 4, 6])
    let tokens = net.add("Concat", first, registers, rest, with: ["axis": .int(1)])
    let norm = net.normalized(tokens, named: "norm1")
    let mixed = net.add("Add", tokens, net.attention(norm, norm, named: "attention"), named: "sum")
    let last = net.normalized(mixed, named: "norm2")
    let zero = net.builder.constant(Tensor([0] as [Int64], shape: []))
    let model = try net.model(net.add("Gather", last, zero, with: ["axis": .int(1)]), features: 6)
    let (name, layout) = try model.auto()
    #expect(name == "norm1" && layout?.extraTokens == 5 && layout?.index(0, 0, 0) == 5 * 6)
    // After the attention only the class token changes the score.
    for entry in try model.catalogue.entries where ["sum", "norm2", "attention.weights"].contains(entry.name) {
      #expect(!entry.isMappable, "\(entry.name)")
    }
  }

  @Test func anAttentionThatPoolsAllTokensIsLookedThrough() throws {
    var net = Network()
    let norm = net.normalized(net.tokens(), named: "norm")
    let pooled = net.attention(net.weights([1, 1, 6]), norm, named: "pooling")
    let model = try net.model(net.add("Squeeze", pooled, net.integers(1)), features: 6)
    #expect(try model.auto().name == "norm")
  }

  @Test func sequencesOfARecurrentLayerAreNoMap() throws {
    var net = Network()
    let map = net.layer(net.image, 3, 6, named: "map")
    let columns = net.add("Reshape", map, net.integers(1, 48, 8))
    let steps = net.add("Transpose", columns, with: ["perm": .ints([2, 0, 1])])
    let sequence = net.add(
      "LSTM", steps, net.weights([1, 20, 48]), net.weights([1, 20, 5]), named: "lstm", with: ["hidden_size": .int(5)])
    let rows = net.add("Transpose", sequence, named: "rows", with: ["perm": .ints([0, 2, 1, 3])])
    let last = net.add("Gather", net.add("Reshape", rows, net.integers(8, 1, 5)), net.integers(7))
    let model = try net.model(net.add("Reshape", last, net.integers(1, 5)), features: 5)
    #expect(try model.auto().name == "map")
    for entry in try model.catalogue.entries where ["lstm", "rows"].contains(entry.name) {
      #expect(!entry.isMappable, "\(entry.name)")
    }
  }

  /// A map before pooling is finer.
  @Test func poolingAtTheEndIsPassedOver() throws {
    var net = Network()
    let map = net.layer(net.image, 3, 4, named: "map")
    let pooled = net.add(
      "MaxPool", map, named: "pool", with: ["kernel_shape": .ints([2, 2]), "strides": .ints([2, 2])])
    let model = try net.model(net.add("Flatten", pooled), features: 64)
    #expect(try model.auto().name == "map")
    #expect(try model.catalogue.entries.contains { $0.name == "pool" && $0.isMappable })
  }

  /// The mean of all tokens but the class token.
  @Test func whatLeavesOutTheClassTokenIsPassedOver() throws {
    var net = Network()
    let joined = net.add("Concat", net.weights([1, 1, 6]), net.tokens(), with: ["axis": .int(1)])
    let norm = net.normalized(joined, named: "norm")
    let patches = net.add("Slice", norm, net.integers(1), net.integers(65), net.integers(1), named: "patches only")
    let model = try net.model(
      net.add("ReduceMean", patches, with: ["axes": .ints([1]), "keepdims": .int(0)]), features: 6)
    #expect(try model.auto().name == "norm")
  }

  @Test func aGateIsNoMap() throws {
    var net = Network()
    let map = net.layer(net.image, 3, 4, named: "map")
    let gate = net.add("Sigmoid", net.add("Conv", map, net.weights([1, 4, 1, 1])), named: "gate")
    let gated = net.add("Mul", gate, map, named: "gated")
    #expect(try net.pooledModel(gated, channels: 4).auto().name == "gated")
  }

  /// What a map of offsets moves may be anywhere; the offsets say where, not what is there.
  @Test func aGridOfPlacesIsNoMap() throws {
    var net = Network()
    let map = net.layer(net.image, 3, 4, named: "map")
    let offsets = net.add("Tanh", net.add("Conv", map, net.weights([2, 4, 1, 1])), named: "offsets")
    let grid = net.add("Transpose", offsets, named: "grid", with: ["perm": .ints([0, 2, 3, 1])])
    let sampled = net.add("GridSample", map, grid, named: "sampled")
    #expect(try net.pooledModel(sampled, channels: 4).auto().name == "map")
  }

  /// The network sees four tiles of the picture as a batch; as windows do not overlap, tiles have the same features as
  /// the whole picture.
  @Test(arguments: ["slices", "reshape", "split"])
  func tilesGiveTheMapOfTheWholePicture(_ way: String) throws {
    func features(_ net: inout Network, _ x: ValueID) -> ValueID {
      net.layer(net.layer(x, 3, 4, named: "first"), 4, 6, named: "second")
    }
    var whole = Network()
    let map = features(&whole, whole.image)
    let model = try whole.pooledModel(map, channels: 6)
    var net = Network()
    let tiles: ValueID
    switch way {
    case "slices":
      var parts: [ValueID] = []
      for (row, column) in [(0, 0), (0, 8), (8, 0), (8, 8)] as [(Int64, Int64)] {
        let starts = net.integers(row, column), ends = net.integers(row + 8, column + 8)
        parts.append(net.add("Slice", net.image, starts, ends, net.integers(2, 3)))
      }
      tiles = net.builder.node("Concat", parts, ["axis": .int(0)])[0]
    case "split":
      let rows = net.builder.node("Split", [net.image], ["axis": .int(2)], outputCount: 2)
      var parts: [ValueID] = []
      for row in rows { parts += net.builder.node("Split", [row], ["axis": .int(3)], outputCount: 2) }
      tiles = net.builder.node("Concat", parts, ["axis": .int(0)])[0]
    default:
      let split = net.add("Reshape", net.image, net.integers(1, 3, 2, 8, 2, 8))
      let moved = net.add("Transpose", split, with: ["perm": .ints([0, 2, 4, 1, 3, 5])])
      tiles = net.add("Reshape", moved, net.integers(4, 3, 8, 8))
    }
    let means = net.add("Flatten", net.add("GlobalAveragePool", features(&net, tiles)))
    let tiled = try net.model(net.add("ReduceMean", means, with: ["axes": .ints([0])]), features: 6)
    #expect(try tiled.auto().name == "second")
    let expected = try model.tap("second"), found = try tiled.tap("second")
    #expect((found.channels, found.height, found.width) == (6, 4, 4))
    #expect(zip(found.activation, expected.activation).allSatisfy { abs($0 - $1) <= 1e-5 })
    #expect(zip(found.gradient, expected.gradient).allSatisfy { abs($0 - $1) <= 1e-6 })
    // The last of the tiles alone.
    let item = try tiled.tap("second", item: 3)
    let corner = (0..<6).flatMap { channel in
      (2..<4).flatMap { row in (2..<4).map { expected.activation[(channel * 4 + row) * 4 + $0] } }
    }
    #expect(zip(item.activation, corner).allSatisfy { abs($0 - $1) <= 1e-5 } && item.activation.count == corner.count)
  }

  /// A picture with 4 columns of padding at each side, however they come there.
  @Test(arguments: ["Pad", "ScatterND", "ScatterElements"]) func aPictureInALargerOneKeepsItsPlaces(_ way: String)
    throws
  {
    func padded(by way: String) throws -> Model {
      var net = Network()
      let larger: ValueID
      switch way {
      case "Pad": larger = net.add("Pad", net.image, net.integers(0, 0, 0, 4, 0, 0, 0, 4))
      case "ScatterND":
        let columns = net.add("Transpose", net.image, with: ["perm": .ints([3, 1, 2, 0])])
        let empty = net.builder.constant(Tensor([Float](repeating: 0, count: 24 * 48), shape: [24, 3, 16, 1]))
        let places = net.builder.constant(Tensor((4..<20).map(Int64.init), shape: [16, 1]))
        let written = net.add("ScatterND", empty, places, columns)
        larger = net.add("Transpose", written, with: ["perm": .ints([3, 1, 2, 0])])
      default:
        let empty = net.builder.constant(Tensor([Float](repeating: 0, count: 48 * 24), shape: [1, 3, 16, 24]))
        let places = (0..<768).map { Int64(4 + $0 % 16) }
        let indices = net.builder.constant(Tensor(places, shape: [1, 3, 16, 16]))
        larger = net.add(way, empty, indices, net.image, with: ["axis": .int(3)])
      }
      let first = net.layer(larger, 3, 4, named: "first")
      return try net.pooledModel(net.layer(first, 4, 6, named: "second"), channels: 6)
    }
    let expected = try padded(by: "Pad").tap("first"), found = try padded(by: way).tap("first")
    #expect((found.channels, found.height, found.width) == (4, 8, 12))
    #expect(found.activation == expected.activation && found.gradient == expected.gradient)
    let layout = try #require(try padded(by: way).catalogue.match("first").layout)
    #expect((layout.region.x, layout.region.width) == (-0.25, 1.5))
    #expect((layout.region.y, layout.region.height) == (0, 1))
  }

  /// Nothing written into nothing has no places.
  @Test(arguments: ["ScatterND", "ScatterElements"]) func anEmptyTensorIsWrittenNowhere(_ type: String) throws {
    var net = Network()
    let map = net.layer(net.image, 3, 4, named: "map")
    let nothing = net.add("Slice", map, net.integers(0), net.integers(0), net.integers(3))
    let shape: Shape = type == "ScatterND" ? [1, 1] : [1, 4, 8, 0]
    let indices = net.builder.constant(Tensor([Int64](repeating: 0, count: shape.count), shape: shape))
    let written = net.add(type, nothing, indices, nothing, named: "written")
    let sum = net.add("ReduceSum", written, net.integers(2, 3), with: ["keepdims": .int(0)])
    let pooled = net.add("Flatten", net.add("GlobalAveragePool", map))
    let model = try net.model(net.add("Add", pooled, sum), features: 4)
    #expect(try model.auto().name == "map")
  }

  /// Windows of 3 × 3 that use up a padding of one, layer after layer, and of two at once.
  @Test func paddingThatWindowsUseUpIsNoPlace() throws {
    var net = Network()
    var map = net.image
    for number in 0..<5 {
      map = net.add("Pad", map, net.integers(0, 0, 1, 1, 0, 0, 1, 1))
      map = net.add("Conv", map, net.weights([3, 3, 3, 3]), named: "layer\(number)")
    }
    let wide = net.add("Pad", net.image, net.integers(0, 0, 2, 2, 0, 0, 2, 2))
    let once = net.add("Conv", wide, net.weights([3, 3, 3, 3]), named: "once")
    let twice = net.add("Conv", once, net.weights([3, 3, 3, 3]), named: "twice")
    let model = try net.pooledModel(net.add("Add", map, twice, named: "sum"), channels: 3)
    func region(_ node: String) throws -> MapRegion? { try model.catalogue.match(node).layout?.region }
    #expect(try region("layer4") == .whole)
    #expect(try region("once") == .whole)
    #expect(try region("twice") == .whole)
    #expect(try region("sum") == .whole)
  }

  /// A picture beside its mirror image: neither frames nor tiles, so that one has to be chosen.
  @Test func viewsAreShownOneByOne() throws {
    var net = Network()
    let second = net.add("Mul", net.image, net.weights([1]))
    let views = net.add("Concat", net.image, second, with: ["axis": .int(0)])
    let map = net.layer(views, 3, 4, named: "map")
    let means = net.add("Flatten", net.add("GlobalAveragePool", map))
    let model = try net.model(net.add("ReduceMax", means, with: ["axes": .ints([0])]), features: 4)
    expectError(.usage, saying: "2×4×8×8", "item", "0 to 1") { _ = try model.tap("auto") }
    expectError(.usage, saying: "item '2'", "has 2 items") { _ = try model.tap("map", item: 2) }
    let first = try model.tap("map", item: 0), other = try model.tap("map", item: 1)
    #expect((first.height, first.width, other.height) == (8, 8, 8) && first.activation != other.activation)
  }
}
