import Ops

/// Points in the plane along which vectors of equal length vary most: their first two principal components.
struct PrincipalPlane {
  /// The place of each vector.
  let places: [(x: Double, y: Double)]

  /// How many vectors are added up at a time.
  private static let blockSize = 1024

  /// - Parameters:
  ///   - vectors: one after another.
  ///   - columns: how many numbers a vector has, at least 2.
  init(of vectors: [Float], columns: Int) throws {
    let count = vectors.count / columns
    var means = [Double](repeating: 0, count: columns)
    for place in vectors.indices { means[place % columns] += Double(vectors[place]) / Double(count) }
    func centred(_ rows: Range<Int>) -> [Double] {
      (rows.lowerBound * columns..<rows.upperBound * columns).map { Double(vectors[$0]) - means[$0 % columns] }
    }
    let blocks = stride(from: 0, to: count, by: Self.blockSize).map { $0..<min(count, $0 + Self.blockSize) }
    var covariance = [Double](repeating: 0, count: columns * columns)
    for rows in blocks {
      let part = gramMatrix(of: centred(rows), rows: rows.count, columns: columns, overRows: true)
      for place in covariance.indices { covariance[place] += part[place] }
    }
    let axes = try eigenpairs(of: covariance, size: columns, places: columns - 2...columns - 1).vectors
    places = blocks.flatMap { rows in
      let along = product(
        axes, rows: 2, columns: columns, by: Self.transposed(centred(rows), columns), factorColumns: rows.count)
      return (0..<rows.count).map { (x: along[rows.count + $0], y: along[$0]) }
    }
  }

  private static func transposed(_ matrix: [Double], _ columns: Int) -> [Double] {
    let rows = matrix.count / columns
    return matrix.indices.map { matrix[$0 % rows * columns + $0 / rows] }
  }
}
