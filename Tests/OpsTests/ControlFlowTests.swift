import Graph
import Ops
import TestSupport
import Testing

/// A graph with `inputs` named values, then those that nodes compute or that are captured.
private func graph(_ values: [Value], inputs: Int, outputs: [ValueID], _ nodes: (String, [ValueID?], ValueID)...)
  -> Attribute
{
  .graph(
    ComputeGraph(
      values: values,
      nodes: nodes.map { Node(name: "", operatorName: OperatorName(type: $0), inputs: $1, outputs: [$2]) },
      inputs: Array(0..<inputs), outputs: outputs, opsets: ["": 20]))
}

private func named(_ names: String...) -> [Value] { names.map { Value(name: $0) } }

private let square = graph(named("input1", "y"), inputs: 0, outputs: [1], ("Mul", [0, 0], 1))
private let negation = graph(named("input1", "y"), inputs: 0, outputs: [1], ("Neg", [0], 1))
/// (x, x + number) of a state x that is squared.
private let squaring = graph(
  named("round", "goes", "x", "square", "cast", "sum"), inputs: 3, outputs: [1, 3, 5], ("Mul", [2, 2], 3),
  ("CastLike", [0, 2], 4), ("Add", [3, 4], 5))
/// The state plus the slice, both as the next state and as the result; squared as a second result.
private let summing = graph(
  named("sum", "x", "next", "square"), inputs: 2, outputs: [2, 2, 3], ("Add", [0, 1], 2), ("Mul", [2, 2], 3))

let controlFlowGradientChecks: [GradientCheck] = [
  GradientCheck(
    type: "If", attributes: ["then_branch": square, "else_branch": negation],
    inputs: [.fixed(Tensor([true], shape: [])), .uniform([2, 3])], captured: [1]),
  GradientCheck(
    type: "Loop", attributes: ["body": squaring],
    inputs: [.fixed(integer(2)), .none, .uniform([3], 0.5...1.5)], outputCount: 2, tolerance: 5e-3),
  GradientCheck(
    type: "Scan", attributes: ["body": summing, "num_scan_inputs": .int(1), "scan_input_axes": .ints([1])],
    inputs: [.uniform([2]), .uniform([2, 3])], outputCount: 3),
]

@Suite struct ControlFlowTests {
  @Test func takesABranch() throws {
    func branch(_ value: Float) -> Attribute {
      graph([Value(name: "y", constant: floats(value))], inputs: 0, outputs: [0])
    }
    for (condition, expected) in [(true, 1), (false, 2)] as [(Bool, Float)] {
      let result = try evaluate(
        "If", [Tensor([condition], shape: [])], ["then_branch": branch(1), "else_branch": branch(2)], free: [])
      #expect(result[0].floats == [expected])
    }
    expectError(.unsupported, saying: "input 0") {
      _ = try evaluate("If", [Tensor([true], shape: [])], ["then_branch": branch(1), "else_branch": branch(2)])
    }
  }

  @Test func unrollsRounds() throws {
    let results = try evaluate(
      "Loop", [integer(2), nil, floats(2, 3)], ["body": squaring], outputCount: 2, free: [2])
    #expect(results[0].floats == [16, 81])
    #expect(results[1].floats == [4, 9, 17, 82] && results[1].shape == [2, 2])
    // A loop that may not begin hands on its state.
    let never = Tensor([false], shape: [])
    #expect(
      try evaluate(
        "Loop", [integer(2), never, floats(2)],
        ["body": graph(named("round", "goes", "x", "y"), inputs: 3, outputs: [1, 3], ("Mul", [2, 2], 3))], free: [2])[0]
        .floats == [2])
    expectError(.unsupported, saying: "input 0") {
      _ = try evaluate("Loop", [integer(2), nil, floats(2)], ["body": squaring], outputCount: 2, free: [0])
    }
  }

  @Test func scansForwardsAndBackwards() throws {
    let x = floats(1, 10, 2, 20, 4, 40, shape: [3, 2]), start = floats(0, 0)
    let forwards = try evaluate(
      "Scan", [start, x], ["body": summing, "num_scan_inputs": .int(1)], outputCount: 3, free: [0, 1])
    #expect(forwards[0].floats == [7, 70])
    #expect(forwards[1].floats == [1, 10, 3, 30, 7, 70] && forwards[2].floats == [1, 100, 9, 900, 49, 4900])
    let backwards = try evaluate(
      "Scan", [start, x],
      [
        "body": summing, "num_scan_inputs": .int(1), "scan_input_directions": .ints([1]),
        "scan_output_directions": .ints([1, 0]), "scan_output_axes": .ints([0, 1]),
      ], outputCount: 3, free: [0, 1])
    #expect(backwards[1].floats == [7, 70, 6, 60, 4, 40])
    #expect(backwards[2].floats == [16, 36, 49, 1600, 3600, 4900] && backwards[2].shape == [2, 3])
  }
}
