/// The extents of a dense row-major tensor, outermost first; a scalar has none.
public struct Shape: Sendable, Hashable, ExpressibleByArrayLiteral, CustomStringConvertible {
  /// The extent of every dimension.
  public var dimensions: [Int]

  /// Creates a shape from its extents.
  public init(_ dimensions: [Int]) { self.dimensions = dimensions }
  /// Creates a shape from a list of extents.
  public init(arrayLiteral elements: Int...) { dimensions = elements }

  /// The largest number of elements that a value may have, and the largest magnitude of an integer in a file that
  /// enters the arithmetic of shapes: the product of any two fits in `Int`.
  public static let elementLimit = 1 << 31

  /// A shape whose extents come from a file.
  ///
  /// Throws `badData` if an extent is negative, or if there are more elements than the limit; an extent of 0 does not
  /// make up for others, so that products of some extents are within it too.
  public init(checked dimensions: [Int]) throws {
    var count = 1
    for extent in dimensions {
      guard extent >= 0 else {
        throw GradCAMError(.badData, problem: "the shape \(Shape(dimensions)) is impossible")
      }
      let (product, overflows) = count.multipliedReportingOverflow(by: max(extent, 1))
      guard !overflows, product <= Shape.elementLimit else {
        throw GradCAMError(.badData, problem: "the shape \(Shape(dimensions)) is too large for a tensor")
      }
      count = product
    }
    self.init(dimensions)
  }

  /// The number of dimensions.
  public var rank: Int { dimensions.count }
  /// The number of elements: 1 for a scalar.
  public var count: Int { dimensions.reduce(1, *) }
  /// The extent of one dimension.
  public subscript(_ axis: Int) -> Int { dimensions[axis] }
  /// The product of the extents of some consecutive dimensions.
  public func count(_ axes: Range<Int>) -> Int { dimensions[axes].reduce(1, *) }

  /// The distance in elements between neighbours along every dimension.
  public var strides: [Int] {
    var strides = [Int](repeating: 1, count: rank)
    for axis in dimensions.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * dimensions[axis + 1] }
    return strides
  }

  /// The axis of a possibly negative index.
  ///
  /// Throws `badData` if it lies outside −rank ..< rank.
  public func axis(_ index: Int) throws -> Int {
    let axis = index < 0 ? index + rank : index
    guard dimensions.indices.contains(axis) else {
      throw GradCAMError(.badData, problem: "axis \(index) does not exist in a tensor of shape \(self)")
    }
    return axis
  }

  /// The shape that two shapes broadcast to by ONNX's multidirectional rule.
  ///
  /// Throws `badData` if they do not match or the result would be too large.
  public func broadcast(with other: Shape) throws -> Shape {
    var result = [Int](repeating: 1, count: max(rank, other.rank))
    for axis in result.indices {
      let mine = axis - (result.count - rank) >= 0 ? dimensions[axis - (result.count - rank)] : 1
      let theirs = axis - (result.count - other.rank) >= 0 ? other.dimensions[axis - (result.count - other.rank)] : 1
      guard mine == theirs || mine == 1 || theirs == 1 else {
        throw GradCAMError(.badData, problem: "shapes \(self) and \(other) do not broadcast")
      }
      result[axis] = mine == 1 ? theirs : mine
    }
    return try Shape(checked: result)
  }

  /// The extents joined by ×, such as `1×3×224×224`; `scalar` if there are none.
  public var description: String { dimensions.isEmpty ? "scalar" : dimensions.map(String.init).joined(separator: "×") }
}
