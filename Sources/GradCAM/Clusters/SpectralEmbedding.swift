import Graph
import Ops

/// The eigenvectors of the smallest eigenvalues of a graph's normalised Laplacian, I − D^−½ W D^−½.
///
/// Found by subspace iteration with Chebyshev polynomials as filters: Zhou, Saad, Tiago, Chelikowsky, Self-consistent-field
/// calculations using Chebyshev-filtered subspace iteration, 2006.
struct SpectralEmbedding {
  /// The eigenvalues in ascending order, from 0 to 2.
  let values: [Double]
  /// For each vector of the graph, its place in every eigenvector, divided by the square root of its degree: an
  /// eigenvector of the random walk's Laplacian, as Shi and Malik (2000) group by.
  let rows: [Double]

  /// How many more eigenvectors are iterated than are wanted, so that these converge soon.
  private static let extraCount = 12
  /// How far L·v may be from λ·v, of length 1.
  private static let tolerance = 1e-7
  /// Eigenvectors that are not found in as many rounds are taken as they are then.
  private static let mostRounds = 100
  /// How much more than the others a filter lets through the smallest eigenvalue: more would lose digits.
  private static let gain = 1e5

  /// - Parameter count: how many eigenvectors; at most as many as there are vectors.
  ///
  /// Throws `defect` if the eigenvalues of a small matrix are not found.
  init(of graph: NeighbourGraph, count: Int, pool: ThreadPool) throws {
    let width = min(graph.count, count + Self.extraCount), matrix = NormalisedLaplacian(graph, pool)
    var generator = SplitMix64(seed: 0)
    var pairs = try RitzPairs(
      in: (0..<graph.count * width).map { _ in generator.nextUniform() - 0.5 }, of: matrix, width: width)
    for _ in 0..<Self.mostRounds where pairs.residual(count) > Self.tolerance {
      pairs = try RitzPairs(in: Self.filtered(pairs, matrix), of: matrix, width: width)
    }
    values = pairs.values.prefix(count).map { max($0, 0) }
    rows = (0..<graph.count).flatMap { row in
      let scale = 1 / Double(graph.degree(row)).squareRoot()
      return pairs.vectors[row * width..<row * width + count].map { $0 * scale }
    }
  }

  /// The vectors times a polynomial of the matrix that is small from the largest of their eigenvalues on.
  private static func filtered(_ pairs: RitzPairs, _ matrix: NormalisedLaplacian) -> [Double] {
    let from = min(max(pairs.values.last!, 1e-6), 1.9)
    let half = (2 - from) / 2, centre = (2 + from) / 2
    let degree = min(max(Int(acosh(gain) / acosh(centre / half)), 2), 64)
    // So scaled, the polynomials are 1 at 0.
    let first = -half / centre
    var scale = first, before = pairs.vectors, vectors = pairs.vectors
    matrix.apply(to: before, factor: first / half, shift: centre, less: 0, into: &vectors)
    for _ in 1..<degree {
      let next = 1 / (2 / first - scale)
      matrix.apply(to: vectors, factor: 2 * next / half, shift: centre, less: scale * next, into: &before)
      swap(&before, &vectors)
      scale = next
    }
    return vectors
  }
}

/// A graph's normalised Laplacian.
private struct NormalisedLaplacian {
  let graph: NeighbourGraph
  let pool: ThreadPool
  /// 1 over the square root of each vector's degree.
  private let scales: [Double]

  init(_ graph: NeighbourGraph, _ pool: ThreadPool) {
    (self.graph, self.pool) = (graph, pool)
    scales = (0..<graph.count).map { 1 / Double(graph.degree($0)).squareRoot() }
  }

  /// Sets other vectors to factor · (L − shift) · vectors − less · these others.
  ///
  /// Both are matrices with a row for each vector of the graph.
  func apply(to vectors: [Double], factor: Double, shift: Double, less: Double, into others: inout [Double]) {
    let width = vectors.count / graph.count
    vectors.withUnsafeBufferPointer { vectors in
      others.withUnsafeMutableBufferPointer { others in
        let (from, to) = (vectors.baseAddress!, others.baseAddress!)
        pool.parallelRanges(graph.count, grain: 128) { rows in
          for row in rows {
            let own = from + row * width, target = to + row * width
            for column in 0..<width {
              target[column] = factor * (1 - shift) * own[column] - less * target[column]
            }
            for place in graph.starts[row]..<graph.starts[row + 1] {
              let other = Int(graph.neighbours[place]), weight = factor * scales[row] * scales[other]
              let neighbour = from + other * width
              for column in 0..<width { target[column] -= weight * neighbour[column] }
            }
          }
        }
      }
    }
  }
}

/// The best approximations of eigenvalues and eigenvectors within a space: those of Rayleigh and Ritz.
private struct RitzPairs {
  /// In ascending order.
  let values: [Double]
  /// A matrix with a column for each.
  let vectors: [Double]
  /// The length of L·v − λ·v for each.
  private let residuals: [Double]

  /// - Parameters:
  ///   - space: a matrix whose columns span it.
  ///   - width: the number of these columns.
  init(in space: [Double], of matrix: NormalisedLaplacian, width: Int) throws {
    let rows = space.count / width
    // Twice, since once leaves errors that grow with the spread of the columns.
    let basis = try Self.orthonormal(Self.orthonormal(space, rows, width), rows, width)
    var images = basis
    matrix.apply(to: basis, factor: 1, shift: 0, less: 0, into: &images)
    let small = product(basis, rows: rows, columns: width, transposed: true, by: images, factorColumns: width)
    let (values, turned) = try eigenpairs(of: small, size: width, places: 0...width - 1)
    let rotation = Self.transposed(turned, width)
    let vectors = product(basis, rows: rows, columns: width, by: rotation, factorColumns: width)
    images = product(images, rows: rows, columns: width, by: rotation, factorColumns: width)
    var squares = [Double](repeating: 0, count: width)
    for row in 0..<rows {
      for column in 0..<width {
        let place = row * width + column, error = images[place] - values[column] * vectors[place]
        squares[column] += error * error
      }
    }
    (self.values, self.vectors, residuals) = (values, vectors, squares.map { $0.squareRoot() })
  }

  /// The largest of the first residuals.
  func residual(_ count: Int) -> Double { residuals.prefix(count).max() ?? 0 }

  /// Columns of length 1 at right angles that span the same space.
  private static func orthonormal(_ space: [Double], _ rows: Int, _ width: Int) throws -> [Double] {
    let gram = gramMatrix(of: space, rows: rows, columns: width, overRows: true)
    let (values, vectors) = try eigenpairs(of: gram, size: width, places: 0...width - 1)
    let scales = values.map { 1 / max($0, values.last! * 1e-15).squareRoot() }
    let rotation = transposed(vectors.indices.map { vectors[$0] * scales[$0 / width] }, width)
    return product(space, rows: rows, columns: width, by: rotation, factorColumns: width)
  }

  private static func transposed(_ square: [Double], _ size: Int) -> [Double] {
    square.indices.map { square[$0 % size * size + $0 / size] }
  }
}
