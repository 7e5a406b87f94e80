import Graph
import Ops
import TestSupport
import Testing

/// Long repetitions run in loops, and give what their rounds give one by one.
@Suite struct RepeatingTests {
  /// The values of all outputs and the gradients at all inputs that carry one, for each output that has one.
  private func run(
    _ graph: ComputeGraph, _ inputs: [Tensor], guided: Bool = false
  ) throws -> (values: [Tensor], gradients: [[Float]]) {
    let given = zip(graph.inputs, inputs).map { ($0, ValueInfo($1.elementType, $1.shape)) }
    var gradients: [[Float]] = [], values: [Tensor] = []
    let taps = zip(graph.inputs, inputs).filter { $1.elementType.isFloatingPoint }.map(\.0)
    for output in graph.outputs {
      var request = PlanRequest(
        inputs: Dictionary(uniqueKeysWithValues: given), outputs: graph.outputs, taps: taps, target: output,
        kernels: KernelRequest(threadCount: 2, reusesWeights: false))
      request.rule = guided ? .guided : .gradient
      let executor = try Executor(
        Plan(graph, operators: .standard, request: request), pool: ThreadPool(threadCount: 2))
      for (id, tensor) in zip(graph.inputs, inputs) { try executor.set(id, to: tensor) }
      try executor.forward()
      values = graph.outputs.map(executor.contents)
      let seed = (0..<executor.contents(of: output).shape.count).map { Float($0 % 7) - 2.5 }
      // A plan may run backward more than once.
      for _ in 0..<2 { try executor.backward(seed: seed) }
      gradients += taps.map { executor.gradient(of: $0).floats }
    }
    return (values, gradients)
  }

  private func random(_ shape: Shape, _ seed: UInt64) -> Tensor {
    var generator = SplitMix64(seed: seed)
    return Tensor((0..<shape.count).map { _ in .random(in: -1...1, using: &generator) }, shape: shape)
  }

  /// Two states that change places, a counter, a matrix from outside, and a result for every round.
  private var round: ComputeGraph {
    var body = GraphBuilder(ComputeGraph(opsets: ["": 20]))
    let a = body.input("a"), b = body.input("b"), number = body.input("number"), x = body.input("x")
    let next = body("Tanh", body("Add", body("MatMul", b, body.value("w")), x))
    var result = body("Mul", next, body("Sin", body("CastLike", number, a)))
    for _ in 0..<10 { result = body("Neg", result) }
    let rectified = body("Relu", body("Add", result, a))
    let counted = body("Add", number, body.constant(integer(1)))
    return body.returning(next, a, counted, rectified)
  }

  /// The graph scanned over an input of 2 × `length` × 3, in parts of equal length one after another.
  private func scan(_ length: Int, parts: Int) -> ComputeGraph {
    var graph = GraphBuilder(ComputeGraph(opsets: ["": 20]))
    var states = ["a", "b"].map { graph.input($0) }
    let x = graph.input("x"), w = graph.input("outer")
    states.append(graph.constant(integer(0)))
    var results: [ValueID] = []
    for part in 0..<parts {
      let end = length - part * length / parts
      func number(_ value: Int) -> ValueID { graph.constant(integers(Int64(value))) }
      let slice = graph("Slice", x, number(end - length / parts), number(end), number(1))
      let outputs = (0..<4).map { graph.value("part\(part).\($0)") }
      graph.add(
        Node(
          name: "scan\(part)", operatorName: OperatorName(type: "Scan"), inputs: states + [slice], outputs: outputs,
          attributes: [
            "body": .graph(round), "num_scan_inputs": .int(1), "scan_input_axes": .ints([1]),
            "scan_input_directions": .ints([1]), "scan_output_axes": .ints([-2]), "scan_output_directions": .ints([1]),
          ], captures: ["w": w]))
      states = Array(outputs[..<3])
      results.insert(outputs[3], at: 0)
    }
    return graph.returning([states[0], states[1], graph.node("Concat", results, ["axis": .int(1)])[0]])
  }

  @Test(arguments: [false, true]) func loopsEqualTheirRounds(guided: Bool) throws {
    // 160 rounds of 17 nodes run in a loop, 80 do not.
    let inputs = [random([2, 3], 1), random([2, 3], 2), random([2, 160, 3], 3), random([3, 3], 4)]
    let whole = try run(scan(160, parts: 1), inputs, guided: guided)
    let parts = try run(scan(160, parts: 2), inputs, guided: guided)
    for (a, b) in zip(whole.values, parts.values) {
      #expect(a.shape == b.shape)
      expectClose(a.floats, b.floats, within: 1e-6)
    }
    #expect(whole.gradients.count == 12 && whole.gradients[2 * 4 + 3].contains { $0 != 0 })
    for (a, b) in zip(whole.gradients, parts.gradients) {
      let largest = b.map(abs).max()!
      expectClose(a, b, within: 1e-5 * Double(max(1, largest)))
    }
    if !guided {
      // What is guided is not the derivative.
      #expect(try run(scan(160, parts: 1), inputs, guided: true).gradients != whole.gradients)
    }
  }

  /// A loop whose body adds 1 to its state, or runs the next such loop.
  private func counting(_ rounds: [Int64]) -> Attribute {
    var body = GraphBuilder(ComputeGraph(opsets: ["": 20]))
    let goes = [body.input("round"), body.input("goes")][1]
    let state = body.input("state")
    guard let inner = rounds.first else {
      return .graph(
        body.returning(body("Identity", goes), body("Add", state, body.constant(scalar(1)))))
    }
    let next = body.node(
      "Loop", [body.constant(integer(inner)), goes, state], ["body": counting(Array(rounds.dropFirst()))])[0]
    return .graph(body.returning(body("Identity", goes), next))
  }

  @Test func loopsInLoops() throws {
    let results = try evaluate(
      "Loop", [integer(1100), nil, scalar(0.5)], ["body": counting([1100])], free: [2])
    #expect(results[0].floats == [1_210_000.5])
    // What does not depend on the inputs is computed beforehand.
    #expect(
      try evaluate("Loop", [integer(1100), nil, scalar(0.5)], ["body": counting([1100])], free: [])[0].floats
        == [1_210_000.5])
    expectError(.unsupported, saying: "its loops take more than 20 million steps") {
      _ = try evaluate("Loop", [integer(5000), nil, scalar(0.5)], ["body": counting([5000])], free: [2])
    }
    expectError(.unsupported, saying: "its loops take more than 20 million steps") {
      _ = try evaluate("Loop", [integer(.max), nil, scalar(0.5)], ["body": counting([])], free: [2])
    }
  }

  /// A state that becomes longer in every round.
  private var growing: Attribute {
    var body = GraphBuilder(ComputeGraph(opsets: ["": 20]))
    let goes = [body.input("round"), body.input("goes")][1], state = body.input("state")
    let longer = body.node("Concat", [state, body.constant(floats(1))], ["axis": .int(0)])[0]
    return .graph(body.returning(body("Identity", goes), longer))
  }

  @Test func roundsThatDifferBecomePartsOfTheGraph() throws {
    let results = try evaluate("Loop", [integer(1200), nil, floats(0)], ["body": growing], free: [2])
    #expect(results[0].shape == [1201])
    expectError(
      .unsupported, saying: "its 100000 rounds, too many to be planned one by one: 'state': float32 1 becomes float32 2"
    ) {
      _ = try evaluate("Loop", [integer(100_000), nil, floats(0)], ["body": growing], free: [2])
    }
  }
}
