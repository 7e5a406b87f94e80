import Graph
import Testing

@Suite struct TransposeRewriteTests {
  private func transposed(_ first: [Int64], _ second: [Int64]) -> (check: RewriteCheck, inner: ValueID, y: ValueID) {
    var check = RewriteCheck([2, 3, 4])
    let inner = check.node("Transpose", 0, attributes: ["perm": .ints(first)])
    let outer = check.node("Transpose", inner, attributes: ["perm": .ints(second)])
    let y = check.node("Neg", outer)
    return (check, inner, y)
  }

  @Test func transposesThatUndoEachOtherVanish() throws {
    let (check, inner, y) = transposed([1, 2, 0], [2, 0, 1])
    try check.expect(["Identity", "Neg"], to: y, inner: [inner])
  }

  @Test func othersBecomeOne() throws {
    let (check, inner, y) = transposed([1, 2, 0], [0, 2, 1])
    try check.expect(["Transpose", "Neg"], to: y, inner: [inner])
  }

  @Test func aTransposeThatTwoReadStays() throws {
    var check = RewriteCheck([3, 3])
    let inner = check.node("Transpose", 0, attributes: ["perm": .ints([1, 0])])
    let y = check.node("Add", inner, check.node("Transpose", inner, attributes: ["perm": .ints([1, 0])]))
    #expect(try check.steps(to: y) == ["Transpose", "Transpose", "Add"])
  }
}
