import Graph
import Ops
import TestSupport
import Testing

/// A graph written node by node, with tensors for its inputs.
private final class Script {
  private(set) var builder = GraphBuilder(ComputeGraph(opsets: ["": 20]))
  private var inputs: [ValueID: Tensor] = [:]

  func input(_ tensor: Tensor) -> ValueID {
    let input = builder.input("input\(inputs.count)")
    inputs[input] = tensor
    return input
  }

  func number(_ value: Int64) -> ValueID { builder.constant(integer(value)) }

  func callAsFunction(
    _ type: String, _ inputs: ValueID?..., with attributes: [String: Attribute] = [:]
  ) -> ValueID { builder.node(type, inputs, attributes)[0] }

  func run(_ outputs: ValueID..., knowing isKnown: Bool = false) throws -> [Tensor] {
    let infos = inputs.mapValues { isKnown ? ValueInfo($0) : ValueInfo($0.elementType, $0.shape) }
    let plan = try Plan(
      builder.graph, operators: .standard,
      request: PlanRequest(
        inputs: infos, outputs: outputs, kernels: KernelRequest(threadCount: 2, reusesWeights: false)))
    let executor = try Executor(plan, pool: ThreadPool(threadCount: 2))
    for (id, tensor) in inputs { try executor.set(id, to: tensor) }
    try executor.forward()
    return outputs.map(executor.contents)
  }
}

private func body(_ write: (inout GraphBuilder) -> [ValueID]) -> Attribute {
  var builder = GraphBuilder(ComputeGraph(opsets: ["": 20]))
  return .graph(builder.returning(write(&builder)))
}

/// Gradients through sequences: inside the branch of an If, since a row has one node.
let collectionsGradientChecks: [GradientCheck] = [
  branch { body, x in
    let parts = body("SplitToSequence", x, with: ["axis": .int(1), "keepdims": .int(0)])
    let longer = body("SequenceInsert", parts, body("SequenceAt", parts, body.constant(integer(-1))))
    return body("ConcatFromSequence", longer, with: ["axis": .int(-1), "new_axis": .int(1)])
  },
  branch { body, x in
    let squares = Attribute.graph(square)
    let pair = body("SequenceConstruct", x, body("Neg", x))
    return body("ConcatFromSequence", body("SequenceMap", pair, with: ["body": squares]), with: ["axis": .int(0)])
  },
  branch { body, x in body("Mul", x, body("OptionalGetElement", body("Optional", x))) },
]

private func branch(_ write: (inout GraphBuilder, ValueID) -> ValueID) -> GradientCheck {
  let graph = body { builder in
    let x = builder.value("input1")
    return [write(&builder, x)]
  }
  return GradientCheck(
    type: "If", attributes: ["then_branch": graph, "else_branch": graph],
    inputs: [.fixed(Tensor([true], shape: [])), .uniform([3, 4])], captured: [1], tolerance: 5e-3)
}

private let square: ComputeGraph = {
  var builder = GraphBuilder(ComputeGraph(opsets: ["": 20]))
  let x = builder.input("x")
  return builder.returning(builder("Mul", x, x))
}()

@Suite struct CollectionsTests {
  @Test func sequencesAreTakenApart() throws {
    let script = Script()
    let a = script.input(floats(1, 2)), b = script.input(floats(3, 4)), c = script.input(floats(5, 6))
    let pair = script("SequenceConstruct", a, b)
    let three = script("SequenceInsert", pair, c, script.number(-1))
    let two = script("SequenceErase", three, script.number(0))
    let results = try script.run(
      script("SequenceAt", three, script.number(1)), script("SequenceLength", two),
      script("ConcatFromSequence", two, with: ["axis": .int(0)]),
      script("ConcatFromSequence", three, with: ["axis": .int(1), "new_axis": .int(1)]))
    #expect(results[0].floats == [5, 6] && results[1].integers == [2])
    #expect(results[2].floats == [5, 6, 3, 4])
    #expect(results[3].shape == [2, 3] && results[3].floats == [1, 5, 3, 2, 6, 4])
  }

