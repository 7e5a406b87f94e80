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

  /// Places the largest buffers first, each at the lowest offset that is free during its lifetime and the lifetimes of
  /// the buffers inside it.
  init(_ buffers: [ArenaBuffer], at positions: [ArenaPosition]) {
    var buffers = buffers
    for (index, position) in positions.enumerated() {
      buffers[position.root].firstUse = min(buffers[position.root].firstUse, buffers[index].firstUse)
      buffers[position.root].lastUse = max(buffers[position.root].lastUse, buffers[index].lastUse)
    }
    var offsets = [Int](repeating: 0, count: buffers.count)
    var placed: [Int] = []  // by offset
    var total = 0
    let order = buffers.indices.sorted { (buffers[$0].byteCount, $1) > (buffers[$1].byteCount, $0) }
    for index in order where buffers[index].byteCount > 0 && positions[index].root == index {
      let buffer = buffers[index]
      let size = (buffer.byteCount + 63) & ~63
      var offset = 0
      for other in placed {
        let neighbour = buffers[other]
        guard neighbour.firstUse <= buffer.lastUse, buffer.firstUse <= neighbour.lastUse else { continue }
        if offsets[other] >= offset + size { break }
        offset = max(offset, offsets[other] + (neighbour.byteCount + 63) & ~63)
      }
      offsets[index] = offset
      total = max(total, offset + size)
      let position = placed.firstIndex { offsets[$0] > offset } ?? placed.count
      placed.insert(index, at: position)
    }
    self.offsets = positions.map { offsets[$0.root] + $0.offset }
    byteCount = total
  }
}
