/// A block of memory with its lifetime: from the step of a plan that first writes it to the one that last touches it.
struct ArenaBuffer: Sendable {
  var byteCount: Int
  var firstUse: Int
  /// `Int.max` if it must outlive the run.
  var lastUse: Int
}

/// Where a buffer lies.
struct ArenaPosition: Sendable {
  /// The buffer whose memory it lies in: itself if it has memory of its own.
  var root: Int
  /// Its offset in that memory, in bytes.
  var offset = 0
}

/// Lays buffers out in one block so that those in use at the same time do not overlap.
struct ArenaLayout: Sendable {
  /// The byte offset of every buffer, a multiple of 64 if it has memory of its own.
  let offsets: [Int]
  let byteCount: Int

  /// Places the buffers that have memory of their own, for as long as they or those inside them live.
  ///
  /// - Parameter comparedCount: above this number of buffers, comparing each with all others takes too long.
  init(_ buffers: [ArenaBuffer], at positions: [ArenaPosition], comparedCount: Int = 8192) {
    var buffers = buffers
    for (index, position) in positions.enumerated() {
      buffers[position.root].firstUse = min(buffers[position.root].firstUse, buffers[index].firstUse)
      buffers[position.root].lastUse = max(buffers[position.root].lastUse, buffers[index].lastUse)
      buffers[index].byteCount = (buffers[index].byteCount + 63) & ~63
    }
    let roots = buffers.indices.filter { buffers[$0].byteCount > 0 && positions[$0].root == $0 }
    let (offsets, total) =
      roots.count > comparedCount ? Self.inOrderOfUse(roots, buffers) : Self.largestFirst(roots, buffers)
    self.offsets = positions.map { offsets[$0.root] + $0.offset }
    byteCount = total
  }

  /// Places the largest buffers first, each at the lowest offset that is free during its lifetime.
  private static func largestFirst(_ roots: [Int], _ buffers: [ArenaBuffer]) -> (offsets: [Int], byteCount: Int) {
    var offsets = [Int](repeating: 0, count: buffers.count)
    var placed: [Int] = []  // by offset
    var total = 0
    for index in roots.sorted(by: { (buffers[$0].byteCount, $1) > (buffers[$1].byteCount, $0) }) {
      let buffer = buffers[index]
      var offset = 0
      for other in placed {
        let neighbour = buffers[other]
        guard neighbour.firstUse <= buffer.lastUse, buffer.firstUse <= neighbour.lastUse else { continue }
        if offsets[other] >= offset + buffer.byteCount { break }
        offset = max(offset, offsets[other] + neighbour.byteCount)
      }
      offsets[index] = offset
      total = max(total, offset + buffer.byteCount)
      let position = placed.firstIndex { offsets[$0] > offset } ?? placed.count
      placed.insert(index, at: position)
    }
    return (offsets, total)
  }

  /// Places the buffers in the order of their first use, each in the first gap that is large enough.
  private static func inOrderOfUse(_ roots: [Int], _ buffers: [ArenaBuffer]) -> (offsets: [Int], byteCount: Int) {
    var offsets = [Int](repeating: 0, count: buffers.count)
    var gaps: [Range<Int>] = []  // by offset, none beside another
    var total = 0
    func free(_ range: Range<Int>) {
      var range = range
      var place = gaps.partitioningIndex { $0.lowerBound >= range.upperBound }
      if place < gaps.count, gaps[place].lowerBound == range.upperBound {
        range = range.lowerBound..<gaps.remove(at: place).upperBound
      }
      if place > 0, gaps[place - 1].upperBound == range.lowerBound {
        place -= 1
        range = gaps.remove(at: place).lowerBound..<range.upperBound
      }
      gaps.insert(range, at: place)
    }
    var ended = roots.sorted { (buffers[$0].lastUse, $0) < (buffers[$1].lastUse, $1) }[...]
    for index in roots.sorted(by: { (buffers[$0].firstUse, $0) < (buffers[$1].firstUse, $1) }) {
      let buffer = buffers[index]
      while let first = ended.first, buffers[first].lastUse < buffer.firstUse {
        ended.removeFirst()
        free(offsets[first]..<offsets[first] + buffers[first].byteCount)
      }
      if let place = gaps.firstIndex(where: { $0.count >= buffer.byteCount }) {
        let gap = gaps[place], end = gap.lowerBound + buffer.byteCount
        offsets[index] = gap.lowerBound
        if end == gap.upperBound { gaps.remove(at: place) } else { gaps[place] = end..<gap.upperBound }
      } else {
        if let last = gaps.last, last.upperBound == total { total = gaps.removeLast().lowerBound }
        offsets[index] = total
        total += buffer.byteCount
      }
    }
    return (offsets, total)
  }
}

extension [Range<Int>] {
  /// The first index of those, at the end, that a condition holds for.
  fileprivate func partitioningIndex(where isLater: (Range<Int>) -> Bool) -> Int {
    var low = 0, high = count
    while low < high {
      let middle = (low + high) / 2
      if isLater(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
