import Graph
import Testing

@Suite struct ConvolutionRewriteTests {
  private func normalized(
    _ value: ValueID, channels: Int, in check: inout RewriteCheck, attributes: [String: Attribute] = [:]
  ) -> ValueID {
    let scale = check.constant([channels], in: 0.5...2), shift = check.constant([channels])
    let mean = check.constant([channels]), variance = check.constant([channels], in: 0.2...3)
    return check.node("BatchNormalization", value, scale, shift, mean, variance, attributes: attributes)
  }

  @Test(arguments: [false, true]) func normalizationFoldsIntoTheWeights(hasBias: Bool) throws {
    var check = RewriteCheck([2, 3, 6, 7])
    let weights = check.constant([5, 3, 3, 3]), bias = hasBias ? check.constant([5]) : nil
    let convolved = check.node("Conv", 0, weights, bias, attributes: ["pads": .ints([1, 1, 1, 1])])
    let y = normalized(convolved, channels: 5, in: &check, attributes: ["epsilon": .float(1e-3)])
    try check.expect(["Conv+BatchNormalization"], to: y, inner: [convolved], tolerance: 1e-5)
  }

  @Test func normalizationAndClampFoldIntoAGroupedConvolution() throws {
    var check = RewriteCheck([1, 4, 6, 7])
    let weights = check.constant([4, 1, 3, 3])
    let convolved = check.node("Conv", 0, weights, attributes: ["group": .int(4)])
    let scaled = normalized(convolved, channels: 4, in: &check)
    let y = check.node("Relu", scaled)
    try check.expect(["Conv+BatchNormalization+Relu"], to: y, inner: [convolved, scaled], tolerance: 1e-5)
  }

  @Test func aConvolutionThatTwoReadIsNotFoldedInto() throws {
    var check = RewriteCheck([1, 3, 6, 7])
    let convolved = check.node("Conv", 0, check.constant([3, 3, 1, 1]))
    let y = check.node("Add", convolved, normalized(convolved, channels: 3, in: &check))
    #expect(try check.steps(to: y) == ["Conv", "BatchNormalization", "Add"])
  }

  @Test func computedWeightsAreNotFoldedInto() throws {
    var check = RewriteCheck([3, 3, 1, 1])
    let convolved = check.node("Conv", check.constant([1, 3, 5, 5]), 0)
    let y = normalized(convolved, channels: 3, in: &check)
    #expect(try check.steps(to: y, taps: []) == ["Conv", "BatchNormalization"])
  }

  @Test(arguments: ["Relu", "Clip"]) func aClampRunsInsideTheNormalization(type: String) throws {
    var check = RewriteCheck([2, 3, 6, 7])
    let scaled = normalized(0, channels: 3, in: &check)
    let bounds = [check.constant(-0.5), check.constant(1)]
    let y = type == "Clip" ? check.node("Clip", scaled, bounds[0], bounds[1]) : check.node("Relu", scaled)
    try check.expect(["BatchNormalization+\(type)"], to: y, inner: [scaled])
  }

  @Test func aNormalizationThatTwoReadIsNotClamped() throws {
    var check = RewriteCheck([2, 3, 6, 7])
    let scaled = normalized(0, channels: 3, in: &check)
    let y = check.node("Add", scaled, check.node("Relu", scaled))
    #expect(try check.steps(to: y) == ["BatchNormalization", "Relu", "Add"])
  }

  @Test func aResidualAndAClampJoinTheConvolution() throws {
    var check = RewriteCheck([2, 4, 6, 7])
    let convolved = check.node("Conv", 0, check.constant([4, 4, 3, 3]), attributes: ["pads": .ints([1, 1, 1, 1])])
    let sum = check.node("Add", 0, convolved)
    let y = check.node("Relu", sum)
    try check.expect(["Conv+Add+Relu"], to: y, inner: [convolved, sum], tolerance: 1e-5)
  }

  @Test func ofTwoConvolutionsTheLaterOneTakesTheOther() throws {
    var check = RewriteCheck([1, 4, 6, 7])
    let first = check.node("Conv", 0, check.constant([5, 4, 1, 1]), check.constant([5]))
    let second = check.node("Conv", 0, check.constant([5, 4, 1, 1]))
    let y = check.node("Add", second, first)
    try check.expect(["Conv", "Conv+Add"], to: y, inner: [], tolerance: 1e-5)
  }

  @Test func aBroadcastAddendStaysOutside() throws {
    var check = RewriteCheck([1, 4, 6, 7])
    let convolved = check.node("Conv", 0, check.constant([5, 4, 1, 1]))
    let y = check.node("Add", convolved, check.node("GlobalAveragePool", convolved))
    #expect(try check.steps(to: y) == ["Conv", "GlobalAveragePool", "Add"])
    let other = check.node("Conv", 0, check.constant([5, 4, 1, 1]))
    let z = check.node("Add", other, check.constant([5, 1, 1]))
    #expect(try check.steps(to: z) == ["Conv", "Add"])
  }

  @Test func anActivationJoinsTheConvolutionWhereNoGradientIsAskedFor() throws {
    var check = RewriteCheck([1, 4, 6, 7])
    let convolved = check.node("Conv", 0, check.constant([5, 4, 1, 1]))
    let y = check.node("Mul", convolved, check.node("Sigmoid", convolved))
    #expect(try check.steps(to: y, taps: []) == ["Conv+Swish"])
    #expect(try check.steps(to: y) == ["Conv", "Swish"])
    #expect(try check.steps(to: y, taps: [convolved]) == ["Conv", "Swish"])
    let hard = check.node("HardSwish", convolved)
    #expect(try check.steps(to: hard, taps: []) == ["Conv+HardSwish"])
  }
}
