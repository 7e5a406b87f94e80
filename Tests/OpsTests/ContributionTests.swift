import Graph
import Ops
import TestSupport
import Testing

/// What operators say about how results depend on inputs (`Dependence`), tested by what follows from it.
@Suite struct ContributionTests {
  /// Multipliers times differences add up to the results' difference, wherever a rule is known.
  @Test(arguments: gradientTable) func multipliersAddUp(_ check: GradientCheck) throws {
    guard let found = try check.rescaled() else { return }
    #expect(
      abs(found.shared - found.difference) <= 5e-3 * max(found.scale, abs(found.difference)),
      "\(found.shared) of \(found.difference)")
  }

  /// A table of which most rows were skipped would test nothing.
  @Test func mostOperatorsHaveARule() throws {
    let rows = try gradientTable.count { try $0.rescaled() != nil }
    #expect(2 * rows > gradientTable.count, "\(rows) of \(gradientTable.count)")
  }
}

extension GradientCheck {
  /// The sum of multipliers times differences of the inputs, beside the difference of the results weighted by random
  /// numbers; nil if the operator has no rule, or rounds to integers.
  fileprivate func rescaled() throws -> (shared: Double, difference: Double, scale: Double)? {
    var generator = SplitMix64(seed: 3)
    let tensors = inputs.map { $0.draw(using: &generator) }
    let wanted = wanted ?? inputs.indices.filter { inputs[$0].isFree }
    guard captured.isEmpty, wanted.allSatisfy({ tensors[$0]!.elementType == .float32 }) else { return nil }
    // No element is the same as before.
    let others = inputs.map { input in
      input.isFree ? input.draw(using: &generator).map { Tensor($0.floats.map { $0 + 0.003 }, shape: $0.shape) } : nil
    }
    var opsets = ["": opset]
    opsets[domain] = opset
    var graph = ComputeGraph(opsets: opsets)
    func value(_ name: String, _ constant: Tensor?) -> ValueID {
      graph.values.append(Value(name: name, constant: constant))
      return graph.values.count - 1
    }
    let ids = tensors.enumerated().map { index, tensor in
      tensor.map { value("input\(index)", wanted.contains(index) ? nil : $0) }
    }
    let outputs = (0..<outputCount).map { value("output\($0)", nil) }
    graph.nodes = [
      Node(
        name: "node", operatorName: OperatorName(domain: domain, type: type), inputs: ids, outputs: outputs,
        attributes: attributes)
    ]
    graph.inputs = wanted.map { ids[$0]! }
    graph = gradientTableOperators.resolving(graph)
    let copy = graph.addCopy(of: graph.inputs)
    guard copy.values[outputs[0]] != nil else { return nil }
    var request = PlanRequest(
      inputs: [:], outputs: [outputs[0], copy.values[outputs[0]]!], taps: wanted.map { ids[$0]! },
      target: outputs[0], kernels: KernelRequest(threadCount: 2, reusesWeights: false))
    for index in wanted {
      let info = ValueInfo(.float32, tensors[index]!.shape)
      (request.inputs[ids[index]!], request.inputs[copy.values[ids[index]!]!]) = (info, info)
    }
    (request.rule, request.references) = (.rescaled, [copy])
    let executor: Executor
    do {
      executor = try Executor(
        Plan(graph, operators: gradientTableOperators, request: request), pool: ThreadPool(threadCount: 2))
    } catch let error as GradCAMError where error.kind == .unsupported || error.kind == .usage {
      return nil
    }
    let result = copy.values[outputs[0]]!
    guard executor.plan.infos[outputs[0]]?.elementType == .float32, executor.plan.estimatedGradients.isEmpty else {
      return nil
    }
    for index in wanted {
      try executor.set(ids[index]!, to: tensors[index]!)
      try executor.set(copy.values[ids[index]!]!, to: others[index]!)
    }
    try executor.forward()
    let (own, other) = (executor.contents(of: outputs[0]).floats, executor.contents(of: result).floats)
    let weights = own.map { _ in Float.random(in: -1...1, using: &generator) }
    try executor.backward(seed: weights)
    var shared = 0.0, difference = 0.0, squares = 0.0
    for index in wanted {
      let multipliers = executor.gradient(of: ids[index]!).floats
      for (multiplier, (x, x0)) in zip(multipliers, zip(tensors[index]!.floats, others[index]!.floats)) {
        let term = Double(multiplier) * (Double(x) - Double(x0))
        shared += term
        squares += term * term
      }
    }
    for (weight, (y, y0)) in zip(weights, zip(own, other)) { difference += Double(weight) * (Double(y) - Double(y0)) }
    return (shared, difference, squares.squareRoot())
  }
}
