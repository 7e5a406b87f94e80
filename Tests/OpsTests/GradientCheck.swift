import Graph
import Ops

/// One row of the gradient-check table: a node with concrete inputs.
///
/// The check compares ⟨v, vjp(u)⟩ with the central difference of ⟨u, f(x + hv)⟩ along a random direction v, for
/// every float input that the row does not name as fixed.
struct GradientCheck: Sendable, CustomStringConvertible {
  /// How the random values of an input are drawn.
  enum Input: Sendable {
    /// Uniform in a range, at distinct levels that lie at least 0.02 apart from each other where `spread` is set:
    /// for maxima, whose winner must not change within the difference.
    case uniform(Shape, ClosedRange<Float> = -1...1, spread: Bool = false)
    /// Uniform, but at least 0.1 away from each of these points, where the operator has a kink.
    case away(from: [Float], Shape, ClosedRange<Float> = -1...1)
    /// Given values.
    case near(Tensor)
    /// Given values that no gradient is asked for: shapes, axes, indices.
    case fixed(Tensor)
    /// An optional input left out.
    case none
  }

  let type: String
  var domain = ""
  var attributes: [String: Attribute] = [:]
  let inputs: [Input]
  var outputCount = 1
  var opset = 20
  /// The inputs that the gradient is taken of; nil means every one that is not fixed.
  var wanted: [Int]?
  /// The inputs that only graphs in attributes read, there named input0, input1 and so on.
  var captured: Set<Int> = []
  var step: Float = 1e-2
  var tolerance: Float = 2e-3

  var description: String { "\(domain.isEmpty ? "" : domain + ".")\(type) \(attributes.keys.sorted()) \(inputs)" }
}

extension GradientCheck {
  /// An operator that is expanded into others: of the newest opset, and with the rounding of many steps.
  static func composite(
    _ type: String, _ inputs: [Input], _ attributes: [String: Attribute] = [:], outputs: Int = 1, opset: Int = 28
  ) -> GradientCheck {
    GradientCheck(
      type: type, attributes: attributes, inputs: inputs, outputCount: outputs, opset: opset, tolerance: 5e-3)
  }
}

extension GradientCheck.Input {
  var shape: Shape? {
    switch self {
    case .uniform(let shape, _, _), .away(_, let shape, _): shape
    case .fixed(let tensor), .near(let tensor): tensor.shape
    case .none: nil
    }
  }

  var isFree: Bool {
    switch self {
    case .uniform, .away, .near: true
    case .fixed, .none: false
    }
  }

  func draw(using generator: inout SplitMix64) -> Tensor? {
    switch self {
    case .uniform(let shape, let range, let spread):
      if !spread { return Tensor((0..<shape.count).map { _ in .random(in: range, using: &generator) }, shape: shape) }
      let span = range.upperBound - range.lowerBound
      precondition(span / Float(shape.count) >= 0.02, "the range is too narrow to keep \(shape.count) values apart")
      let levels = (0..<shape.count).map { range.lowerBound + span * (Float($0) + 0.5) / Float(shape.count) }
      return Tensor(levels.shuffled(using: &generator), shape: shape)
    case .away(let kinks, let shape, let range):
      return Tensor(
        (0..<shape.count).map { _ in
          while true {
            let value = Float.random(in: range, using: &generator)
            if kinks.allSatisfy({ abs(value - $0) >= 0.1 }) { return value }
          }
        }, shape: shape)
    case .fixed(let tensor), .near(let tensor): return tensor
    case .none: return nil
    }
  }
}

/// The two sides of the comparison, the sum over all outputs and wanted inputs.
struct GradientComparison {
  /// ⟨v, vjp(u)⟩.
  let analytic: Double
  /// (⟨u, f(x + hv)⟩ − ⟨u, f(x − hv)⟩) / 2h.
  let numeric: Double
  /// √Σ (v·g)²: how large such a sum of independent terms is as a rule.
  let scale: Double

