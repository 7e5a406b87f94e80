import Graph
import Ops
import TestSupport
import Testing

/// Layer-wise relevance propagation, with numbers worked out by hand.
@Suite struct RelevanceTests {
  /// The relevance of a network's input.
  ///
  /// - Parameters:
  ///   - relevance: that of the result.
  ///   - bounds: the least and the greatest input, for the box rule.
  private func relevance(
    _ check: RewriteCheck, _ x: [Float], from output: ValueID, _ relevance: [Float], by rules: RelevanceRules,
    bounds: [Float] = []
  ) throws -> [Float] {
    let info = ValueInfo(.float32, check.x.shape)
    var graph = OperatorSet.standard.resolving(check.graph)
    var request = PlanRequest(
      inputs: [0: info], outputs: [output], taps: [0], target: output,
      kernels: KernelRequest(threadCount: 2, reusesWeights: false))
    request.rule = .relevance(rules)
    for _ in bounds {
      let copy = graph.addCopy(of: [0])
      request.references.append(copy)
      request.inputs[copy.values[0]!] = info
    }
    let executor = try Executor(
      Plan(graph, operators: .standard, request: request), pool: ThreadPool(threadCount: 2))
    try executor.set(0, to: Tensor(x, shape: info.shape))
    for (copy, bound) in zip(request.references, bounds) {
      let level = [Float](repeating: bound, count: info.shape.count)
      try executor.set(copy.values[0]!, to: Tensor(level, shape: info.shape))
    }
    try executor.forward()
    try executor.backward(seed: relevance)
    return executor.gradient(of: 0).floats
  }

  private let epsilon = RelevanceRules(convolution: .epsilon)

  /// z = 2·3 − 1·1 − 4·(−2) + 1 = 14; its parts above and below 0 are 15 and −1.
  @Test(
    arguments: [
      (ConvolutionRule.epsilon, [6, -1, 8], 14), (.alphaBeta(1, 0), [6, 0, 8], 15),
      // The weights above 0 are enlarged for the input above 0, those below for the input below.
      (.gamma(0.25), [7.5, -1, 10], 17.75),
    ] as [(ConvolutionRule, [Float], Float)])
  func convolutionsShareByTheirRule(_ rule: ConvolutionRule, _ terms: [Float], _ sum: Float) throws {
    var check = RewriteCheck([1, 3, 1, 1])
    let weights = check.constant(Tensor([2, -1, -4], shape: [1, 3, 1, 1])),
      bias = check.constant(Tensor([1], shape: [1]))
    let y = check.node("Conv", 0, weights, bias)
    let found = try relevance(check, [3, 1, -2], from: y, [28], by: RelevanceRules(convolution: rule))
    expectClose(found, terms.map { 28 * $0 / sum }, within: 1e-4)
  }

  @Test func whatSpeaksAgainstAResultCounts() throws {
    var check = RewriteCheck([1, 3, 1, 1])
    let y = check.node("Conv", 0, check.constant(Tensor([2, -1, -4], shape: [1, 3, 1, 1])))
    let rules = RelevanceRules(convolution: .alphaBeta(2, 1))
    expectClose(
      try relevance(check, [3, 1, -2], from: y, [14], by: rules), [28 * 6 / 14, -14, 28 * 8 / 14], within: 1e-4)
    // Of a result below 0, γ enlarges what makes it so: 6 − 1.25 − 10.
    let gamma = RelevanceRules(convolution: .gamma(0.25))
    expectClose(
      try relevance(check, [3, 1, 2], from: y, [-3], by: gamma), [6, -1.25, -10].map { -3 * $0 / -5.25 }, within: 1e-4)
  }

  /// The first convolution has the box rule, wherever the picture is scaled before it: x' = x ⁄ 2 between 0 and 2.
  @Test func theFirstConvolutionKnowsTheRangeOfItsInput() throws {
    var check = RewriteCheck([1, 2, 1, 1])
    let half = check.node("Div", 0, check.constant(2))
    let first = check.node("Conv", half, check.constant(Tensor([2, -1, 1, 1], shape: [2, 2, 1, 1])))
    let second = check.node("Conv", first, check.constant(Tensor([1, 0], shape: [1, 2, 1, 1])))
    let rules = RelevanceRules(convolution: .alphaBeta(1, 0), first: .box)
    // 2·1.5 − 0 and −1·0.5 + 1·2.
    expectClose(
      try relevance(check, [3, 1], from: second, [9], by: rules, bounds: [0, 4]), [9 * 3 / 4.5, 9 * 1.5 / 4.5],
      within: 1e-4)
  }

