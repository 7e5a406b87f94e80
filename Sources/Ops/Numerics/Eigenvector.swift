import COpenBLAS
import Graph

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

/// The largest eigenvalue of a symmetric matrix and its eigenvector of length 1.
///
/// Throws `badData` if the matrix contains NaN or infinity.
package func largestEigenpair(of matrix: [Double], size: Int) throws -> (value: Double, vector: [Double]) {
  _ = singleThreadedBLAS
  guard matrix.allSatisfy(\.isFinite) else {
    throw GradCAMError(.badData, problem: "the activation or its gradient is not finite")
  }
  var matrix = matrix, values = [Double](repeating: 0, count: size), vector = [Double](repeating: 0, count: size)
  var n = blasint(size), first = n, last = n, leading = n, leadingVectors = n, found: blasint = 0, status: blasint = 0
  var low = 0.0, high = 0.0, tolerance = 0.0, workCount: blasint = 8 * n, failed = [blasint](repeating: 0, count: size)
  var work = [Double](repeating: 0, count: 8 * size), integers = [blasint](repeating: 0, count: 5 * size)
  dsyevx_(
    "V", "I", "U", &n, &matrix, &leading, &low, &high, &first, &last, &tolerance, &found, &values, &vector,
    &leadingVectors, &work, &workCount, &integers, &failed, &status)
  guard status == 0, found == 1 else {
    throw GradCAMError(.defect, problem: "the eigenvalues of a \(size) × \(size) matrix were not found")
  }
  return (values[0], vector)
}
