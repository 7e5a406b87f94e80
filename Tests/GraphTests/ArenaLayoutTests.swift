import Testing

@testable import Graph

@Suite struct ArenaLayoutTests {
  @Test(arguments: 0..<200) func buffersAliveAtTheSameTimeNeverOverlap(seed: UInt64) {
    var generator = SplitMix64(seed: seed)
    let buffers = (0..<Int.random(in: 1...40, using: &generator)).map { _ in
      let first = Int.random(in: 0...30, using: &generator)
      return ArenaBuffer(
        byteCount: Int.random(in: 0...3, using: &generator) == 0 ? 64 : Int.random(in: 0...5000, using: &generator),
        firstUse: first,
        lastUse: Int.random(in: 0...5, using: &generator) == 0
          ? .max : first + Int.random(in: 0...10, using: &generator)
      )
    }
    let layout = ArenaLayout(buffers, sharing: Array(buffers.indices))
    for (index, buffer) in buffers.enumerated() where buffer.byteCount > 0 {
      let start = layout.offsets[index], end = start + buffer.byteCount
      #expect(start.isMultiple(of: 64) && start >= 0 && end <= layout.byteCount)
      for (other, neighbour) in buffers.enumerated() where other < index && neighbour.byteCount > 0 {
        let alive = neighbour.firstUse <= buffer.lastUse && buffer.firstUse <= neighbour.lastUse
        let overlap = layout.offsets[other] < end && start < layout.offsets[other] + neighbour.byteCount
        #expect(!(alive && overlap), "\(index) and \(other)")
      }
    }
  }

  @Test func memoryIsUsedAgain() {
    let buffers = (0..<10).map { ArenaBuffer(byteCount: 1000, firstUse: $0, lastUse: $0 + 1) }
    #expect(ArenaLayout(buffers, sharing: Array(0..<10)).byteCount == 2 * 1024)
  }

  @Test func buffersThatShareARootHaveItsPlace() {
    let buffers = [
      ArenaBuffer(byteCount: 100, firstUse: 0, lastUse: 5), ArenaBuffer(byteCount: 200, firstUse: 0, lastUse: 5),
      ArenaBuffer(byteCount: 100, firstUse: 2, lastUse: 5),
    ]
    let layout = ArenaLayout(buffers, sharing: [0, 1, 0])
    #expect(layout.offsets[2] == layout.offsets[0])
    #expect(layout.offsets[1] != layout.offsets[0])
    #expect(layout.byteCount == 128 + 256)
  }
}
