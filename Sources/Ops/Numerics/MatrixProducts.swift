import COpenBLAS

/// The Gram matrix of a row-major matrix M: of its columns, MᵀM, summed over the rows, or of its rows, MMᵀ.
package func gramMatrix(of matrix: [Double], rows: Int, columns: Int, overRows: Bool) -> [Double] {
  _ = singleThreadedBLAS
  let size = overRows ? columns : rows, depth = overRows ? rows : columns
  var result = [Double](repeating: 0, count: size * size)
  cblas_dgemm(
    CblasRowMajor, overRows ? CblasTrans : CblasNoTrans, overRows ? CblasNoTrans : CblasTrans, blasint(size),
    blasint(size), blasint(depth), 1, matrix, blasint(columns), matrix, blasint(columns), 0, &result, blasint(size))
  return result
}

/// A row-major matrix, or its transpose, times another one.
///
/// - Parameters:
///   - rows: those of the matrix in memory.
///   - columns: those of the matrix in memory.
///   - factorColumns: those of the other matrix, and of the product.
package func product(
  _ matrix: [Double], rows: Int, columns: Int, transposed: Bool = false, by factor: [Double], factorColumns: Int
) -> [Double] {
  _ = singleThreadedBLAS
  let (size, depth) = transposed ? (columns, rows) : (rows, columns)
  var result = [Double](repeating: 0, count: size * factorColumns)
  cblas_dgemm(
    CblasRowMajor, transposed ? CblasTrans : CblasNoTrans, CblasNoTrans, blasint(size), blasint(factorColumns),
    blasint(depth), 1, matrix, blasint(columns), factor, blasint(factorColumns), 0, &result, blasint(factorColumns))
  return result
}

/// The inner products of some rows of a row-major matrix with all of its rows, on the calling thread.
///
/// - Parameter result: receives a row of `rowCount` numbers for each of `rows`.
package func innerProducts(
  of rows: Range<Int>, in matrix: UnsafePointer<Float>, rowCount: Int, columns: Int,
  into result: UnsafeMutablePointer<Float>
) {
  multiply(
    MatrixOperand(pointer: matrix + rows.lowerBound * columns, leading: columns),
    MatrixOperand(pointer: matrix, leading: columns, transposed: true), into: result, leading: rowCount,
    rows: rows.count, columns: rowCount, depth: columns)
}
