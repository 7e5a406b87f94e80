/// Finds the lifetime of every buffer, nests parts in wholes, places results over dead operands, and lays out the
/// arena.
struct MemoryPlanner {
  private let steps: [Step]
  private var buffers: [ArenaBuffer]
  /// The buffer that each buffer was placed in, and where; itself if none.
  private var homes: [ArenaPosition]
  /// The buffers that were placed in each.
  private var lodgers: [[Int]]
  /// The bytes of the guard zone after a buffer that has one: such buffers do not lie in others.
  private let guardByteCounts: [Int: Int]
  /// The first backward step: what backward steps read from before it is kept, so that they can run again.
  var backwardStart = Int.max

  init(steps: [Step], byteCounts: [Int]) {
    self.steps = steps
    buffers = byteCounts.map { ArenaBuffer(byteCount: $0, firstUse: .max, lastUse: -1) }
    homes = byteCounts.indices.map { ArenaPosition(root: $0) }
    lodgers = byteCounts.map { _ in [] }
    guardByteCounts = Dictionary(
      steps.filter { $0.kernel.guardByteCount > 0 }.flatMap { step in
        step.writtenBuffers.map { ($0, step.kernel.guardByteCount) }
      }, uniquingKeysWith: max)
  }

  /// Keeps a buffer beyond the end of the run.
  mutating func keep(_ buffer: Int) { buffers[buffer].lastUse = .max }

  /// Notes that a buffer is written from outside before a step.
  mutating func written(_ buffer: Int, at step: Int) {
    buffers[buffer].firstUse = min(buffers[buffer].firstUse, step)
    buffers[buffer].lastUse = max(buffers[buffer].lastUse, step)
  }

  /// The step after the last that writes a buffer; nil if none does.
  func firstStep(after buffer: Int) -> Int? { steps.lastIndex { $0.writtenBuffers.contains(buffer) }.map { $0 + 1 } }

  mutating func plan() -> ArenaLayout {
    for (index, step) in steps.enumerated() {
      for buffer in step.readBuffers { read(buffer, at: index) }
      for buffer in step.writtenBuffers { written(buffer, at: index) }
    }
    // In reverse: a part that several joins read then lies in the largest whole.
    for index in steps.indices.reversed() { nest(at: index) }
    // Buffers that are only read exist from the start: the model's inputs.
    for index in buffers.indices where buffers[index].firstUse == .max { buffers[index].firstUse = 0 }
    for index in steps.indices { overwrite(at: index) }
    var sizes = buffers
    for (index, byteCount) in guardByteCounts { sizes[index].byteCount += byteCount }
    return ArenaLayout(sizes, at: buffers.indices.map(position))
  }

  /// Notes that a buffer is read by a step, or from outside before it.
  mutating func read(_ buffer: Int, at step: Int) {
    let survives = step >= backwardStart && buffers[buffer].firstUse < backwardStart
    buffers[buffer].lastUse = survives ? .max : max(buffers[buffer].lastUse, step)
  }

  private func hasOwnMemory(_ buffer: Int) -> Bool { homes[buffer].root == buffer }

  private func position(_ buffer: Int) -> ArenaPosition {
    var position = ArenaPosition(root: buffer)
    while !hasOwnMemory(position.root) {
      let home = homes[position.root]
      position = ArenaPosition(root: home.root, offset: position.offset + home.offset)
    }
    return position
  }

  private mutating func put(_ buffer: Int, at position: ArenaPosition) {
    homes[buffer] = position
    lodgers[position.root].append(buffer)
  }

  /// The buffers that lie in a root, including itself.
  private func residents(of root: Int) -> [Int] {
    var found = [root]
    var next = 0
    while next < found.count {
      found += lodgers[found[next]]
      next += 1
    }
    return found
  }

