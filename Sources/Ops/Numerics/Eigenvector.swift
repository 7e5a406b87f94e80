import COpenBLAS
import Graph

/// The largest eigenvalue of a symmetric matrix and its eigenvector of length 1.
///
/// Throws `badData` if the matrix contains NaN or infinity.
package func largestEigenpair(of matrix: [Double], size: Int) throws -> (value: Double, vector: [Double]) {
  guard matrix.allSatisfy(\.isFinite) else {
    throw GradCAMError(.badData, problem: "the activation or its gradient is not finite")
  }
  let (values, vectors) = try eigenpairs(of: matrix, size: size, places: size - 1...size - 1)
  return (values[0], vectors)
}

/// Some eigenvalues of a symmetric matrix of finite numbers in ascending order, and their eigenvectors of length 1, one
/// after another.
///
/// - Parameter places: which of all eigenvalues in ascending order.
///
/// Throws `defect` if they are not found.
package func eigenpairs(of matrix: [Double], size: Int, places: ClosedRange<Int>) throws -> (
  values: [Double], vectors: [Double]
) {
  _ = singleThreadedBLAS
  var matrix = matrix, values = [Double](repeating: 0, count: size)
  var vectors = [Double](repeating: 0, count: size * places.count)
  var n = blasint(size), first = blasint(places.lowerBound + 1), last = blasint(places.upperBound + 1)
  var leading = n, leadingVectors = n, found: blasint = 0, status: blasint = 0
  var low = 0.0, high = 0.0, tolerance = 0.0, workCount: blasint = 8 * n, failed = [blasint](repeating: 0, count: size)
  var work = [Double](repeating: 0, count: 8 * size), integers = [blasint](repeating: 0, count: 5 * size)
  dsyevx_(
    "V", "I", "U", &n, &matrix, &leading, &low, &high, &first, &last, &tolerance, &found, &values, &vectors,
    &leadingVectors, &work, &workCount, &integers, &failed, &status)
  guard status == 0, found == places.count else {
    throw GradCAMError(.defect, problem: "the eigenvalues of a \(size) × \(size) matrix were not found")
  }
  return (Array(values.prefix(places.count)), vectors)
}
