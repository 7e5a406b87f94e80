import Graph
import Ops

extension GraphBuilder {
  /// A graph of an opset that old and new operators understand.
  static var test: GraphBuilder { GraphBuilder(ComputeGraph(opsets: ["": 17])) }

  mutating func constant(_ values: [Float], _ shape: Shape) -> ValueID { constant(Tensor(values, shape: shape)) }

  mutating func constant(_ values: [Int64]) -> ValueID { constant(Tensor(values, shape: [values.count])) }

  /// Adds a node; its first output is returned.
  mutating func first(
    _ type: String, _ inputs: [ValueID?], _ attributes: [String: Attribute] = [:], name: String = "",
    outputCount: Int = 1
  ) -> ValueID { node(type, inputs, attributes, name: name, outputCount: outputCount)[0] }

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
