import Graph

/// The edges of a box: in pixels from the left and upper edge of the picture, or in fractions of its width and height.
///
/// A pixel has the width 1: the first one lies between 0 and 1.
struct BoxEdges: Equatable {
  let left, top, right, bottom: Double
  let isRelative: Bool

  /// Where coordinates count as a fault of the file.
  private static let farthest = Double(1 << 24)

  /// Throws `badData` unless left is less than right, and top less than bottom, by numbers of a sensible size.
  init(left: Double, top: Double, right: Double, bottom: Double, isRelative: Bool = false) throws {
    (self.left, self.top, self.right, self.bottom) = (left, top, right, bottom)
    self.isRelative = isRelative
    let edges = [left, top, right, bottom]
    guard edges.allSatisfy({ abs($0) <= Self.farthest }), left < right, top < bottom else {
      throw GradCAMError(
        .badData, problem: "\(text) is no box",
        advice: "left must be less than right, and top less than bottom")
    }
    guard isRelative || right > 1 || bottom > 1 || edges.allSatisfy({ $0 == $0.rounded() }) else {
      throw GradCAMError(
        .badData, problem: "\(text) are fractions of the picture", advice: "give pixels in this format")
    }
  }

  /// The edges as messages show them.
  var text: String {
    let numbers = [left, top, right, bottom].map { Int(exactly: $0).map(String.init) ?? "\($0)" }
    return "[\(numbers.joined(separator: ", "))]"
  }

  /// The same in pixels of a picture of a size.
  func pixels(of size: PixelSize) -> BoxEdges {
    guard isRelative else { return self }
    let width = Double(size.width), height = Double(size.height)
    return BoxEdges(unchecked: left * width, top * height, right * width, bottom * height)
  }

  private init(unchecked left: Double, _ top: Double, _ right: Double, _ bottom: Double) {
    (self.left, self.top, self.right, self.bottom, isRelative) = (left, top, right, bottom, false)
  }

  /// How far the box, in pixels, goes beyond a picture's edges; 0 if it lies inside.
  func excess(over size: PixelSize) -> Double {
    max(0, -left, -top, right - Double(size.width), bottom - Double(size.height))
  }

  /// The pixels of a picture whose centres lie inside of the box, which is in pixels; if there are none along a side, the
  /// one in its middle.
  ///
  /// Nil if the box lies outside of the picture.
  func rectangle(in size: PixelSize) -> PixelRectangle? {
    guard let columns = Self.pixels(from: left, to: right, of: size.width),
      let rows = Self.pixels(from: top, to: bottom, of: size.height)
    else { return nil }
    return PixelRectangle(x: columns.lowerBound, y: rows.lowerBound, width: columns.count, height: rows.count)
  }

  private static func pixels(from start: Double, to end: Double, of count: Int) -> Range<Int>? {
    let start = max(start, 0), end = min(end, Double(count))
    guard start < end else { return nil }
    let first = Int((start - 0.5).rounded(.up)), past = Int((end - 0.5).rounded(.up))
    guard first >= past else { return first..<past }
    let middle = min(Int((start + end) / 2), count - 1)
    return middle..<middle + 1
  }
}
