import Graph

/// How the axes of a value lie compared with those of another that holds the same numbers.
struct AxisOrder: Sendable, Equatable {
  /// The axes of the one value, without those of extent 1, in the order of the other's; nil if the elements of both lie
  /// in the same order.
  let permutation: [Int]?
  /// The extents of the one value, without those of 1.
  private let extents: [Int]

  /// Whether the elements lie in different orders.
  var isDifferent: Bool { permutation != nil }

  /// The order of another value; nil if its extents, or what they are known to count, are not those of one.
  ///
  /// - Parameters:
  ///   - dimensions: what the axes of the one value count, if that is known.
  ///   - otherDimensions: the same of the other.
  init?(
    of other: Shape, _ otherDimensions: [Dimension]?, as shape: Shape, _ dimensions: [Dimension]?
  ) {
    guard shape.count == other.count else { return nil }
    extents = shape.dimensions.filter { $0 != 1 }
    let otherExtents = other.dimensions.filter { $0 != 1 }
    let axes = dimensions.flatMap(Self.axes), otherAxes = otherDimensions.flatMap(Self.axes)
    guard let axes, let otherAxes else {
      guard extents == otherExtents else { return nil }
      permutation = nil
      return
    }
    if axes.flatMap({ $0 }) == otherAxes.flatMap({ $0 }) {
      permutation = nil
      return
    }
    guard Set(axes).count == axes.count, Set(axes) == Set(otherAxes), axes.count == otherAxes.count else {
      return nil
    }
    permutation = otherAxes.map { axes.firstIndex(of: $0)! }
  }

  /// What a part of an axis counts, and how many there are.
  private struct Counted: Hashable {
    let role: Factor.Role
    let extent: Int
  }

  /// What each axis of more than one index counts; nil if that is not known.
  private static func axes(_ dimensions: [Dimension]) -> [[Counted]]? {
    guard dimensions.allSatisfy({ $0.isKnown && $0.leading + $0.trailing == 0 }) else { return nil }
    return dimensions.filter { $0.extent != 1 }.map { dimension in
      dimension.factors.filter { $0.extent != 1 }.map { Counted(role: $0.role, extent: $0.extent) }
    }
  }

  /// The elements of the one value in the order of the other.
  func reordered(_ elements: UnsafeBufferPointer<Float>) -> [Float] {
    guard let permutation else { return Array(elements) }
    return Self.transposed(elements, extents, permutation)
  }

  /// The elements of the other value in the order of the one.
  func restored(_ elements: UnsafeBufferPointer<Float>) -> [Float] {
    guard let permutation else { return Array(elements) }
    let inverse = permutation.indices.map { permutation.firstIndex(of: $0)! }
    return Self.transposed(elements, permutation.map { extents[$0] }, inverse)
  }

  private static func transposed(
    _ elements: UnsafeBufferPointer<Float>, _ extents: [Int], _ permutation: [Int]
  ) -> [Float] {
    let strides = Shape(extents).strides
    let counts = permutation.map { extents[$0] }, steps = permutation.map { strides[$0] }
    return [Float](unsafeUninitializedCapacity: elements.count) { result, count in
      var index = [Int](repeating: 0, count: counts.count), offset = 0
      for place in 0..<elements.count {
        result.initializeElement(at: place, to: elements[offset])
        var axis = counts.count - 1
        while axis >= 0 {
          index[axis] += 1
          offset += steps[axis]
          if index[axis] < counts[axis] { break }
          offset -= steps[axis] * counts[axis]
          index[axis] = 0
          axis -= 1
        }
      }
      count = elements.count
    }
  }
}
