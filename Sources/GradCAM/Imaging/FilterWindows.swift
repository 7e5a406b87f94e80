import Graph

/// A resampling filter: the weight of an input sample by its distance.
struct ResamplingFilter: Sendable {
  /// The distance from which on all weights are 0.
  let support: Double
  /// The weight at a distance, negative on one side.
  let weight: @Sendable (Double) -> Double

  /// The mean of the samples covered.
  static let box = ResamplingFilter(support: 0.5) { $0 > -0.5 && $0 <= 0.5 ? 1 : 0 }

  /// Linear interpolation.
  static let triangle = ResamplingFilter(support: 1) { max(1 - abs($0), 0) }

  /// Hamming's window over a sine cardinal.
  static let hamming = ResamplingFilter(support: 1) { distance in
    let x = abs(distance) * Double.pi
    return x == 0 ? 1 : x >= .pi ? 0 : sin(x) / x * (0.54 + 0.46 * cos(x))
  }

  /// Keys's cubic convolution with a = −½.
  static let cubic = ResamplingFilter(support: 2) { distance in
    let x = abs(distance)
    return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0
  }

  /// Lanczos's window over a sine cardinal.
  static let lanczos = ResamplingFilter(support: 3) { x in
    func cardinal(_ x: Double) -> Double { x == 0 ? 1 : sin(x * Double.pi) / (x * Double.pi) }
    return -3 <= x && x < 3 ? cardinal(x) * cardinal(x / 3) : 0
  }
}

extension Interpolation {
  /// Pillow's filter; nil for `nearest`, which takes one sample.
  var filter: ResamplingFilter? {
    switch self {
    case .nearest: nil
    case .box: .box
    case .bilinear, .opencv: .triangle
    case .hamming: .hamming
    case .bicubic: .cubic
    case .lanczos: .lanczos
    }
  }
}

/// For each output sample, a run of input samples and their weights, which sum to 1, as in Pillow's `resize`.
struct FilterWindows {
  /// The first input sample of each.
  private(set) var starts: [Int] = []
  /// The weights of all outputs, one after another.
  private(set) var allWeights: [Double] = []
  private var ends: [Int] = [0]

  /// - Parameters:
  ///   - centers: where each output lies, counted from the edge of the first input; nil leaves its window empty.
  ///   - scale: the number of inputs per output; a filter is stretched by it if it is above 1.
  init(_ filter: ResamplingFilter, over inputCount: Int, centers: [Double?], scale: Double) {
    let stretch = max(scale, 1), support = filter.support * stretch
    for center in centers {
      if let center {
        let start = max(Int(center - support + 0.5), 0)
        let end = min(Int(center + support + 0.5), inputCount)
        let weights = (start..<end).map { filter.weight((Double($0) - center + 0.5) * (1 / stretch)) }
        let sum = weights.reduce(0, +)
        starts.append(start)
        allWeights += weights.map { $0 / sum }
      } else {
        starts.append(0)
      }
      ends.append(allWeights.count)
    }
  }

  /// The number of outputs.
  var count: Int { starts.count }

  /// Where an output's weights lie among all.
  func range(at output: Int) -> Range<Int> { ends[output]..<ends[output + 1] }
}

extension FilterWindows: AxisResampling {
  /// The values filtered along one axis of outer × count × inner, with sums in Double, as Pillow resizes images of
  /// floats; 0 where a window is empty.
  func applied(to values: [Float], count: Int, outer: Int, inner: Int) -> [Float] {
    var result: [Float] = []
    result.reserveCapacity(outer * self.count * inner)
    for block in 0..<outer {
      for output in 0..<self.count {
        let first = (block * count + starts[output]) * inner, range = range(at: output)
        for index in 0..<inner {
          var sum = 0.0
          for (offset, place) in range.enumerated() {
            sum += Double(values[first + offset * inner + index]) * allWeights[place]
          }
          result.append(Float(sum))
        }
      }
    }
    return result
  }
}
