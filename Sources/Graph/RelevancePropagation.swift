/// Layer-wise relevance propagation: in the place of gradients, relevance is passed on, which sums up to the target's at
/// every layer but for what biases take.
extension BackwardPlanner {
  /// Plans what the inputs of a node get of its results' relevance.
  ///
  /// - Parameter relevances: the buffers of the results' relevance; nil for a result that has none.
  /// - Returns: the buffer of each input's relevance; none for an input that gets nothing.
  ///
  /// Throws `unsupported` if no rule is known for the operator.
  mutating func relevance(_ step: BackwardStep, _ relevances: [Int?], by rules: RelevanceRules) throws -> [Int: Int] {
    switch step.operation.dependence(on: step.wanted, step.inputs) {
    case .moved?, .chosen?: return try product(step, relevances)
    case .elementwise?: return try passed(step, relevances)
    case .linear? where step.operation.role == .convolution:
      let value = step.values[0]!
      let rule = traits.isConvolved(value) ? rules.convolution : rules.first ?? rules.convolution
      return rule == .epsilon
        ? try shared(step, relevances)
        : try shared(step, relevances, by: rule, isNonnegative: traits.isNonnegative(value))
    case .linear? where traits.isPreprocessing(step): return try passed(step, relevances)
    case .linear?, .competing?: return try shared(step, relevances)
    case .multilinear?: return try shared(step, relevances, among: step.wanted.count)
    case .scaled(let held)?:
      guard step.wanted.contains(0) else { return [:] }
      var step = step
      (step.operation, step.wanted) = (held, [0])
      return try shared(step, relevances)
    case nil: throw noRule(step, "by which relevance is passed on")
    }
  }

  /// The results' relevance, unchanged.
  private func passed(_ step: BackwardStep, _ relevances: [Int?]) throws -> [Int: Int] {
    guard let passed = relevances[0], let input = step.wanted.first, step.wanted.count == 1 else { return [:] }
    try checkPassing(step, to: input)
    return [input: passed]
  }

  /// The error for an operator that no rule is known for.
  func noRule(_ step: BackwardStep, _ what: String) -> GradCAMError {
    let name = forward.operators.describe(forward.graph.nodes[step.node].operatorName)
    return GradCAMError(
      .unsupported, problem: "operator \(name) has no rule \(what)",
      advice: "choose a method that needs nothing but gradients, such as gradcam")
  }

  /// Relevance shared out by what each element of an input contributes to the results: x · Jᵀ (R ⁄ y).
  ///
  /// - Parameter factorCount: how many inputs each product consists of, which get equal shares.
  private mutating func shared(
    _ step: BackwardStep, _ relevances: [Int?], among factorCount: Int = 1
  ) throws -> [Int: Int] {
    guard step.isOfFloats else { throw noRule(step, "by which relevance is shared out among integers") }
    let quotients = relevances.enumerated().map { output, relevance in
      relevance.map { relevance in
        let count = step.outputs[output].shape.count
        return add(
          .quotient(count: count, factor: 1 / Float(factorCount), signs: [1], condition: nil), node: step.node,
          reads: [.buffer(relevance), step.outputPlaces[output]], count: count)
      }
    }
    return try product(step, quotients).reduce(into: [:]) { found, gradient in
      let (input, buffer) = gradient
      found[input] = add(
        .sumOfProducts(count: step.count(of: input), signs: [1]), node: step.node,
        reads: [step.inputPlaces[input], .buffer(buffer)], count: step.count(of: input))
    }
  }

  /// The relevance of a convolution's input, by a rule.
  private mutating func shared(
    _ step: BackwardStep, _ relevances: [Int?], by rule: ConvolutionRule, isNonnegative: Bool
  ) throws -> [Int: Int] {
    guard let relevance = relevances[0], step.wanted == [0] else { return [:] }
    guard step.isOfFloats, let weights = step.inputs[1]?.constant,
      step.inputs.count < 3 || step.inputs[2] == nil
        || step.inputs[2]?.constant != nil
    else { throw noRule(step, "by which relevance is passed on if its weights are computed") }
    let count = step.count(of: 0), resultCount = step.outputs[0].shape.count, store = forward.request.kernels.weights
    var parts: [ConvolutionTerm.Input: ValuePlace] = [.whole: step.inputPlaces[0]!]
    for (index, copy) in references.enumerated() {
      parts[.reference(index)] = copy.values[step.values[0]!].flatMap { forward.places[$0] }
    }
    var reads: [ValuePlace?] = [], signs: [Float] = []
    let shares = rule.shares
    try MemoryLimit.check(shares.reduce(0) { $0 + $1.terms.count } * weights.shape.count * MemoryLayout<Float>.size)
    for share in shares {
      var results: [ValuePlace?] = [], terms: [(part: ValuePlace, step: BackwardStep, sign: Float)] = []
      for var term in share.terms {
        if isNonnegative {
          if term.input == .negative { continue }
          if term.input == .positive { term.input = .whole }
        }
        if parts[term.input] == nil {
          parts[term.input] = .buffer(
            add(
              .part(count: count, isPositive: term.input == .positive), node: step.node, reads: [parts[.whole]!],
              count: count))
        }
        var product = step
        let constants = [weights, term.hasBias ? step.inputs[2]?.constant : nil].map { tensor in
          tensor.map { term.weights.applied(to: $0, store) }
        }
        product.inputs = NodeInputs([step.inputs[0]] + constants.map { $0.map { ValueInfo($0) } })
        product.inputPlaces = [parts[term.input]!] + constants.map { $0.map { .constant($0) } }
        let kernel = try step.operation.kernel(product.inputs, step.outputs, forward.request.kernels)
        results.append(
          .buffer(add(kernel, node: step.node, reads: product.inputPlaces, count: resultCount)))
        terms.append((parts[term.input]!, product, term.isSubtracted ? -1 : 1))
      }
      let isConditional = share.condition != nil
      let quotient = add(
        .quotient(count: resultCount, factor: share.factor, signs: terms.map(\.sign), condition: share.condition),
        node: step.node, reads: [.buffer(relevance)] + results + (isConditional ? [step.outputPlaces[0]] : []),
        count: resultCount)
      for term in terms {
        reads += [term.part, .buffer(try product(term.step, [quotient])[0]!)]
        signs.append(term.sign)
      }
    }
    return [0: add(.sumOfProducts(count: count, signs: signs), node: step.node, reads: reads, count: count)]
  }
}

