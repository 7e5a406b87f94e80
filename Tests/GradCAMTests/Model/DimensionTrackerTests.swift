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
    return DimensionTracker(OperatorSet.standard.resolving(graph), image: 0, layout: .nhwc) { infos[$0] }
      .dimensions[1].flatMap(FeatureMapLayout.init)
  }

  private func integers(_ value: Int) -> ValueInfo { ValueInfo(Tensor([Int64(value)], shape: [1])) }

  @Test(arguments: [
    (0, 7, 1, true), (0, 3, 1, false), (3, 5, 1, false), (0, 4, 2, true), (1, 4, 2, true), (-3, 3, 1, false),
  ])
  func aSliceIsTheWholePictureOrNone(start: Int, rows: Int, step: Int, isMap: Bool) {
    let slice = [start, start < 0 ? 8 : start + rows * step, 1, step].map(integers)
    #expect((follow("Slice", [1, rows, 6, 5], others: slice) != nil) == isMap)
  }

  @Test func constantsJoinedToTokensAreLeftOut() {
    let constant = ValueInfo(Tensor([Float](repeating: 0, count: 60), shape: [1, 2, 6, 5]))
    for position in [0, 1] {
      let joined = follow("Concat", [1, 10, 6, 5], others: [constant], attributes: ["axis": .int(1)], at: position)
      #expect(joined?.height == 8 && joined?.extraTokens == 2)
    }
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