  @Test func tensorsAreSplit() throws {
    let script = Script()
    let x = script.input(counting([2, 5]))
    let axis: [String: Attribute] = ["axis": .int(1), "keepdims": .int(0)]
    let single = script("SplitToSequence", x, with: axis),
      pairs = script("SplitToSequence", x, script.number(2), with: axis)
    let parts = script("SplitToSequence", x, script.builderConstant(integers(1, 4)), with: axis)
    let results = try script.run(
      script("SequenceAt", single, script.number(-1)), script("SequenceAt", pairs, script.number(2)),
      script("SequenceAt", parts, script.number(1)), script("SequenceLength", pairs))
    #expect(results[0].floats == [4, 9] && results[0].shape == [2])
    #expect(results[1].floats == [4, 9] && results[1].shape == [2, 1])
    #expect(results[2].floats == [1, 2, 3, 4, 6, 7, 8, 9] && results[3].integers == [3])
  }

  @Test func loopsCarrySequences() throws {
    // Three rounds append the round's number times x.
    var inner = GraphBuilder(ComputeGraph(opsets: ["": 20]))
    let round = inner.input("round")
    _ = inner.input("goes")
    let sequence = inner.input("sequence")
    let x = inner.value("input0")
    let product = inner("Mul", x, inner("CastLike", round, x))
    // The condition is a constant outside, as PyTorch's loops have it.
    let always = inner.value("always")
    let loop = inner.returning(inner("Identity", always), inner("SequenceInsert", sequence, product))
    let script = Script()
    let outer = script.input(floats(2, 3))
    let appended = script.loop(over: loop, rounds: 3, state: script("SequenceEmpty"), capturing: outer)
    let joined = script("ConcatFromSequence", appended, with: ["axis": .int(0)])
    #expect(try script.run(joined)[0].floats == [0, 0, 2, 3, 4, 6])
  }

  @Test func optionalsHoldAnElementOrNot() throws {
    let script = Script()
    let x = script.input(floats(1, 2))
    let full = script("Optional", x), empty = script("Optional")
    let results = try script.run(
      script("OptionalHasElement", full), script("OptionalHasElement", empty), script("OptionalHasElement"),
      script("OptionalGetElement", full))
    #expect(results[..<3].map(\.integers) == [[1], [0], [0]] && results[3].floats == [1, 2])
    expectError(.badData, saying: "holds nothing") {
      _ = try script.run(script("OptionalGetElement", empty))
    }
  }

  @Test func whatIsNoTensorIsSaid() throws {
    let script = Script()
    let x = script.input(floats(1, 2)), place = script.input(integer(0))
    let pair = script("SequenceConstruct", x, x)
    let sum = script("Relu", pair), element = script("SequenceAt", pair, place)
    let outside = script("SequenceAt", pair, script.number(2))
    expectError(.badData, saying: "input 0 is a sequence") { _ = try script.run(sum) }
    expectError(.unsupported, saying: "is a sequence of 2 tensors") { _ = try script.run(pair) }
    expectError(.unsupported, saying: "depends on the image") { _ = try script.run(element) }
    #expect(try script.run(element, knowing: true)[0].floats == [1, 2])
    expectError(.badData, saying: "position 2 does not exist") { _ = try script.run(outside) }
  }
}

extension Script {
  fileprivate func builderConstant(_ tensor: Tensor) -> ValueID { builder.constant(tensor) }

  fileprivate func loop(
    over body: ComputeGraph, rounds: Int64, state: ValueID, capturing input: ValueID
  ) -> ValueID {
    let output = builder.value("loop")
    builder.add(
      Node(
        name: "loop", operatorName: OperatorName(type: "Loop"), inputs: [number(rounds), nil, state],
        outputs: [output], attributes: ["body": .graph(body)],
        captures: ["input0": input, "always": builder.constant(Tensor([true], shape: []))]))
    return output
  }
}
