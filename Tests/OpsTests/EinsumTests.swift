import Graph
import Ops
import TestSupport
import Testing

private func einsum(_ equation: String, _ shapes: Shape...) -> GradientCheck {
  GradientCheck(
    type: "Einsum", attributes: ["equation": .string(equation)], inputs: shapes.map { .uniform($0) }, tolerance: 5e-3)
}

let einsumGradientChecks: [GradientCheck] = [
  einsum("ij->ji", [2, 3]),
  einsum("ij->i", [2, 3]),
  einsum("...ii->...i", [2, 3, 3]),
  einsum("ii", [3, 3]),
  einsum("bhid,bhjd->bhij", [2, 2, 3, 4], [2, 2, 5, 4]),
  einsum("bhij,bhjd->bihd", [2, 2, 3, 4], [2, 2, 4, 5]),
  einsum("i,j", [3], [2]),
  einsum("ij,kl->j", [2, 3], [2, 2]),
  einsum("...ij,...jk->...ik", [2, 1, 2, 3], [4, 3, 2]),
  einsum("ab,bc,cd->ad", [2, 3], [3, 4], [4, 2]),
  einsum("a,a,a->", [3], [3], [3]),
]

@Suite struct EinsumTests {
  private func einsum(_ equation: String, _ inputs: Tensor...) throws -> Tensor {
    try evaluate("Einsum", inputs, ["equation": .string(equation)], free: Set(inputs.indices))[0]
  }

  @Test func oneTensor() throws {
    let x = counting([2, 3])
    #expect(try einsum("ij->ji", x).floats == [0, 3, 1, 4, 2, 5])
    #expect(try einsum("ji", x).floats == [0, 3, 1, 4, 2, 5])
    #expect(try einsum(" i j -> j ", x).floats == [3, 5, 7])
    #expect(try einsum("ij->", x).floats == [15])
    #expect(try einsum("ii->i", counting([3, 3])).floats == [0, 4, 8])
    #expect(try einsum("...->...", x).floats == x.floats)
    #expect(try einsum("i...->...i", x).floats == [0, 3, 1, 4, 2, 5])
  }

  @Test func severalTensors() throws {
    let a = counting([2, 2]), b = floats(1, 2, 3, 4, shape: [2, 2])
    #expect(try einsum("ij,jk->ik", a, b).floats == [3, 4, 11, 16])
    #expect(try einsum("ij,jk", a, b).floats == [3, 4, 11, 16])
    #expect(try einsum("ij,jk->ki", a, b).floats == [3, 11, 4, 16])
    #expect(try einsum("ij,ij->ij", a, b).floats == [0, 2, 6, 12])
    #expect(try einsum("ij,ij->", a, b).floats == [20])
    #expect(try einsum("i,j->ij", floats(1, 2), floats(3, 4)).floats == [3, 4, 6, 8])
    #expect(try einsum("...j,j->...", a, floats(1, 10)).floats == [10, 32])
    #expect(try einsum("i,ij,j->", floats(1, 2), b, floats(3, 4)).floats == [61])
    #expect(try einsum("Ab,bA", a, b).floats == [19])
  }

  @Test func refusals() {
    let x = counting([2, 3])
    expectError(.badData, saying: "'equation'", "'ij->k'") { _ = try einsum("ij->k", x) }
    expectError(.badData, saying: "'equation'", "'ij->ii'") { _ = try einsum("ij->ii", x) }
    expectError(.badData, saying: "2×3") { _ = try einsum("ijk->i", x) }
    expectError(.badData, saying: "2×3") { _ = try einsum("i->i", x) }
    expectError(.badData, saying: "2 terms") { _ = try einsum("ij,jk->ik", x) }
    expectError(.badData, saying: "2×3", "3×2") { _ = try einsum("ij,ij->i", x, counting([3, 2])) }
    expectError(.badData, saying: "2×3") { _ = try einsum("ii->i", x) }
    expectError(.badData, saying: "'equation'", "'i.j'") { _ = try einsum("i.j->i", x) }
    expectError(.badData, saying: "'equation'", "'i1'") { _ = try einsum("i1->i", x) }
    expectError(.badData, saying: "2×3") { _ = try einsum("", x) }
    expectError(.unsupported, at: "node 'node' (Einsum, #0)") { _ = try einsum("i->i", integers(1)) }
  }
}
