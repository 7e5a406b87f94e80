import Graph
import Ops
import Testing

@testable import GradCAM

@Suite struct DimensionTrackerTests {
  /// Follows a map of 1 × 8 × 6 × 5, channels last, through one operator.
  private func follow(
    _ type: String, _ result: Shape, others: [ValueInfo] = [], attributes: [String: Attribute] = [:],
    at position: Int = 0
  ) -> FeatureMapLayout? {
    var graph = ComputeGraph(values: [Value(name: "input"), Value(name: "result")], opsets: ["": 17])
    var infos: [ValueID: ValueInfo] = [0: ValueInfo(.float32, [1, 8, 6, 5]), 1: ValueInfo(.float32, result)]
    var inputs: [ValueID?] = others.indices.map { $0 + 2 }
    inputs.insert(0, at: position)
    for (index, other) in others.enumerated() {
      graph.values.append(Value(name: "other\(index)"))
      infos[index + 2] = other
    }
    graph.nodes = [
      Node(name: "", operatorName: OperatorName(type: type), inputs: inputs, outputs: [1], attributes: attributes)
    ]
    return DimensionTracker(OperatorSet.standard.resolving(graph), images: [0: [.batch, .height, .width, .channels]]) {
      infos[$0]
    }
    .dimensions[1].flatMap { FeatureMapLayout($0) }
  }

  private func integers(_ value: Int) -> ValueInfo { ValueInfo(Tensor([Int64(value)], shape: [1])) }

  /// A slice that leaves out more than a row, or every second one, lies in a part of the picture.
  @Test(
    arguments: [
      (0, 7, 1, 0, 1), (0, 3, 1, 0, 0.375), (3, 5, 1, 0.375, 0.625), (0, 4, 2, 0, 1), (1, 4, 2, 0, 1),
      (-3, 3, 1, 0.625, 0.375),
    ] as [(Int, Int, Int, Double, Double)])
  func aSliceLiesWhereItWasCut(start: Int, rows: Int, step: Int, y: Double, height: Double) throws {
    let slice = [start, start < 0 ? 8 : start + rows * step, 1, step].map(integers)
    let layout = try #require(follow("Slice", [1, rows, 6, 5], others: slice))
    #expect(layout.height == rows && (layout.region.y, layout.region.height) == (y, height))
    #expect((layout.region.x, layout.region.width) == (0, 1))
  }

  @Test func constantsJoinedToPlacesAreLeftOut() {
    let constant = ValueInfo(Tensor([Float](repeating: 0, count: 60), shape: [1, 2, 6, 5]))
    for position in [0, 1] {
      let joined = follow("Concat", [1, 10, 6, 5], others: [constant], attributes: ["axis": .int(1)], at: position)
      #expect(joined?.height == 8 && joined?.extraTokens == 0 && joined?.index(0, 0, 0) == (position == 0 ? 0 : 60))
    }
  }

  @Test func paddingIsLeftOut() throws {
    let pads = ValueInfo(Tensor([0, 1, 2, 0, 0, 3, 0, 0] as [Int64], shape: [8]))
    let layout = try #require(follow("Pad", [1, 12, 8, 5], others: [pads]))
    #expect((layout.height, layout.width, layout.index(0, 0, 0)) == (8, 6, (8 + 2) * 5))
  }

  /// Rows that run backwards are put in order: the first row of the picture is the last of the tensor.
  @Test func aFlippedMapIsTurnedBack() throws {
    let slice = [7, -9, 1, -1].map(integers)
    let layout = try #require(follow("Slice", [1, 8, 6, 5], others: slice))
    #expect(layout.index(0, 0, 0) == 7 * 30 && layout.index(0, 7, 1) == 5 && layout.region == .whole)
  }

  /// What an operator does not say is unknown, whatever the rank of its result.
  @Test func nothingIsGuessedFromTheRank() {
    let weights = [[1, 28, 5], [1, 28, 7]].map { shape in
      ValueInfo(Tensor([Float](repeating: 0, count: shape.reduce(1, *)), shape: Shape(shape)))
    }
    #expect(follow("LSTM", [8, 1, 6, 7], others: weights, attributes: ["hidden_size": .int(7)]) == nil)
    #expect(follow("Relu", [1, 8, 6, 4]) == nil)
    #expect(follow("Unheard", [1, 8, 6, 5]) == nil)
    let index = ValueInfo(Tensor([0, 1, 2] as [Int64], shape: [1, 3]))
    #expect(follow("GatherND", [1, 8, 6, 5], others: [index]) == nil)
  }

  /// unfold: windows of 4 rows, 4 apart, are rows again; windows 2 apart overlap and are not put together.
  @Test(arguments: [(4, true), (2, false)])
  func windowsOfAnIndexArePutTogether(distance: Int, isMap: Bool) throws {
    let count = (8 - 4) / distance + 1
    let indices = (0..<count).flatMap { window in (0..<4).map { Int64(window * distance + $0) } }
    let windows = follow(
      "Gather", [1, count, 4, 6, 5], others: [ValueInfo(Tensor(indices, shape: [count, 4]))],
      attributes: ["axis": .int(1)])
    #expect((windows?.height == 8) == isMap && (windows != nil) == isMap)
  }

  @Test func weightsMakeNewChannels() {
    let weights = ValueInfo(Tensor([Float](repeating: 0, count: 15), shape: [5, 3]))
    let product = follow("MatMul", [1, 8, 6, 3], others: [weights])
    #expect(product?.channels == 3 && product?.height == 8 && product?.width == 6)
  }

  @Test func aReductionKeepsTheOtherDimensions() {
    let mean = follow("ReduceMean", [1, 8, 6], attributes: ["axes": .ints([-1]), "keepdims": .int(0)])
    #expect(mean?.channels == 1 && mean?.height == 8 && mean?.width == 6)
    #expect(follow("ReduceMean", [1, 5], attributes: ["axes": .ints([1, 2]), "keepdims": .int(0)]) == nil)
  }

  @Test func oneIndexTakesItsDimensionAway() {
    let index = ValueInfo(Tensor([2] as [Int64], shape: []))
    #expect(follow("Gather", [1, 8, 6], others: [index], attributes: ["axis": .int(3)])?.channels == 1)
    #expect(follow("Gather", [1, 6, 5], others: [index], attributes: ["axis": .int(1)]) == nil)
  }
}
