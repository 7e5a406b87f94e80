import Graph
import Ops
import TestSupport
import Testing

/// A graph of one input, whose extents depend on its contents.
private struct Network {
  var builder = GraphBuilder()
  let x: ValueID
  var outputs: [ValueID] = []

  init(_ build: (inout GraphBuilder, ValueID) -> [ValueID]) {
    x = builder.input("x")
    outputs = build(&builder, x)
  }

  /// The outputs for an input.
  func outputs(_ input: Tensor, threadCount: Int = 1) throws -> [Tensor] {
    let executor = try executor(input, threadCount: threadCount)
    return outputs.map(executor.contents)
  }

  /// The gradient of the sum of the first output.
  func gradient(at input: Tensor) throws -> [Float] {
    let executor = try executor(input, tapping: true)
    try executor.backward(
      seed: [Float](repeating: 1, count: executor.plan.infos[outputs[0]]!.shape.count))
    return executor.gradient(of: x).floats
  }

  func plan(_ input: Tensor, tapping: Bool = false, pool: ThreadPool = ThreadPool(threadCount: 1)) throws -> Plan {
    var builder = builder
    return try Plan(
      builder.returning(outputs), operators: .standard,
      request: PlanRequest(
        inputs: [x: ValueInfo(input.elementType, input.shape)], outputs: outputs, taps: tapping ? [x] : [],
        target: tapping ? outputs[0] : nil,
        kernels: KernelRequest(threadCount: pool.threadCount, reusesWeights: false)),
      contents: [x: input], pool: pool)
  }

  private func executor(_ input: Tensor, tapping: Bool = false, threadCount: Int = 1) throws -> Executor {
    let pool = ThreadPool(threadCount: threadCount)
    let executor = try Executor(plan(input, tapping: tapping, pool: pool), pool: pool)
    try executor.set(x, to: input)
    try executor.forward()
    return executor
  }
}

/// A graph in an attribute, whose values are built by name.
private func body(_ build: (inout GraphBuilder) -> [ValueID]) -> Attribute {
  var builder = GraphBuilder()
  return .graph(builder.returning(build(&builder)))
}

extension GraphBuilder {
  fileprivate mutating func numbers(_ values: Float...) -> ValueID {
    constant(Tensor(values, shape: values.count == 1 ? [] : [values.count]))
  }

  /// The elements of a vector that are greater than a number.
  fileprivate mutating func elements(of x: ValueID, above limit: Float) -> ValueID {
    let places = self("NonZero", self("Greater", x, numbers(limit)))
    return self("GatherND", x, self("Transpose", places, with: ["perm": .ints([1, 0])]))
  }
}

@Suite struct DecisionsTests {
  private let selecting = Network { graph, x in
    let squares = graph("Mul", x, x), large = graph.elements(of: squares, above: 4)
    // The square is read again long after the selection.
    let rest = graph.elements(of: graph("Concat", large, squares, with: ["axis": .int(0)]), above: 8)
    return [graph("Mul", rest, graph.numbers(3)), large]
  }

  @Test(arguments: [[1, 2, 3, -4], [5, 6, 7, 8], [0.5, -2.5, 0, 1], [0, 1, 0, 1]] as [[Float]])
  func selectionsHaveTheExtentsThatContentsGiveThem(x: [Float]) throws {
    let squares = x.map { $0 * $0 }, large = squares.filter { $0 > 4 }, rest = (large + squares).filter { $0 > 8 }
    let results = try selecting.outputs(Tensor(x, shape: [4]))
    #expect(results[0].floats == rest.map { $0 * 3 } && results[0].shape == [rest.count])
    #expect(results[1].floats == large && results[1].shape == [large.count])
    // Each square above 8 is chosen twice.
    let gradient = x.map { $0 * $0 > 8 ? 2 * 3 * 2 * $0 : 0 }
    guard rest.isEmpty else {
      #expect(try selecting.gradient(at: Tensor(x, shape: [4])) == gradient)
      return
    }
    expectError(.usage, saying: "no gradient can flow") { _ = try selecting.gradient(at: Tensor(x, shape: [4])) }
  }

