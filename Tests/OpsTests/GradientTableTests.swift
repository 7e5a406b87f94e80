import Graph
import Ops
import Testing

@Suite struct GradientTableTests {
  @Test(arguments: gradientTable) func agreesWithCentralDifferences(_ check: GradientCheck) throws {
    for comparison in try check.compare() {
      #expect(comparison.agrees(within: check.tolerance), "\(comparison)")
    }
  }
}
