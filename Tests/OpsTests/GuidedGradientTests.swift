import Testing

@testable import Graph
@testable import Ops

/// Guided backpropagation: at rectifiers g·[x > 0]·[g > 0], at everything else the derivative.
@Suite struct GuidedGradientTests {
  private let x = Tensor([-1, 2, -3, 4, 5, -6, 7, 8], shape: [1, 2, 2, 2])
  private let seed: [Float] = [1, -1, -1, 2, -2, 3, 4, -5]

  /// The gradient at a value of a network of one input.
  private func gradient(
    _ check: RewriteCheck, from output: ValueID, at tap: ValueID = 0, keeping others: [ValueID] = [],
    isGuided: Bool = true
  ) throws -> (steps: [String], gradient: [Float]) {
    var request = PlanRequest(
      inputs: [0: ValueInfo(.float32, x.shape)], outputs: [output] + others, taps: [tap], target: output,
      kernels: KernelRequest(threadCount: 2, reusesWeights: false))
    request.rule = isGuided ? .guided : .gradient
    let executor = try Executor(
      try Plan(check.graph, operators: .standard, request: request), pool: ThreadPool(threadCount: 2))
    try executor.set(0, to: x)
    try executor.forward()
    try executor.backward(seed: seed)
    let gradient = executor.gradient(of: tap).floats
    try executor.backward(seed: seed)
    #expect(executor.gradient(of: tap).floats == gradient, "the seed is not used up")
    return (try executor.profile(seed: nil).map { "\($0.operatorName)" }, gradient)
  }

  @Test func reluLetsOnlyWhatIsAboveZeroThrough() throws {
    var check = RewriteCheck(x.shape)
    let y = check.node("Relu", 0)
    #expect(try gradient(check, from: y).gradient == [0, 0, 0, 2, 0, 0, 4, 0])
    #expect(try gradient(check, from: y, isGuided: false).gradient == [0, -1, 0, 2, -2, 0, 4, -5])
  }

  @Test func clipAtZeroIsARectifierAndOtherGatesAreNot() throws {
    var check = RewriteCheck(x.shape)
    let zero = check.constant(0), six = check.constant(6)
    let rectified = check.node("Clip", 0, zero), clipped = check.node("Clip", 0, zero, six)
    let leaky = check.node("LeakyRelu", 0, attributes: ["alpha": .float(0.5)])
    #expect(try gradient(check, from: rectified).gradient == [0, 0, 0, 2, 0, 0, 4, 0])
    #expect(try gradient(check, from: clipped).gradient == [0, -1, 0, 2, -2, 0, 0, 0])
    #expect(try gradient(check, from: leaky).gradient == [0.5, -1, -0.5, 2, -2, 1.5, 4, -5])
  }

  /// A value that is asked for is not fused away.
  @Test func fusedRectifiersObeyToo() throws {
    var check = RewriteCheck(x.shape)
    let weights = check.constant(Tensor([1, 2, -1, 1], shape: [2, 2, 1, 1]))
    let convolved = check.node("Conv", 0, weights), sum = check.node("Add", convolved, 0), y = check.node("Relu", sum)
    let fused = try gradient(check, from: y), free = try gradient(check, from: y, keeping: [convolved, sum])
    #expect(fused.steps == ["Conv+Add+Relu"] && free.steps == ["Conv", "Add", "Relu"])
    // Before the Relu stand 2x₀ + 2x₁ = 8, −8, 8, 24 and 2x₁ − x₀ = 11, −14, 17, 12; what goes on of the seed is
    // 1, 0, 0, 2 and 0, 0, 4, 0, and back through the weights and the sum 2a − b and 2a + 2b.
    #expect(free.gradient == [2, 0, -4, 4, 2, 0, 8, 4])
    #expect(fused.gradient == free.gradient)

    var normalised = RewriteCheck(x.shape)
    let ones = normalised.constant(Tensor([1, 1], shape: [2])), zeros = normalised.constant(Tensor([0, 0], shape: [2]))
    let scale = normalised.constant(Tensor([2, -2], shape: [2]))
    let scaled = normalised.node(
      "BatchNormalization", 0, scale, zeros, zeros, ones, attributes: ["epsilon": .float(0)])
    let z = normalised.node("Relu", scaled)
    let whole = try gradient(normalised, from: z)
    #expect(whole.steps == ["BatchNormalization+Relu"])
    #expect(whole.gradient == [0, 0, 0, 4, 0, -6, 0, 0])
    #expect(try gradient(normalised, from: z, keeping: [scaled]).gradient == whole.gradient)
  }

  /// The other way that meets at the rectified value is not guided, and the value's own gradient is whole.
  @Test func onlyTheWayThroughTheRectifierIsGuided() throws {
    var check = RewriteCheck(x.shape)
    let rectified = check.node("Relu", 0), y = check.node("Add", rectified, 0)
    #expect(try gradient(check, from: y).gradient == [1, -1, -1, 4, -2, 3, 8, -5])
    #expect(try gradient(check, from: y, at: rectified).gradient == seed)
  }
}
