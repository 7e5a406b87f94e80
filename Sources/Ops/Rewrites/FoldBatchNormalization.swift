import Graph

/// A BatchNormalization with constant parameters after a convolution with constant weights is folded into its weights
/// and bias.
struct FoldBatchNormalization: GraphRewrite {
  let restoresFunctions = true

  func apply(to graph: inout ComputeGraph, knowing facts: RewriteFacts) {
    let patterns = Patterns(graph, facts)
    for (index, node) in graph.nodes.enumerated() {
      guard let normalization = node.operation as? BatchNormalization, normalization.clamp == .none,
        node.results.count == 1,
        let (producer, convolution) = patterns.producer(of: node.inputs[0], as: Convolution.self, in: graph),
        convolution.isPlain, graph.nodes[producer].inputs.count <= 3,
        let sources = Sources(graph.nodes[producer], node, in: graph)
      else { continue }
      let (weights, bias) = facts.weights.form("normalized by ε = \(normalization.epsilon)", of: sources.all) {
        sources.folded(epsilon: normalization.epsilon)
      }
      let name = graph.values[node.inputs[0]!].name, first = graph.values.count
      graph.values.append(Value(name: name + "/weights", constant: weights))
      graph.values.append(Value(name: name + "/bias", constant: bias))
      graph.fuse(producer, into: index, convolution, inputs: [graph.nodes[producer].inputs[0], first, first + 1])
    }
  }
}

/// The constants of a convolution and of the normalisation after it.
private struct Sources {
  private let weights: Tensor
  private let bias: Tensor?
  /// Scale, shift, mean and variance.
  private let parameters: [Tensor]

  var all: [Tensor] { [weights] + parameters + (bias.map { [$0] } ?? []) }

  /// Nil unless all are known, of type float32, and of matching sizes.
  init?(_ convolution: Node, _ normalization: Node, in graph: ComputeGraph) {
    func constant(_ node: Node, _ position: Int) -> Tensor? {
      guard node.inputs.count > position, let input = node.inputs[position] else { return nil }
      return graph.values[input].constant.flatMap { $0.elementType == .float32 ? $0 : nil }
    }
    parameters = (1...4).compactMap { constant(normalization, $0) }
    guard parameters.count == 4, let weights = constant(convolution, 1), weights.shape.rank > 2,
      parameters.allSatisfy({ $0.shape.count == weights.shape[0] })
    else { return nil }
    self.weights = weights
    bias = constant(convolution, 2)
    let hasBias = convolution.inputs.count == 3 && convolution.inputs[2] != nil
    guard hasBias == (bias != nil), (bias?.shape.count ?? weights.shape[0]) == weights.shape[0] else { return nil }
  }

  /// The weights and the bias of the convolution whose result is normalised.
  func folded(epsilon: Float) -> (weights: Tensor, bias: Tensor) {
    let numbers = parameters.map { $0.floats.map(Double.init) }
    let factors = zip(numbers[0], numbers[3]).map { $0 / ($1 + Double(epsilon)).squareRoot() }
    var shifts = zip(factors, zip(numbers[1], numbers[2])).map { $1.0 - $1.1 * $0 }
    for (channel, number) in (bias?.floats ?? []).enumerated() { shifts[channel] += Double(number) * factors[channel] }
    var scaled = weights.floats
    let size = weights.shape.count(1..<weights.shape.rank)
    for (channel, factor) in factors.enumerated() {
      for index in channel * size..<(channel + 1) * size { scaled[index] = Float(Double(scaled[index]) * factor) }
    }
    return (Tensor(scaled, shape: weights.shape), Tensor(shifts.map(Float.init), shape: [shifts.count]))
  }
}
