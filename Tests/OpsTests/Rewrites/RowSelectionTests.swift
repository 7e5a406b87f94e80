import Graph
import Testing

/// Rows that are selected before what computes each row on its own: tokens of transformers.
@Suite struct RowSelectionTests {
  /// A network of six tokens of eight features.
  private var check = RewriteCheck([1, 6, 8])

  private mutating func product(_ x: ValueID, columns: Int = 8) -> ValueID {
    check.node("MatMul", x, check.constant([8, columns]))
  }

  private mutating func normalized(_ x: ValueID, from axis: Int64 = -1) -> ValueID {
    let shape: Shape = axis == 1 ? [6, 8] : [8]
    return check.node(
      "LayerNormalization", x, check.constant(shape), check.constant(shape), attributes: ["axis": .int(axis)])
  }

  private mutating func token(_ x: ValueID, _ indices: Tensor = integer(0)) -> ValueID {
    check.node("Gather", x, check.constant(indices), attributes: ["axis": .int(1)])
  }

  @Test mutating func oneTokenIsComputedAlone() throws {
    let product = product(0), sum = check.node("Add", product, check.constant([8]))
    let residual = check.node("Add", sum, 0), normal = normalized(residual), token = token(normal)
    let y = self.product(token, columns: 3)
    try check.expect(
      ["Gather", "MatMul+Add", "Add", "LayerNormalization", "Gather", "MatMul"], to: y,
      inner: [product, sum, residual, normal], tolerance: 1e-5)
  }

  /// Queries are needed for the token alone, keys and values for all.
  @Test mutating func theQueriesOfOneTokenAttendToAll() throws {
    let queries = product(0), values = product(0)
    let keys = check.node("Transpose", product(0), attributes: ["perm": .ints([0, 2, 1])])
    let scores = check.node("MatMul", queries, keys), shares = check.node("Softmax", scores)
    let seen = check.node("MatMul", shares, values)
    let flat = check.node("Reshape", seen, check.constant(integers(6, 8)))
    let mixed = check.node("Gemm", flat, check.constant([8, 8]), check.constant([8]))
    let whole = check.node("Reshape", mixed, check.constant(integers(1, 6, 8)))
    let start = check.constant(integers(-1)), end = check.constant(integers(6))
    let y = check.node("Slice", whole, start, end, check.constant(integers(1)))
    try check.expect(
      [
        "MatMul", "MatMul", "Transpose", "Gather", "MatMul", "MatMul", "Softmax", "MatMul", "Reshape", "Gemm",
        "Reshape",
      ], to: y, inner: [seen, flat, mixed], tolerance: 1e-5)
  }

  /// Several tokens, in any order, some of them twice.
  @Test mutating func someTokensAreComputedAlone() throws {
    let y = token(product(0), integers(4, 1, 4, shape: [3, 1]))
    #expect(try check.steps(to: y) == ["Gather", "MatMul", "Gather"])
    try check.expectSame(y, at: 0, "three of six")
  }

  @Test mutating func whatIsNeededElsewhereIsComputedAsAWhole() throws {
    let product = product(0), mean = check.node("ReduceMean", product, attributes: ["axes": .ints([1])])
    let read = check.node("Add", token(product), mean)
    #expect(try check.steps(to: read) == ["MatMul", "ReduceMean", "Gather", "Add"])
    let most = token(product, integers(0, 1, 2, 3))
    #expect(try check.steps(to: most) == ["MatMul", "Gather"])
  }

  /// Every token counts if all are normalised together, or compete.
  @Test mutating func tokensThatDependOnOneAnotherAreComputedTogether() throws {
    let product = product(0)
    let together = token(normalized(product, from: 1))
    #expect(try check.steps(to: together) == ["MatMul", "LayerNormalization", "Gather"])
    let competing = token(check.node("Softmax", product, attributes: ["axis": .int(1)]))
    #expect(try check.steps(to: competing) == ["MatMul", "Softmax", "Gather"])
    // Without a product before it, nothing is gained.
    let alone = token(normalized(0))
    #expect(try check.steps(to: alone) == ["LayerNormalization", "Gather"])
  }
}
