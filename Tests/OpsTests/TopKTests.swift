import Graph
import Ops
import TestSupport
import Testing

let topKGradientChecks: [GradientCheck] = [
  GradientCheck(
    type: "TopK", attributes: ["axis": .int(0)], inputs: [.uniform([5, 2], spread: true), .fixed(integers(3))]),
  GradientCheck(
    type: "TopK", attributes: ["largest": .int(0)], inputs: [.uniform([2, 5], spread: true), .fixed(integers(2))]),
  GradientCheck(type: "TopK", attributes: ["k": .int(2)], inputs: [.uniform([2, 5], spread: true)], opset: 1),
]

@Suite struct TopKTests {
  @Test func topK() throws {
    let x = floats(3, 1, 3, 2, 0, 5, shape: [2, 3])
    let largest = try evaluate("TopK", [x, integers(2)], outputCount: 2)
    #expect(largest[0].floats == [3, 3, 5, 2])
    #expect(largest[1].integers == [0, 2, 2, 0])
    let smallest = try evaluate("TopK", [x, integers(1)], ["largest": .int(0), "axis": .int(0)], outputCount: 2)
    #expect(smallest[0].floats == [2, 0, 3])
    #expect(smallest[1].integers == [1, 1, 0])
    #expect(try evaluate("TopK", [x], ["k": .int(1)], opset: 1)[0].floats == [3, 5])
    let whole = try evaluate("TopK", [integers(4, 9, 6), integers(3)], outputCount: 2)
    #expect(whole[0].integers == [9, 6, 4])
    let odd = floats(1, .nan, 2)
    #expect(try evaluate("TopK", [odd, integers(3)], outputCount: 2)[1].integers == [1, 2, 0])
    expectError(.badData, saying: "4 elements") { _ = try evaluate("TopK", [x, integers(4)]) }
    expectError(.badData, saying: "axis 2") { _ = try evaluate("TopK", [x, integers(1)], ["axis": .int(2)]) }
  }

  /// What was selected once is selected again, whatever the numbers are now, with its gradient there.
  @Test(arguments: [1, 0]) func selectionsAreHeld(_ largest: Int64) throws {
    let first = floats(3, 1, 4, 2, 0, 5, shape: [2, 3]), other = floats(9, 8, 7, 6, 5, 4, shape: [2, 3])
    let attributes: [String: Attribute] = ["largest": .int(largest)]
    let node = Node(
      name: "", operatorName: OperatorName(type: "TopK"), inputs: [0, 1], outputs: [2, 3], attributes: attributes)
    let resolved = try OperatorSet.standard.resolve(node, opsets: ["": 20])
    guard case .computed(let ranking) = resolved.form else { throw UnexpectedForm() }
    let held = try #require(try ranking.holding { [first, integers(2)][$0] })
    let inputs = NodeInputs([ValueInfo(other.elementType, other.shape), ValueInfo(integers(2))])
    let outputs = try held.infer(inputs)
    #expect(outputs[1].constant?.integers == (largest == 1 ? [2, 0, 2, 0] : [1, 0, 1, 0]))
    let values = Tensor(uninitialized: .float32, shape: outputs[0].shape)
    let pool = ThreadPool(threadCount: 1), request = KernelRequest(threadCount: 1, reusesWeights: false)
    try held.kernel(inputs, outputs, request).run(
      KernelArguments(
        inputs: [UnsafeRawPointer(other.storage.base), nil], outputs: [values.storage.base, nil],
        scratch: values.storage.base, pool: pool))
    #expect(values.floats == (largest == 1 ? [7, 9, 4, 6] : [8, 9, 5, 6]))
    let whole = NodeInputs([ValueInfo(.float32, [4, 3]), ValueInfo(integers(2))])
    expectError(.defect, saying: "another shape") { _ = try held.infer(whole) }
  }
}

private struct UnexpectedForm: Error {}
