import Graph
import Ops

/// A graph that joins each of some vectors to those nearest to it, and those to it.
struct NeighbourGraph {
  /// The number of vectors.
  let count: Int
  /// Where the neighbours of each begin among all, and at last where they end.
  private(set) var starts: [Int] = []
  /// The neighbours of all vectors, one after another, each one's in ascending order.
  private(set) var neighbours: [Int32] = []

  /// Joins vectors of length 1.
  ///
  /// - Parameters:
  ///   - vectors: one after another.
  ///   - count: how many there are, at least 2.
  ///   - neighbourCount: how many each is joined to; of equally near ones, the first.
  ///   - mostParts: into how many parts without a connection the graph may fall: while there are more, each is joined to
  ///     what is nearest to it outside.
  init(_ vectors: [Float], count: Int, neighbourCount: Int, mostParts: Int, pool: ThreadPool) {
    self.count = count
    let search = NearestSearch(vectors: vectors, count: count, pool: pool)
    let nearest = search.nearest(neighbourCount, labels: (0..<Int32(count)).map { $0 })
    var edges = nearest.indices.map { (from: Int32($0 / neighbourCount), to: nearest[$0].index) }
    join(edges)
    while case let (labels, partCount) = parts, partCount > mostParts {
      var best = [(from: Int32, to: NearestSearch.Found)?](repeating: nil, count: partCount)
      for (index, found) in search.nearest(1, labels: labels).enumerated() {
        let part = Int(labels[index])
        if best[part].map({ found.similarity > $0.to.similarity }) ?? true { best[part] = (Int32(index), found) }
      }
      edges += best.compactMap { $0.map { (from: $0.from, to: $0.to.index) } }
      join(edges)
    }
  }

  /// How many neighbours a vector has.
  func degree(_ index: Int) -> Int { starts[index + 1] - starts[index] }

  /// Makes the graph of some edges, each in both directions.
  private mutating func join(_ edges: [(from: Int32, to: Int32)]) {
    var ends = [Int](repeating: 0, count: count + 1)
    for edge in edges {
      ends[Int(edge.from) + 1] += 1
      ends[Int(edge.to) + 1] += 1
    }
    for index in 1...count { ends[index] += ends[index - 1] }
    var all = [Int32](repeating: 0, count: ends[count]), next = ends
    for edge in edges {
      for (one, other) in [(edge.from, edge.to), (edge.to, edge.from)] {
        all[next[Int(one)]] = other
        next[Int(one)] += 1
      }
    }
    (starts, neighbours) = ([0], [])
    for index in 0..<count {
      var last: Int32 = -1
      for other in all[ends[index]..<ends[index + 1]].sorted() where other != last {
        neighbours.append(other)
        last = other
      }
      starts.append(neighbours.count)
    }
  }

  /// The part of each vector, by number, and how many parts there are.
  private var parts: (labels: [Int32], count: Int) {
    var labels = [Int32](repeating: -1, count: count), partCount = 0
    var waiting: [Int] = []
    for start in 0..<count where labels[start] < 0 {
      labels[start] = Int32(partCount)
      waiting.append(start)
      while let index = waiting.popLast() {
        for other in neighbours[starts[index]..<starts[index + 1]] where labels[Int(other)] < 0 {
          labels[Int(other)] = Int32(partCount)
          waiting.append(Int(other))
        }
      }
      partCount += 1
    }
    return (labels, partCount)
  }
}

/// Finds the nearest of vectors of length 1, those with the largest inner products.
private struct NearestSearch {
  let vectors: [Float]
  let count: Int
  let pool: ThreadPool

  struct Found {
    var index: Int32
    var similarity: Float
  }

  /// How many vectors are compared with all at a time.
  private static let blockSize = 64

  /// The vectors nearest to each that have another label, the nearest first; of equally near ones, the first.
  ///
  /// - Parameter wanted: how many; every vector has as many with other labels.
  func nearest(_ wanted: Int, labels: [Int32]) -> [Found] {
    let columns = vectors.count / count
    return [Found](unsafeUninitializedCapacity: count * wanted) { result, initializedCount in
      let found = result.baseAddress!
      vectors.withUnsafeBufferPointer { vectors in
        labels.withUnsafeBufferPointer { labels in
          pool.parallelRanges(count, grain: Self.blockSize) { rows in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: rows.count * count) { products in
              innerProducts(
                of: rows, in: vectors.baseAddress!, rowCount: count, columns: columns, into: products.baseAddress!)
              for row in rows {
                Self.keepLargest(
                  wanted, of: products.baseAddress! + (row - rows.lowerBound) * count, labels, row,
                  in: found + row * wanted)
              }
            }
          }
        }
      }
      initializedCount = count * wanted
    }
  }

  private static func keepLargest(
    _ wanted: Int, of similarities: UnsafePointer<Float>, _ labels: UnsafeBufferPointer<Int32>, _ row: Int,
    in best: UnsafeMutablePointer<Found>
  ) {
    best.initialize(repeating: Found(index: -1, similarity: -.infinity), count: wanted)
    let own = labels[row]
    var least = -Float.infinity
    for index in labels.indices where similarities[index] > least && labels[index] != own {
      var place = wanted - 1
      while place > 0, best[place - 1].similarity < similarities[index] {
        best[place] = best[place - 1]
        place -= 1
      }
      best[place] = Found(index: Int32(index), similarity: similarities[index])
      least = best[wanted - 1].similarity
    }
  }
}