  @Test func theSameForAnyNumberOfThreads() throws {
    let x = Tensor((0..<20_000).map { Float($0 % 97) / 12 - 3 }, shape: [20_000])
    let one = try selecting.outputs(x), several = try selecting.outputs(x, threadCount: 4)
    #expect(one.map(\.floats) == several.map(\.floats))
  }

  @Test func graphsOfFixedExtentsNeedNoDecisions() throws {
    let network = Network { graph, x in [graph("Relu", graph("Mul", x, x))] }
    #expect(try network.plan(Tensor([1, 2], shape: [2])).request.decisions.isEmpty)
    #expect(try !selecting.plan(Tensor([1, 2, 3, 4], shape: [4])).request.decisions.isEmpty)
  }

  @Test func boxesAreSelected() throws {
    let network = Network { graph, x in
      let boxes = graph.constant(Tensor([0, 0, 2, 2, 0, 0, 2, 1.9, 5, 5, 6, 6], shape: [1, 3, 4]))
      let limits = [graph.constant(Tensor([Int64(10)], shape: [1])), graph.numbers(0.5), graph.numbers(0.1)]
      let chosen = graph.node("NonMaxSuppression", [boxes, x] + limits)[0]
      let places = graph("Gather", chosen, graph.constant(Tensor([Int64(2)], shape: [])), with: ["axis": .int(1)])
      let scores = graph("Gather", graph("Reshape", x, graph.constant(Tensor([Int64(-1)], shape: [1]))), places)
      return [graph("Mul", scores, graph.numbers(2)), places]
    }
    let x = Tensor([0.6, 0.7, 0.2], shape: [1, 1, 3])
    let results = try network.outputs(x)
    #expect(results[0].floats == [1.4, 0.4] && results[1].integers == [1, 2])
    #expect(try network.gradient(at: x) == [0, 2, 2])
    #expect(try network.outputs(Tensor([0, 0, 0], shape: [1, 1, 3]))[0].shape == [0])
  }

  @Test(arguments: [([1, 2], 3), ([3, 9], 0), ([0.5, 0.25], 5), ([-1, -2], 6)] as [([Float], Int)])
  func aLoopEndsWhenItsContentsSaySo(x: [Float], rounds: Int) throws {
    let doubling = body { graph in
      _ = graph.input("round")
      _ = graph.input("goes")
      let state = graph.input("state"), next = graph("Add", state, state)
      let goes = graph("Less", graph("ReduceSum", next, with: ["keepdims": .int(0)]), graph.numbers(24))
      return [goes, next, graph("Mul", next, graph.numbers(10))]
    }
    let network = Network { graph, x in
      let goes = graph("Less", graph("ReduceSum", x, with: ["keepdims": .int(0)]), graph.numbers(12))
      return graph.node(
        "Loop", [graph.constant(Tensor([Int64(6)], shape: [])), goes, x], ["body": doubling], outputCount: 2)
    }
    let input = Tensor(x, shape: [2]), factor = Float(1 << rounds)
    guard rounds > 0 else {
      expectError(.unsupported, saying: "without iterations") { _ = try network.outputs(input) }
      return
    }
    let results = try network.outputs(input)
    #expect(results[0].floats == x.map { $0 * factor } && results[1].shape == [rounds, 2])
    #expect(results[1].floats == (1...rounds).flatMap { round in x.map { $0 * Float(10 << round) } })
    #expect(try network.gradient(at: input) == [factor, factor])
  }

  @Test func aLoopThatDoesNotEndIsRefused() throws {
    let endless = body { graph in
      _ = graph.input("round")
      _ = graph.input("goes")
      let next = graph("Mul", graph.input("state"), graph.numbers(0.5))
      return [graph("Less", graph("ReduceSum", next, with: ["keepdims": .int(0)]), graph.numbers(1)), next]
    }
    let network = Network { graph, x in
      graph.node("Loop", [nil, graph.constant(Tensor([true], shape: [])), x], ["body": endless])
    }
    expectError(.unsupported, saying: "more than the 1000 iterations") {
      _ = try network.outputs(Tensor([0.5], shape: [1]))
    }
  }