  func agrees(within tolerance: Float) -> Bool {
    abs(analytic - numeric) <= Double(tolerance) * max(scale, abs(numeric))
  }
}

extension GradientCheck {
  /// Runs the check for each float output that carries a gradient, `operators` being the set under test.
  func compare(operators: OperatorSet = gradientTableOperators, seed: UInt64 = 1) throws -> [GradientComparison] {
    // Kernels with weights packed beforehand may be others than those without.
    try [false, true].flatMap { reusesWeights in
      try (0..<outputCount).compactMap {
        try compare(output: $0, operators: operators, seed: seed, reusesWeights: reusesWeights)
      }
    }
  }

  private func compare(
    output: Int, operators: OperatorSet, seed: UInt64, reusesWeights: Bool
  ) throws -> GradientComparison? {
    var generator = SplitMix64(seed: seed &+ UInt64(output))
    let tensors = inputs.map { $0.draw(using: &generator) }
    let wanted = wanted ?? inputs.indices.filter { inputs[$0].isFree }

    var graph = ComputeGraph(opsets: ["": opset])
    graph.opsets[domain] = opset
    var ids: [ValueID?] = []
    for (index, tensor) in tensors.enumerated() {
      guard let tensor else {
        ids.append(nil)
        continue
      }
      let isFree = wanted.contains(index)
      graph.values.append(Value(name: "input\(index)", constant: isFree ? nil : tensor))
      ids.append(graph.values.count - 1)
    }
    let outputs = (0..<outputCount).map { index in
      graph.values.append(Value(name: "output\(index)"))
      return graph.values.count - 1
    }
    graph.inputs = wanted.map { ids[$0]! }
    graph.outputs = outputs
    graph.nodes = [
      Node(
        name: "node", operatorName: OperatorName(domain: domain, type: type),
        inputs: ids.indices.filter { !captured.contains($0) }.map { ids[$0] }, outputs: outputs,
        attributes: attributes,
        captures: Dictionary(uniqueKeysWithValues: captured.map { ("input\($0)", ids[$0]!) }))
    ]
    let infos = wanted.map { (ids[$0]!, ValueInfo(tensors[$0]!.elementType, tensors[$0]!.shape)) }
    let plan = try Plan(
      graph, operators: operators,
      request: PlanRequest(
        inputs: Dictionary(uniqueKeysWithValues: infos), outputs: outputs, taps: wanted.map { ids[$0]! },
        target: outputs[output], kernels: KernelRequest(threadCount: 2, reusesWeights: reusesWeights)))
    let executor = try Executor(plan, pool: ThreadPool(threadCount: 2))

    let directions = wanted.map { index in
      (0..<tensors[index]!.shape.count).map { _ in Float.random(in: -1...1, using: &generator) }
    }
    func evaluate(_ offset: Float) throws -> [Float] {
      for (index, direction) in zip(wanted, directions) {
        let moved = zip(tensors[index]!.floats, direction).map { $0 + offset * $1 }
        try executor.set(ids[index]!, to: Tensor(moved, shape: tensors[index]!.shape))
      }
      try executor.forward()
      return executor.contents(of: outputs[output]).floats
    }
    let centre = try evaluate(0)
    let seedGradient = centre.map { _ in Float.random(in: -1...1, using: &generator) }
    try executor.backward(seed: seedGradient)
    var analytic = 0.0, squares = 0.0
    for (index, direction) in zip(wanted, directions) {
      for (v, g) in zip(direction, executor.gradient(of: ids[index]!).floats) {
        let term = Double(v) * Double(g)
        analytic += term
        squares += term * term
      }
    }
    let above = try evaluate(step), below = try evaluate(-step)
    var numeric = 0.0
    for (u, (a, b)) in zip(seedGradient, zip(above, below)) { numeric += Double(u) * (Double(a) - Double(b)) }
    return GradientComparison(analytic: analytic, numeric: numeric / (2 * Double(step)), scale: squares.squareRoot())
  }
}
