import Graph
import Ops

/// The outputs of one node.
///
/// - Parameters:
///   - free: the inputs that the planner does not know; all others are constants.
///   - outputCount: the outputs written down.
///   - skipped: those of them that are left out.
func evaluate(
  _ type: String, _ inputs: [Tensor?], _ attributes: [String: Attribute] = [:], domain: String = "", opset: Int = 20,
  outputCount: Int = 1, skipped: Set<Int> = [], free: Set<Int> = [0]
) throws -> [Tensor] {
  var graph = ComputeGraph(opsets: [domain: opset])
  let ids: [ValueID?] = inputs.enumerated().map { index, tensor in
    guard let tensor else { return nil }
    graph.values.append(Value(name: "input\(index)", constant: free.contains(index) ? nil : tensor))
    return graph.values.count - 1
  }
  let outputs = (0..<outputCount).map { index in
    graph.values.append(Value(name: "output\(index)"))
    return graph.values.count - 1
  }
  graph.nodes = [
    Node(
      name: "node", operatorName: OperatorName(domain: domain, type: type), inputs: ids,
      outputs: outputs.indices.map { skipped.contains($0) ? nil : outputs[$0] }, attributes: attributes)
  ]
  let wanted = outputs.indices.filter { !skipped.contains($0) }.map { outputs[$0] }
  let given = free.filter { $0 < inputs.count }.compactMap { index in
    inputs[index].map { (ids[index]!, $0) }
  }
  let infos = given.map { ($0.0, ValueInfo($0.1.elementType, $0.1.shape)) }
  let plan = try Plan(
    graph, operators: .standard,
    request: PlanRequest(
      inputs: Dictionary(uniqueKeysWithValues: infos), outputs: wanted,
      kernels: KernelRequest(threadCount: 2, reusesWeights: false)))
  let executor = try Executor(plan, pool: ThreadPool(threadCount: 2))
  for (id, tensor) in given { try executor.set(id, to: tensor) }
  try executor.forward()
  return wanted.map(executor.contents)
}

/// Integers, a vector where no shape is given.
func integers(_ values: Int64..., shape: Shape? = nil) -> Tensor { Tensor(values, shape: shape ?? [values.count]) }

/// Numbers, a vector where no shape is given.
func floats(_ values: Float..., shape: Shape? = nil) -> Tensor { Tensor(values, shape: shape ?? [values.count]) }

/// A scalar integer.
func integer(_ value: Int64, _ type: ElementType = .int64) -> Tensor { Tensor([value], shape: [], elementType: type) }

/// A scalar number.
func scalar(_ value: Float) -> Tensor { Tensor([value], shape: []) }

/// The numbers 0, 1, 2 … in some shape.
func counting(_ shape: Shape) -> Tensor { Tensor((0..<shape.count).map(Float.init), shape: shape) }