/// What rules of relevance ask about values.
struct RelevanceTraits {
  private var convolved: Set<ValueID> = [], weighted: Set<ValueID> = [], nonnegative: Set<ValueID> = []

  /// Nothing is known.
  init() {}

  init(of forward: ForwardPlanner) {
    let joining: Set<OperatorRole> = [.identity, .concatenation, .pooling, .sum]
    for (index, operation) in forward.planned {
      let node = forward.graph.nodes[index], inputs = node.inputs.compactMap { $0 }
      if operation.role == .convolution || inputs.contains(where: convolved.contains) {
        convolved.formUnion(node.results)
      }
      if [.convolution, .product].contains(operation.role) || inputs.contains(where: weighted.contains) {
        weighted.formUnion(node.results)
      }
      guard let differentiable = operation.differentiable else { continue }
      let infos = NodeInputs(node.inputs.map { $0.flatMap { forward.infos[$0] } })
      let sources = Set(
        node.inputs.indices.filter { node.inputs[$0] != nil && infos[$0]?.elementType.storage == .float32 })
      let joins =
        switch differentiable.dependence(on: sources, infos) {
        case .moved?, .chosen?, .linear?: joining.contains(operation.role)
        default: false
        }
      if differentiable.rectifies(infos) || joins && sources.allSatisfy({ nonnegative.contains(node.inputs[$0]!) }) {
        nonnegative.formUnion(node.results)
      }
    }
  }

  /// Whether it follows from a convolution's result.
  func isConvolved(_ value: ValueID) -> Bool { convolved.contains(value) }

  /// Whether a step scales and shifts what no layer has weighted yet: it prepares the input, whose zero means nothing.
  func isPreprocessing(_ step: BackwardStep) -> Bool {
    step.wanted.count == 1 && !weighted.contains(step.values[step.wanted.first!]!)
      && step.operation.scaling(step.inputs) != nil
  }

  /// Whether no element is below 0.
  func isNonnegative(_ value: ValueID) -> Bool { nonnegative.contains(value) }
}

extension Kernel {
  /// R · factor ⁄ Σ sign · z, with a small number of the sum's sign added to it; 0 where the last input does not have the
  /// sign of a condition.
  fileprivate static func quotient(
    count: Int, factor: Float, signs: [Float], condition: FloatingPointSign?
  ) -> Kernel {
    Kernel("relevance") { run in
      let relevance = run.input(0), result = run.output(0), epsilon = RelevanceRules.epsilon
      let terms = signs.indices.map { run.input($0 + 1) }, decisive = condition.map { _ in run.input(signs.count + 1) }
      run.pool.parallelRanges(count, grain: 1 << 14) { range in
        let first = terms[0], firstSign = signs[0]
        for index in range { result[index] = firstSign * first[index] }
        for (term, sign) in zip(terms, signs).dropFirst() {
          for index in range { result[index] += sign * term[index] }
        }
        for index in range {
          let sum = result[index]
          result[index] = factor * relevance[index] / (sum < 0 ? sum - epsilon : sum + epsilon)
        }
        guard let decisive else { return }
        let sign: Float = condition == .plus ? 1 : -1
        for index in range where !(sign * decisive[index] > 0) { result[index] = 0 }
      }
    }
  }

  /// Σ sign · a · b, the inputs being pairs of a and b.
  fileprivate static func sumOfProducts(count: Int, signs: [Float]) -> Kernel {
    Kernel("relevance") { run in
      let sum = run.output(0), pairs = signs.indices.map { (run.input(2 * $0), run.input(2 * $0 + 1)) }
      run.pool.parallelRanges(count, grain: 1 << 14) { range in
        let (a, b) = pairs[0], sign = signs[0]
        for index in range { sum[index] = sign * a[index] * b[index] }
        for ((a, b), sign) in zip(pairs, signs).dropFirst() {
          for index in range { sum[index] += sign * a[index] * b[index] }
        }
      }
    }
  }

  /// The positive or the negative part.
  fileprivate static func part(count: Int, isPositive: Bool) -> Kernel {
    Kernel("part") { run in
      let x = run.input(0), part = run.output(0)
      run.pool.parallelRanges(count, grain: 1 << 16) { range in
        for index in range { part[index] = (x[index] > 0) == isPositive ? x[index] : 0 }
      }
    }
  }
}
