import Graph

/// The windows of a picture, signal or volume that `occlusion` covers one after another, cut off at its edges.
struct Windows {
  private let size: [Int]
  private let window: [Int]
  private let stride: [Int]
  /// How many there are along each axis, the outermost first.
  private let counts: [Int]

  /// How many windows there may be.
  private static let limit = 1 << 20

  /// - Parameters:
  ///   - window: nil for a seventh of the extents, rounded.
  ///   - stride: nil for half of the window, rounded up.
  ///
  /// Throws `usage` if there are more axes than the input has, or too many windows.
  init(over size: PixelSize, window: PixelSize?, stride: PixelSize?) throws {
    func extents(_ given: PixelSize?, _ setting: Setting, _ usual: (Int) -> Int) throws -> [Int] {
      guard let given else { return (0..<size.rank).map(usual) }
      // One number says all extents of a signal; two are a picture's, or a film's, whose frames are covered one by one.
      guard given.rank <= size.rank else {
        throw GradCAMError(
          .usage, at: "\(setting, "\(given)")", problem: "has more extents than the network's input of \(size)",
          advice: "give as many as that")
      }
      return [Int](repeating: 1, count: size.rank - given.rank) + given.extents
    }
    let all = size.extents
    let window = try zip(extents(window, .window) { max(1, (all[$0] + 3) / 7) }, all).map { min($0, $1) }
    let stride = try zip(extents(stride, .stride) { (window[$0] + 1) / 2 }, all).map { min($0, $1) }
    (self.size, self.window, self.stride) = (all, window, stride)
    counts = all.indices.map { (all[$0] - window[$0] + stride[$0] - 1) / stride[$0] + 1 }
    let count = counts.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
    guard counts.allSatisfy({ $0 <= Self.limit }), count <= Self.limit else {
      throw GradCAMError(
        .usage, at: "\(.stride)", problem: "makes \(count) windows of an input of \(size)",
        advice: "give a longer stride")
    }
  }

  /// The number of windows.
  var count: Int { counts.reduce(1, *) }

  /// Calls `body` with each place in a window, in reading order.
  func forEachPlace(of index: Int, _ body: (Int) -> Void) {
    var rest = index, ranges: [Range<Int>] = []
    for axis in size.indices.reversed() {
      let start = rest % counts[axis] * stride[axis]
      ranges.insert(start..<min(start + window[axis], size[axis]), at: 0)
      rest /= counts[axis]
    }
    func visit(_ axis: Int, _ before: Int) {
      for place in ranges[axis] {
        let place = before * size[axis] + place
        if axis == size.count - 1 { body(place) } else { visit(axis + 1, place) }
      }
    }
    visit(0, 0)
  }
}
