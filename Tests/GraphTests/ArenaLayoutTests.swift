import Testing

@testable import Graph

@Suite struct ArenaLayoutTests {
  /// With few buffers, which are compared with each other, and with many.
  @Test(arguments: 0..<200, [0, 8192]) func buffersAliveAtTheSameTimeNeverOverlap(seed: UInt64, comparedCount: Int) {
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
    let layout = ArenaLayout(
      buffers, at: buffers.indices.map { ArenaPosition(root: $0) }, comparedCount: comparedCount)
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

  @Test(arguments: [0, 8192]) func memoryIsUsedAgain(comparedCount: Int) {
    let buffers = (0..<10).map { ArenaBuffer(byteCount: 1000, firstUse: $0, lastUse: $0 + 1) }
    let places = (0..<10).map { ArenaPosition(root: $0) }
    #expect(ArenaLayout(buffers, at: places, comparedCount: comparedCount).byteCount == 2 * 1024)
  }

  @Test func buffersThatLieInAnotherHaveItsPlaceAndProlongItsLife() {
    let buffers = [
      ArenaBuffer(byteCount: 100, firstUse: 1, lastUse: 2), ArenaBuffer(byteCount: 200, firstUse: 0, lastUse: 5),
      ArenaBuffer(byteCount: 60, firstUse: 2, lastUse: 4), ArenaBuffer(byteCount: 100, firstUse: 3, lastUse: 3),
      ArenaBuffer(byteCount: 100, firstUse: 5, lastUse: 5),
    ]
    var positions = buffers.indices.map { ArenaPosition(root: $0) }
    positions[2] = ArenaPosition(root: 0, offset: 40)
    let layout = ArenaLayout(buffers, at: positions)
    #expect(layout.offsets[2] == layout.offsets[0] + 40)
    #expect(layout.offsets[4] == layout.offsets[0])
    #expect(Set([0, 1, 3].map { layout.offsets[$0] }).count == 3)
    #expect(layout.byteCount == 128 + 256 + 128)
  }
}
