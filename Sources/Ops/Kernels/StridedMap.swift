import CKernels
import Graph

/// An affine map between the elements of two tensors: a box of indices, and a stride in each tensor along each of
/// its axes.
///
/// Everything that moves elements without reading their values is made of such maps; reversed, they move gradients.
struct StridedMap: Sendable {
  /// One axis of the box; strides count elements and may be zero or negative.
  struct Axis: Sendable, Equatable {
    var extent: Int
    var source: Int
    var target: Int
  }

  /// The axes, outermost first.
  var axes: [Axis]
  /// The element of the source at index zero.
  var sourceOffset = 0
  /// The element of the target at index zero.
  var targetOffset = 0

  /// The number of element pairs.
  var count: Int { axes.reduce(1) { $0 * $1.extent } }

  /// The same pairs in the opposite direction.
  var reversed: StridedMap {
    StridedMap(
      axes: axes.map { Axis(extent: $0.extent, source: $0.target, target: $0.source) }, sourceOffset: targetOffset,
      targetOffset: sourceOffset)
  }

  /// The same pairs with as few axes as possible.
  var collapsed: StridedMap {
    var result = self
    result.axes = axes.reduce(into: []) { merged, axis in
      if axis.extent == 1 { return }
      if let outer = merged.last, outer.source == axis.source * axis.extent, outer.target == axis.target * axis.extent {
        merged[merged.count - 1] = Axis(extent: outer.extent * axis.extent, source: axis.source, target: axis.target)
      } else {
        merged.append(axis)
      }
    }
    return result
  }

  /// Whether every element of a tensor of `count` elements goes to the same position in another.
  func isIdentity(count: Int) -> Bool { self.count == count && sourceOffset == 0 && targetOffset == 0 && isContiguous }

  /// Whether consecutive elements go to consecutive positions.
  var isContiguous: Bool {
    let axes = collapsed.axes
    return count == 0 || axes.isEmpty || axes == [Axis(extent: count, source: 1, target: 1)]
  }
}

extension StridedMap {
  /// Writes every target element from its source element; elements have the size of `storage`.
  func copy(
    from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, storage: ElementType.Storage, pool: ThreadPool
  ) {
    let size = storage.byteCount
    collapsed.orderedForCopy.forEachPart(on: pool, splitting: { _ in true }) { axes, sourceOffset, targetOffset in
      strided_copy(source + sourceOffset * size, target + targetOffset * size, size, axes.baseAddress, axes.count)
    }
  }

  /// Adds every source element to its target element; several may share one if target strides are zero.
  func add(from source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, pool: ThreadPool) {
    collapsed.forEachPart(on: pool, splitting: { $0.target != 0 }) { axes, sourceOffset, targetOffset in
      strided_add(source + sourceOffset, target + targetOffset, axes.baseAddress, axes.count)
    }
  }

  /// The map with its axes of unit stride innermost, the target's last, so that both sides use whole cache lines.
  private var orderedForCopy: StridedMap {
    var result = self
    if let index = result.axes.lastIndex(where: { abs($0.target) == 1 }) {
      result.axes.append(result.axes.remove(at: index))
    }
    if let index = result.axes.lastIndex(where: { abs($0.source) == 1 }), index < result.axes.count - 1 {
      result.axes.insert(result.axes.remove(at: index), at: result.axes.count - 1)
    }
    return result
  }

  /// Splits the box, along the axes that allow it, into parts of about `movementGrain` elements.
  private func forEachPart(
    on pool: ThreadPool, splitting canSplit: (Axis) -> Bool,
    _ body: (_ axes: UnsafeBufferPointer<strided_axis>, _ sourceOffset: Int, _ targetOffset: Int) -> Void
  ) {
    guard count > 0 else { return }
    var wanted = (count + movementGrain - 1) / movementGrain
    let chunks = axes.enumerated().map { index, axis in
      guard wanted > 1, canSplit(axis) else { return axis.extent }
      let least = index == axes.count - 1 ? min(axis.extent, 256) : 1
      let chunk = max(least, (axis.extent + wanted - 1) / wanted)
      wanted = (wanted * chunk + axis.extent - 1) / axis.extent
      return chunk
    }
    let pieces = zip(axes, chunks).map { ($0.extent + $1 - 1) / $1 }
    let padding = [strided_axis](
      repeating: strided_axis(extent: 1, source: 0, target: 0), count: max(0, 2 - axes.count))
    pool.parallelFor(pieces.reduce(1, *)) { part, _ in
      var part = part
      var sourceOffset = self.sourceOffset, targetOffset = self.targetOffset
      var box = padding + axes.map { strided_axis(extent: $0.extent, source: $0.source, target: $0.target) }
      for index in axes.indices.reversed() {
        let start = part % pieces[index] * chunks[index]
        part /= pieces[index]
        box[padding.count + index].extent = min(chunks[index], axes[index].extent - start)
        sourceOffset += start * axes[index].source
        targetOffset += start * axes[index].target
      }
      box.withUnsafeBufferPointer { body($0, sourceOffset, targetOffset) }
    }
  }
}

/// The number of elements per task of a movement.
let movementGrain = 1 << 15

/// Sets memory to zero, on as many threads as are worthwhile.
func clear(_ memory: UnsafeMutableRawPointer, byteCount: Int, pool: ThreadPool) {
  pool.parallelRanges(byteCount, grain: 1 << 18) { range in
    (memory + range.lowerBound).initializeMemory(as: UInt8.self, repeating: 0, count: range.count)
  }
}
