import Graph

/// The mean probability of the class while the map's pixels, highest first, are put into a blurred image.
///
/// Petsiuk et al., RISE, 2018: a Gaussian of 11 × 11 with σ = 5, zeros around; steps and area as in TorchCAM.
struct Insertion: Metric {
  let name = "insertion"
  let summary = "mean probability of the class while the pixels, highest of the map first, enter the blurred image"
  let isBetterHigher = true

  func changes(of map: MeasuredMap) -> [ImageChange] {
    let blurred = map.planes(changedBy: { $0.blurred(map.inputMap.size) })
    return PixelExchange(pixels: map.ranking).changes(name, from: blurred, to: map.planes).dropLast()
  }

  func value(of map: MeasuredMap, _ answers: MetricAnswers) -> Double? {
    PixelExchange(pixels: map.ranking).area(below: answers.probabilities + [map.probability])
  }
}

/// The mean probability of the class while the map's pixels, highest first, are set to zero, which is mean colour.
///
/// Petsiuk et al., RISE, 2018; steps and area as in TorchCAM.
struct Deletion: Metric {
  let name = "deletion"
  let summary = "mean probability of the class while the pixels, highest of the map first, become zero (mean colour)"
  let isBetterHigher = false

  func changes(of map: MeasuredMap) -> [ImageChange] {
    let zeros = map.planes(changedBy: { [Float](repeating: 0, count: $0.count) })
    return Array(PixelExchange(pixels: map.ranking).changes(name, from: map.planes, to: zeros).dropFirst())
  }

  func value(of map: MeasuredMap, _ answers: MetricAnswers) -> Double? {
    PixelExchange(pixels: map.ranking).area(below: [map.probability] + answers.probabilities)
  }
}

/// Insertion less deletion, at four shares of the pixels only: a ranking of many maps in little time.
struct InsertionLessDeletion: Metric {
  let name = "insertion-deletion"
  let summary = "insertion less deletion, at 5, 10, 20 and 40% of the pixels only, to rank many maps in little time"
  let isBetterHigher = true
  let isUsual = false

  private static let shares = [0.05, 0.1, 0.2, 0.4]

  func changes(of map: MeasuredMap) -> [ImageChange] {
    let exchange = PixelExchange(pixels: map.ranking, shares: Self.shares)
    let blurred = map.planes(changedBy: { $0.blurred(map.inputMap.size) })
    let zeros = map.planes(changedBy: { [Float](repeating: 0, count: $0.count) })
    return exchange.changes("insertion", from: blurred, to: map.planes)
      + exchange.changes("deletion", from: map.planes, to: zeros)
  }

  func value(of map: MeasuredMap, _ answers: MetricAnswers) -> Double? {
    let probabilities = answers.probabilities
    let (inserted, deleted) = (probabilities.prefix(Self.shares.count), probabilities.suffix(Self.shares.count))
    return (inserted.reduce(0, +) - deleted.reduce(0, +)) / Double(Self.shares.count)
  }
}

/// Turns one image into another in steps, in an order of pixels.
private struct PixelExchange {
  private let pixels: [Int]
  /// How many pixels are exchanged at each point of the curve.
  private let counts: [Int]

  private static let stepCount = 20

  /// In 20 steps, from none to all.
  init(pixels: [Int]) {
    self.pixels = pixels
    let step = (pixels.count + Self.stepCount - 1) / Self.stepCount
    counts = Array(stride(from: 0, to: pixels.count, by: step)) + [pixels.count]
  }

  /// At some shares of the pixels.
  init(pixels: [Int], shares: [Double]) {
    self.pixels = pixels
    counts = shares.map { Int((Double(pixels.count) * $0).rounded()) }
  }

  /// The images at all points of the curve.
  func changes(_ name: String, from start: [[Float]], to end: [[Float]]) -> [ImageChange] {
    counts.map { [pixels] count in
      ImageChange("\(name) \(count)") {
        zip(start, end).map { start, end in
          var plane = start
          for pixel in pixels[..<count] { plane[pixel] = end[pixel] }
          return plane
        }
      }
    }
  }

  /// The area below the curve over the share of pixels exchanged, by trapezoids.
  func area(below curve: [Double]) -> Double {
    zip(counts.indices.dropFirst(), counts.indices).reduce(0) { area, point in
      let width = Double(counts[point.0] - counts[point.1]) / Double(pixels.count)
      return area + width * (curve[point.0] + curve[point.1]) / 2
    }
  }
}

extension [Float] {
  /// The plane blurred by a Gaussian of 11 places along each axis with σ = 5, zeros around it.
  fileprivate func blurred(_ size: PixelSize) -> [Float] {
    GaussianBlur(size.extents.map { _ in GaussianBlur.Window(deviation: 5, radius: 5) }).blurred(self, size)
  }
}
