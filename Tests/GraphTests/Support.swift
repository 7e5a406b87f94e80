import Graph
import Ops

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
