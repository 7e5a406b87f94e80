import Graph
import Ops
import TestSupport
import Testing

private func indices(_ values: [Int64], _ shape: Shape) -> GradientCheck.Input {
  .fixed(Tensor(values, shape: shape))
}

/// Two updates of one element, one of another, all far apart.
private func reducing(_ reduction: String) -> GradientCheck {
  GradientCheck(
    type: "ScatterElements", attributes: ["axis": .int(1), "reduction": .string(reduction)],
    inputs: [
      .near(floats(0.1, 0.9, -0.5, 0.4, -0.8, 0.3, shape: [2, 3])),
      .fixed(integers(1, 1, 0, 1, 2, 2, shape: [2, 3])), .near(floats(0.5, 1.2, 0.3, -0.2, 0.7, 0.6, shape: [2, 3])),
    ])
}

let indexingGradientChecks: [GradientCheck] = [
  GradientCheck(type: "Gather", inputs: [.uniform([4, 3]), indices([2, 0, -1, 2], [2, 2])]),
  GradientCheck(type: "Gather", attributes: ["axis": .int(1)], inputs: [.uniform([2, 3, 2]), indices([1], [])]),
  GradientCheck(
    type: "GatherElements", attributes: ["axis": .int(1)],
    inputs: [.uniform([2, 3]), indices([0, 0, -1, 1], [2, 2])]),
  GradientCheck(type: "GatherND", inputs: [.uniform([2, 3, 2]), indices([0, 1, 1, 2, 0, 1], [3, 2])]),
  GradientCheck(
    type: "GatherND", attributes: ["batch_dims": .int(1)], inputs: [.uniform([2, 3, 2]), indices([2, 0], [2, 1])]),
  GradientCheck(
    type: "ScatterElements", inputs: [.uniform([3, 3]), indices([1, 0, 2, 0, 2, 1], [2, 3]), .uniform([2, 3])]),
  reducing("mul"),
  reducing("max"),
  reducing("min"),
  GradientCheck(
    type: "ScatterElements", attributes: ["axis": .int(1), "reduction": .string("add")],
    inputs: [.uniform([2, 3]), indices([1, 1, 2, 0], [2, 2]), .uniform([2, 2])]),
  GradientCheck(type: "Scatter", inputs: [.uniform([3, 1]), indices([2], [1, 1]), .uniform([1, 1])], opset: 9),
  GradientCheck(type: "ScatterND", inputs: [.uniform([4, 2]), indices([3, 0], [2, 1]), .uniform([2, 2])]),
  GradientCheck(
    type: "ScatterND", attributes: ["reduction": .string("add")],
    inputs: [.uniform([4]), indices([1, 1, 2], [3, 1]), .uniform([3])], opset: 16),
  GradientCheck(
    type: "ReverseSequence", inputs: [.uniform([4, 3, 2]), .fixed(integers(4, 1, 3))]),
]

