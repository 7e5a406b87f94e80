import Graph
import Ops

/// A generator with a fixed sequence.
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// Builds graphs by hand.
struct GraphBuilder {
  var graph = ComputeGraph(opsets: ["": 17])

  mutating func input(_ name: String) -> ValueID {
    graph.values.append(Value(name: name))
    graph.inputs.append(graph.values.count - 1)
    return graph.values.count - 1
  }

  mutating func constant(_ values: [Float], _ shape: Shape) -> ValueID {
    graph.values.append(Value(name: "constant\(graph.values.count)", constant: Tensor(values, shape: shape)))
    return graph.values.count - 1
  }

  mutating func constant(_ values: [Int64]) -> ValueID {
    graph.values.append(
      Value(name: "constant\(graph.values.count)", constant: Tensor(values, shape: [values.count])))
    return graph.values.count - 1
  }

  /// Adds a node; its first output is returned.
  mutating func node(
    _ type: String, _ inputs: [ValueID?], _ attributes: [String: Attribute] = [:], name: String = "",
    outputCount: Int = 1
  ) -> ValueID {
    let first = graph.values.count
    for _ in 0..<outputCount { graph.values.append(Value(name: "value\(graph.values.count)")) }
    graph.nodes.append(
      Node(
        name: name, operatorName: OperatorName(type: type), inputs: inputs,
        outputs: (first..<first + outputCount).map { $0 }, attributes: attributes))
    return first
  }

  /// Plans for inputs of a shape, and other values given from outside.
  func plan(
    _ shape: Shape, given: [ValueID: Shape] = [:], outputs: [ValueID], taps: [ValueID] = [], target: ValueID? = nil,
    operators: OperatorSet = .standard, threadCount: Int = 1
  ) throws -> Plan {
    try Plan(
      graph, operators: operators,
      request: PlanRequest(
        inputs: Dictionary(uniqueKeysWithValues: graph.inputs.map { ($0, ValueInfo(.float32, shape)) }).merging(
          given.mapValues { ValueInfo(.float32, $0) }
        ) { $1 },
        outputs: outputs, taps: taps, target: target,
        kernels: KernelRequest(threadCount: threadCount, reusesWeights: false)))
  }
}
