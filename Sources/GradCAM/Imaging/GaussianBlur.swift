import Graph

/// A Gaussian by which a map is blurred, zeros around it.
struct GaussianBlur {
  /// The weights along an axis: exp(−d² ⁄ 2σ²) up to a distance, with the sum 1.
  struct Window {
    let radius: Int
    fileprivate let weights: [Float]

    /// - Parameters:
    ///   - deviation: σ, above 0.
    ///   - radius: the largest distance.
    init(deviation: Double, radius: Int) {
      self.radius = radius
      let bell = (-radius...radius).map { exp(-Double($0 * $0) / (2 * deviation * deviation)) }
      let sum = bell.reduce(0, +)
      weights = bell.map { Float($0 / sum) }
    }
  }

  private let windows: [Window]

  /// - Parameter windows: of each axis, the outermost first.
  init(_ windows: [Window]) { self.windows = windows }

  /// The blurred map, of a size with as many axes as there are windows.
  func blurred(_ map: some RandomAccessCollection<Float>, _ size: PixelSize) -> [Float] {
    var blurred = Array(map), inner = 1
    for (extent, window) in zip(size.extents, windows).reversed() {
      let source = blurred, block = extent * inner
      blurred = [Float](repeating: 0, count: source.count)
      for start in stride(from: 0, to: source.count, by: block) {
        for (place, weight) in window.weights.enumerated() {
          // What moves along the axis moves by this many elements, within the block.
          let offset = (place - window.radius) * inner
          for index in max(0, -offset)..<max(0, -offset, min(block, block - offset)) {
            blurred[start + index] += weight * source[start + index + offset]
          }
        }
      }
      inner = block
    }
    return blurred
  }
}
