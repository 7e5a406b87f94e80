import Graph
import Ops

/// The gradient of one input where every element of the output has gradient 1.
func inputGradient(
  _ type: String, _ inputs: Tensor..., attributes: [String: Attribute] = [:], of index: Int = 0, opset: Int = 20
) throws -> [Float] {
  var graph = ComputeGraph(opsets: ["": opset])
  for (position, tensor) in inputs.enumerated() {
    graph.values.append(Value(name: "input\(position)", constant: position == index ? nil : tensor))
  }
  graph.values.append(Value(name: "output"))
  let output = inputs.count
  graph.nodes = [
    Node(
      name: "node", operatorName: OperatorName(type: type), inputs: Array(inputs.indices), outputs: [output],
      attributes: attributes)
  ]
  let tensor = inputs[index]
  let plan = try Plan(
    graph, operators: .standard,
    request: PlanRequest(
      inputs: [index: ValueInfo(tensor.elementType, tensor.shape)], outputs: [output], taps: [index], target: output,
      kernels: KernelRequest(threadCount: 2, reusesWeights: false)))
  let executor = try Executor(plan, pool: ThreadPool(threadCount: 2))
  try executor.set(index, to: tensor)
  try executor.forward()
  try executor.backward(seed: [Float](repeating: 1, count: plan.infos[output]!.shape.count))
  return executor.gradient(of: index).floats
}