  @Test func sumsShareByTheirOperandsAndChoicesGoToTheWinner() throws {
    var check = RewriteCheck([1, 1, 1, 4])
    let doubled = check.node("Mul", 0, check.constant(3)), sum = check.node("Add", 0, doubled)
    let y = check.node(
      "MaxPool", sum, attributes: ["kernel_shape": .ints([1, 2]), "strides": .ints([1, 2])])
    expectClose(try relevance(check, [1, 5, -3, -2], from: y, [8, 4], by: epsilon), [0, 8, 0, 4], within: 1e-4)
    let mean = check.node("GlobalAveragePool", 0)
    expectClose(
      try relevance(check, [1, 5, -3, 1], from: mean, [2], by: epsilon), [0.5, 2.5, -1.5, 0.5], within: 1e-4)
  }

  @Test func functionsOfOneNumberPassRelevanceOn() throws {
    var check = RewriteCheck([1, 1, 1, 3])
    var y = check.node("Tanh", check.node("Relu", 0))
    // Swish as it is exported.
    y = check.node("Mul", y, check.node("Sigmoid", y))
    #expect(try relevance(check, [1, 2, -3], from: y, [3, -2, 1], by: epsilon) == [3, -2, 1])
  }

  /// Softmax: x · (R − s ΣR).
  @Test func softmaxSharesAmongItsCompetitors() throws {
    var check = RewriteCheck([1, 2])
    let y = check.node("Softmax", 0, attributes: ["axis": .int(-1)])
    // s = (¼, ¾) at x = (1, 1 + ln 3).
    let large: Float = 1 + 1.0986123
    expectClose(
      try relevance(check, [1, large], from: y, [2, 4], by: epsilon), [1 * (2 - 0.25 * 6), large * (4 - 0.75 * 6)],
      within: 1e-4)
  }

  /// Each factor of x · x gets half of what each product contributes.
  @Test func factorsGetHalfEach() throws {
    var check = RewriteCheck([1, 2])
    let other = check.node("Transpose", 0, attributes: ["perm": .ints([1, 0])])
    let y = check.node("MatMul", 0, other)
    // x² = (4, 9) of 13, twice a half.
    expectClose(try relevance(check, [2, 3], from: y, [26], by: epsilon), [8, 18], within: 1e-4)
  }

  /// As exported in one node, and in many: what a row's deviation does is not shared out.
  @Test func normalisationHoldsItsDeviation() throws {
    let x: [Float] = [1, 2, 6, -1], seed: [Float] = [1, 0, 3, 0.5]
    var fused = RewriteCheck([1, 4])
    let scale = fused.constant(Tensor([1, 2, 0.5, -1], shape: [4]))
    let y = fused.node("LayerNormalization", 0, scale)
    var apart = RewriteCheck([1, 4])
    func average(_ value: ValueID) -> ValueID { apart.node("ReduceMean", value, attributes: ["axes": .ints([-1])]) }
    let centred = apart.node("Sub", 0, average(0))
    let variance = average(apart.node("Pow", centred, apart.constant(2)))
    let deviation = apart.node("Sqrt", apart.node("Add", variance, apart.constant(1e-5)))
    let z = apart.node(
      "Mul", apart.node("Div", centred, deviation), apart.constant(Tensor([1, 2, 0.5, -1], shape: [4])))
    // x − 2 is (−1, 0, 4, −3).
    let shared: [Float] = [1 / -1, 0, 3 / 4, 0.5 / -3], mean = shared.reduce(0, +) / 4
    let truth = zip(x, shared).map { $0 * ($1 - mean) }
    for (check, result) in [(fused, y), (apart, z)] {
      expectClose(try relevance(check, x, from: result, seed, by: epsilon), truth, within: 1e-3)
    }
  }

  @Test func whatHasNoRuleIsNamed() throws {
    var check = RewriteCheck([1, 4, 2, 2])
    let y = check.node("LRN", 0, attributes: ["size": .int(3)])
    expectError(.unsupported, saying: "LRN", "no rule", "gradcam") {
      _ = try relevance(check, check.x.floats, from: y, [Float](repeating: 1, count: 16), by: epsilon)
    }
    let flat = check.node("Flatten", 0), dense = check.node("MatMul", flat, check.constant([16, 16]))
    let attention = check.node("Softmax", dense)
    var request = PlanRequest(
      inputs: [0: ValueInfo(.float32, check.x.shape)], outputs: [attention], taps: [0], target: attention,
      kernels: KernelRequest(threadCount: 2, reusesWeights: false))
    var graph = OperatorSet.standard.resolving(check.graph)
    let copy = graph.addCopy(of: [0])
    (request.rule, request.references) = (.rescaled, [copy])
    request.inputs[copy.values[0]!] = ValueInfo(.float32, check.x.shape)
    expectError(.unsupported, saying: "Softmax", "no rule") {
      _ = try Plan(graph, operators: .standard, request: request)
    }
  }
}
