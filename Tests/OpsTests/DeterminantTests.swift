import Graph
import Ops
import TestSupport
import Testing

let determinantGradientChecks: [GradientCheck] = [
  .composite("Det", [.uniform([2, 3, 3])]),
  .composite("Det", [.uniform([1, 1])]),
]

@Suite struct DeterminantTests {
  @Test func determinants() throws {
    #expect(try evaluate("Det", [floats(1, 2, 3, 4, 0, 2, 3, 0, shape: [2, 2, 2])])[0].floats == [-2, -6])
    expectError(.badData, saying: "2×3") { _ = try evaluate("Det", [counting([2, 3])]) }
  }
}