  @Test func aBranchIsTakenByContents() throws {
    // What a branch reads from outside is named like there.
    let square = body { graph in
      let outside = graph.value("x"), large = graph.elements(of: graph("Mul", outside, outside), above: 1)
      return [large]
    }
    let negation = body { graph in [graph("Neg", graph.value("x"))] }
    let network = Network { graph, x in
      let isPositive = graph("Greater", graph("ReduceSum", x, with: ["keepdims": .int(0)]), graph.numbers(0))
      var node = Node(
        name: "branch", operatorName: OperatorName(type: "If"), inputs: [isPositive], outputs: [graph.value("y")],
        attributes: ["then_branch": square, "else_branch": negation])
      node.captures = ["x": x]
      graph.add(node)
      return [graph("Mul", node.outputs[0], graph.numbers(1))]
    }
    #expect(try network.outputs(Tensor([1, -2, 3], shape: [3]))[0].floats == [4, 9])
    #expect(try network.gradient(at: Tensor([1, -2, 3], shape: [3])) == [0, -4, 6])
    #expect(try network.outputs(Tensor([-1, -2, 1], shape: [3]))[0].floats == [1, 2, -1])
    #expect(try network.gradient(at: Tensor([-1, -2, 1], shape: [3])) == [-1, -1, -1])
  }

  @Test func extentsAreComputed() throws {
    let network = Network { graph, x in
      let count = graph("Cast", graph("ReduceMax", x), with: ["to": .int(7)])
      let part = graph("Slice", x, graph.constant(Tensor([Int64(0)], shape: [1])), count)
      let tiles = graph("Tile", part, count)
      let open = graph.constant(Tensor([Int64(-1)], shape: [1]))
      let rows = graph("Reshape", tiles, graph("Concat", open, count, with: ["axis": .int(0)]))
      return [rows, graph.node("TopK", [x, count])[0]]
    }
    let input = Tensor([1, 2, 0, -5], shape: [4]), results = try network.outputs(input)
    #expect(results[0].floats == [1, 2, 1, 2] && results[0].shape == [2, 2])
    #expect(results[1].floats == [2, 1])
    #expect(try network.gradient(at: input) == [2, 2, 0, 0])
  }

  @Test func sequencesAreCutByContents() throws {
    let network = Network { graph, x in
      let lengths = graph("Cast", graph("Slice", x, ints(&graph, 0), ints(&graph, 2)), with: ["to": .int(7)])
      let parts = graph("SplitToSequence", x, lengths)
      let last = graph("Gather", x, graph.constant(Tensor([Int64(3)], shape: [])))
      let place = graph("Cast", last, with: ["to": .int(7)])
      return [graph("Mul", graph("SequenceAt", parts, place), graph.numbers(2))]
    }
    let input = Tensor([1, 3, 7, 1], shape: [4])
    #expect(try network.outputs(input)[0].floats == [6, 14, 2])
    #expect(try network.gradient(at: input) == [0, 2, 2, 2])
    func ints(_ graph: inout GraphBuilder, _ value: Int64) -> ValueID { graph.constant(Tensor([value], shape: [1])) }
  }

  @Test func whatFailsInTheRunIsReported() throws {
    let network = Network { graph, x in
      let far = graph("Cast", graph("Mul", x, graph.numbers(100)), with: ["to": .int(7)])
      return [graph.elements(of: graph("Gather", x, far), above: 0)]
    }
    expectError(.badData, saying: "index 300 lies outside") { _ = try network.outputs(Tensor([3], shape: [1])) }
    #expect(try network.outputs(Tensor([0], shape: [1]))[0].shape == [0])
  }
}
