import Graph

/// A Gaussian by which a plane is blurred, zeros around it.
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

  let across, down: Window

  /// The blurred plane, row by row.
  func blurred(_ plane: some RandomAccessCollection<Float>, width: Int) -> [Float] {
    let values = Array(plane), height = values.count / width
    var rows = [Float](repeating: 0, count: values.count), result = rows
    for y in 0..<height {
      for (place, weight) in across.weights.enumerated() {
        let offset = place - across.radius
        for x in max(0, -offset)..<max(0, -offset, min(width, width - offset)) {
          rows[y * width + x] += weight * values[y * width + x + offset]
        }
      }
    }
    for y in 0..<height {
      for (place, weight) in down.weights.enumerated() where (0..<height).contains(y + place - down.radius) {
        let from = (y + place - down.radius) * width, to = y * width
        for x in 0..<width { result[to + x] += weight * rows[from + x] }
      }
    }
    return result
  }
}
