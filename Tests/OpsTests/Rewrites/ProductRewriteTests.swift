import Graph
import TestSupport
import Testing

@Suite struct ProductRewriteTests {
  /// Shapes that are multiplied tile by tile, and such as are too small for it.
  @Test(arguments: [[2, 13, 70], [3, 70], [40, 70]] as [Shape], [20, 100])
  func aBiasIsAddedInside(x: Shape, columns: Int) throws {
    for biasFirst in [false, true] {
      var check = RewriteCheck(x)
      let product = check.node("MatMul", 0, check.constant([70, columns]))
      let bias = check.constant(biasFirst ? [1, columns] : [columns])
      let y = biasFirst ? check.node("Add", bias, product) : check.node("Add", product, bias)
      try check.expect(["MatMul+Add"], to: y, inner: [product], tolerance: 1e-5)
    }
  }

  @Test func whatIsNoNumberForEachColumnIsLeft() throws {
    for bias in [[40, 1], [1], [1, 1, 1, 100]] as [Shape] {
      var check = RewriteCheck([40, 70])
      let y = check.node("Add", check.node("MatMul", 0, check.constant([70, 100])), check.constant(bias))
      #expect(try check.steps(to: y) == ["MatMul", "Add"])
    }
  }

  @Test(arguments: [20, 100]) func anActivationRunsInsideWhereNoGradientPasses(columns: Int) throws {
    var check = RewriteCheck([40, 70])
    check.graph.opsets[""] = 20
    let product = check.node("MatMul", 0, check.constant([70, columns]))
    let sum = check.node("Add", product, check.constant([columns]))
    let gelu = check.node("Gelu", sum)
    let y = check.node("Neg", gelu)
    #expect(try check.steps(to: y, taps: [gelu]) == ["MatMul+Add+Gelu", "Neg"])
    #expect(try check.steps(to: y, taps: [sum]) == ["MatMul+Add", "Gelu", "Neg"])
    expectClose(try check.contents(of: y, taps: [gelu]), try check.contents(of: y, taps: [product, sum]))
  }

  /// x · σ(a · x), as SiLU and QuickGELU are written, runs inside the product that it follows.
  @Test(arguments: [1, 1.702] as [Float]) func aSelfGateRunsInside(factor: Float) throws {
    var check = RewriteCheck([40, 70])
    let product = check.node("MatMul", 0, check.constant([70, 100]))
    let sum = check.node("Add", product, check.constant([100]))
    let gate = check.node("Sigmoid", factor == 1 ? sum : check.node("Mul", sum, check.constant(factor)))
    let gated = check.node("Mul", sum, gate), y = check.node("Neg", gated)
    #expect(try check.steps(to: y, taps: [gated]).count == 2)
    let (fused, plain) = (
      try check.contents(of: y, taps: [gated]), try check.contents(of: y, taps: [product, sum, gate])
    )
    expectClose(fused, plain)
  }
}