  /// Places what a step joins or cuts out in the whole, or the whole where all its parts already lie in order.
  ///
  /// Buffers nested like this hold the same bytes wherever they overlap, each from its first use on, so their lifetimes
  /// may overlap.
  private mutating func nest(at index: Int) {
    guard let (parts, whole) = steps[index].nesting(byteCount: { buffers[$0].byteCount }) else { return }
    if hasOwnMemory(whole), guardByteCounts[whole] == nil, buffers[whole].firstUse <= index,
      let start = start(ofWhole: whole, from: parts)
    {
      return put(whole, at: start)
    }
    for part in parts {
      // A buffer that is filled from outside is not written by a step, and stays in place.
      guard let buffer = part.place.buffer, hasOwnMemory(buffer), guardByteCounts[buffer] == nil,
        buffers[buffer].firstUse <= index, position(whole).root != buffer
      else { continue }
      put(buffer, at: ArenaPosition(root: whole, offset: part.offset))
    }
  }

  /// Where a whole begins if all its parts lie in one other buffer, in order and without gaps.
  private func start(ofWhole whole: Int, from parts: [Step.Part]) -> ArenaPosition? {
    guard let first = parts.first?.place.buffer, !hasOwnMemory(first) else { return nil }
    let start = position(first)
    guard start.root != whole else { return nil }
    var end = 0
    for part in parts {
      guard let buffer = part.place.buffer, part.offset == end else { return nil }
      let position = position(buffer)
      guard position.root == start.root, position.offset == start.offset + end else { return nil }
      end += buffers[buffer].byteCount
    }
    return end == buffers[whole].byteCount ? start : nil
  }

  /// Places the result of a step over an operand that dies there, or the operand over a result already placed.
  private mutating func overwrite(at index: Int) {
    guard let (candidates, result) = steps[index].overwritable, buffers[result].firstUse == index else { return }
    for candidate in candidates
    where buffers[candidate].lastUse == index && buffers[candidate].byteCount == buffers[result].byteCount {
      let place = position(candidate), target = position(result)
      let residents = residents(of: place.root)
      guard place.root != target.root, buffers[place.root].byteCount == buffers[candidate].byteCount,
        residents.allSatisfy({ $0 == candidate || buffers[$0].lastUse < index })
      else { continue }
      if target.root == result { return put(result, at: place) }
      let born = residents.map { buffers[$0].firstUse }.min()!
      let stretch = target.offset..<target.offset + buffers[result].byteCount
      let isFree = self.residents(of: target.root).allSatisfy { other in
        let start = position(other).offset
        return other == result || !stretch.overlaps(start..<start + buffers[other].byteCount)
          || buffers[other].firstUse > index || buffers[other].lastUse < born
      }
      if isFree, guardByteCounts[place.root] == nil { return put(place.root, at: ArenaPosition(root: result)) }
    }
  }
}

extension Step {
  /// A tensor that is a contiguous part of another.
  fileprivate struct Part {
    let place: ValuePlace
    /// Its offset in the other, in bytes.
    let offset: Int
  }

  /// What the step joins into its result, or cuts out of its input.
  fileprivate func nesting(byteCount: (Int) -> Int) -> (parts: [Part], whole: Int)? {
    switch kernel.placement {
    case .gathered:
      guard let whole = writes[0] else { return nil }
      var offset = 0
      let parts = reads.compactMap { $0 }.map { place in
        defer {
          switch place {
          case .constant(let tensor): offset += tensor.byteCount
          case .buffer(let buffer): offset += byteCount(buffer)
          case .observed(_, let byteCount): offset += byteCount
          }
        }
        return Part(place: place, offset: offset)
      }
      return (parts, whole)
    case .pieces(let input, let offsets):
      guard let whole = reads[input]?.buffer else { return nil }
      let parts = zip(writes, offsets).compactMap { output, offset in
        output.map { Part(place: .buffer($0), offset: offset) }
      }
      return (parts, whole)
    case .fresh, .inPlace, .view: return nil
    }
  }

  /// The buffers that the step's first result may replace.
  fileprivate var overwritable: (candidates: [Int], result: Int)? {
    guard case .inPlace(let candidates) = kernel.placement, let result = writes.lazy.compactMap({ $0 }).first else {
      return nil
    }
    // An operand that is also read through another input must stay: the kernel may read that after overwriting it.
    let others = reads.indices.filter { !candidates.contains($0) }.compactMap { reads[$0]?.buffer }
    return (candidates.compactMap { reads[$0]?.buffer }.filter { !others.contains($0) }, result)
  }
}