@Suite struct IndexingTests {
  @Test(arguments: [Set([0]), Set([0, 1])]) func gather(_ free: Set<Int>) throws {
    let x = counting([3, 2])
    func gather(_ type: String, _ x: Tensor, _ indices: Tensor, _ attributes: [String: Attribute] = [:]) throws
      -> Tensor
    {
      try evaluate(type, [x, indices], attributes, free: free)[0]
    }
    let rows = try gather("Gather", x, integers(2, -3, shape: [1, 2]))
    #expect(rows.shape == [1, 2, 2])
    #expect(rows.floats == [4, 5, 0, 1])
    #expect(try gather("Gather", x, integers(1, 1), ["axis": .int(-1)]).floats == [1, 1, 3, 3, 5, 5])
    let elements = integers(1, 0, -1, 2, shape: [2, 2])
    #expect(try gather("GatherElements", x, elements).floats == [2, 1, 4, 5])
    #expect(try gather("GatherND", x, integers(1, 0, 2, -1, shape: [2, 2])).floats == [2, 5])
    #expect(try gather("GatherND", x, integers(1, shape: [1, 1])).floats == [2, 3])
    #expect(
      try gather("GatherND", counting([2, 2, 2]), integers(1, 0, shape: [2, 1]), ["batch_dims": .int(1)]).floats == [
        2, 3, 4, 5,
      ])
    expectError(.badData, saying: "index 3") { _ = try gather("Gather", x, integers(3)) }
    expectError(.badData, saying: "index -4") { _ = try gather("Gather", x, integers(-4)) }
    expectError(.badData, saying: "1×3", "3×2") { _ = try gather("GatherND", x, integers(0, 0, 0, shape: [1, 3])) }
    expectError(.badData, saying: "scalar", "3×2") { _ = try gather("GatherND", x, integer(0)) }
    expectError(.badData, saying: "3×2") { _ = try gather("GatherElements", x, integers(0)) }
    expectError(.badData, saying: "float32") { _ = try gather("Gather", x, floats(0)) }
  }

  @Test(arguments: [Set([0]), Set([0, 1, 2])]) func scatter(_ free: Set<Int>) throws {
    let x = floats(1, 2, 3, 4)
    let updates = floats(10, 20, 30)
    func scatter(_ reduction: String, opset: Int = 18) throws -> [Float] {
      try evaluate(
        "ScatterND", [x, integers(1, -1, 1, shape: [3, 1]), updates], ["reduction": .string(reduction)], opset: opset,
        free: free)[0].floats
    }
    #expect(try scatter("none") == [1, 30, 3, 20])
    #expect(try scatter("add") == [1, 42, 3, 24])
    #expect(try scatter("mul") == [1, 600, 3, 80])
    #expect(try scatter("max") == [1, 30, 3, 20])
    #expect(try scatter("min") == [1, 2, 3, 4])
    expectError(.unsupported, saying: "'reduction'", "'mean'") { _ = try scatter("mean") }
    let elements = try evaluate(
      "ScatterElements", [counting([2, 2]), integers(1, 0, shape: [1, 2]), floats(8, 9, shape: [1, 2])],
      free: free)[0]
    #expect(elements.floats == [0, 9, 8, 3])
    expectError(.badData, saying: "1×1") { _ = try evaluate("ScatterND", [x, integers(1, shape: [1, 1]), updates]) }
  }

  @Test func scatterOfIntegers() throws {
    let result = try evaluate(
      "ScatterElements", [integers(1, 2, 3), integers(0, 0), integers(5, 6)], ["reduction": .string("add")], free: [])
    #expect(result[0].integers == [12, 2, 3])
  }

  @Test func gradientWithIndicesFromTheModel() throws {
    // Twice the same row: its gradient is the sum.
    let graph = try gatherGraph()
    let executor = try Executor(graph, pool: ThreadPool(threadCount: 2))
    try executor.set(0, to: counting([3, 2]))
    try executor.set(1, to: integers(2, 2, 0))
    try executor.forward()
    try executor.backward(seed: [1, 2, 3, 4, 5, 6])
    #expect(executor.gradient(of: 0).floats == [5, 6, 0, 0, 4, 6])
  }

  private func gatherGraph() throws -> Plan {
    let graph = ComputeGraph(
      values: ["x", "indices", "y"].map { Value(name: $0) },
      nodes: [Node(name: "", operatorName: OperatorName(type: "Gather"), inputs: [0, 1], outputs: [2])],
      inputs: [0, 1], outputs: [2], opsets: ["": 13])
    return try Plan(
      graph, operators: .standard,
      request: PlanRequest(
        inputs: [0: ValueInfo(.float32, [3, 2]), 1: ValueInfo(.int64, [3])], outputs: [2], taps: [0], target: 2,
        kernels: KernelRequest(threadCount: 2, reusesWeights: false)))
  }

  @Test func oneHot() throws {
    let values = floats(-1, 1)
    let last = try evaluate("OneHot", [integers(1, -1, 7), integer(3), values])[0]
    #expect(last.shape == [3, 3])
    #expect(last.floats == [-1, 1, -1, -1, -1, 1, -1, -1, -1])
    let first = try evaluate("OneHot", [integers(1, 0), integers(2), values], ["axis": .int(0)])[0]
    #expect(first.floats == [-1, 1, 1, -1])
    let positions = floats(.nan, 1)
    #expect(try evaluate("OneHot", [positions, integer(2), values])[0].floats == [-1, -1, -1, 1])
    expectError(.badData, saying: "1×-1") { _ = try evaluate("OneHot", [integers(0), integer(-1), values]) }
    expectError(.badData, saying: "axis 2") {
      _ = try evaluate("OneHot", [integers(0), integer(2), values], ["axis": .int(2)])
    }
  }

  @Test func reverseSequence() throws {
    let y = try evaluate(
      "ReverseSequence", [counting([2, 3]), integers(3, 2)], ["batch_axis": .int(0), "time_axis": .int(1)])
    #expect(y[0].floats == [2, 1, 0, 4, 3, 5])
    let timeFirst = try evaluate("ReverseSequence", [counting([2, 2, 2]), integers(1, 2)])
    #expect(timeFirst[0].floats == [0, 1, 6, 7, 4, 5, 2, 3])
    #expect(try evaluate("ReverseSequence", [counting([2, 2, 0]), integers(1, 2)])[0].floats == [])
    expectError(.badData, saying: "of 4", "of 2") {
      _ = try evaluate("ReverseSequence", [counting([2, 3]), integers(1, 4, 1)])
    }
    expectError(.badData, saying: "2×3") { _ = try evaluate("ReverseSequence", [counting([2, 3]), integers(1)]) }
  }

  /// Of equal extrema each has its share; of factors, a single 0 has the product of the others.
  @Test func tiesAndZerosOfReductions() throws {
    func gradient(_ reduction: String, _ data: [Float], _ updates: [Float]) throws -> [[Float]] {
      var graph = ComputeGraph(values: (0..<4).map { Value(name: "v\($0)") }, opsets: ["": 18])
      graph.values[1].constant = Tensor([Int64](repeating: 0, count: updates.count), shape: [updates.count])
      graph.nodes = [
        Node(
          name: "", operatorName: OperatorName(type: "ScatterElements"), inputs: [0, 1, 2], outputs: [3],
          attributes: ["reduction": .string(reduction)])
      ]
      let given = [0: data, 2: updates]
      let plan = try Plan(
        graph, operators: .standard,
        request: PlanRequest(
          inputs: given.mapValues { ValueInfo(.float32, [$0.count]) }, outputs: [3], taps: [0, 2], target: 3,
          kernels: KernelRequest(threadCount: 1, reusesWeights: false)))
      let executor = try Executor(plan, pool: ThreadPool(threadCount: 1))
      for (id, values) in given { try executor.set(id, to: Tensor(values, shape: [values.count])) }
      try executor.forward()
      try executor.backward(seed: [6, 1])
      return [executor.gradient(of: 0).floats, executor.gradient(of: 2).floats]
    }
    #expect(try gradient("max", [3, 9], [3, 1, 3]) == [[2, 1], [2, 0, 2]])
    #expect(try gradient("mul", [2, 9], [0, 3]) == [[0, 1], [36, 0]])
    #expect(try gradient("mul", [2, 9], [0, 0]) == [[0, 1], [0, 0]])
  }
}
