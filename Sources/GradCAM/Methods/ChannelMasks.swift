#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The channels of a feature map as masks of the network's input, in 0 … 1.
struct ChannelMasks {
  /// What is done first.
  enum Order {
    /// Resized, the corners of both being the same, then rescaled.
    case resizedThenRescaled
    /// Rescaled, then resized, the edges of both being the same.
    case rescaledThenResized
  }

  private let tap: Tap
  private let rows, columns: LinearTaps
  private let order: Order
  private static let epsilon: Float = 1e-8

  init(_ tap: Tap, size: PixelSize, order: Order) {
    self.tap = tap
    self.order = order
    func taps(_ from: Int, _ to: Int) -> LinearTaps {
      guard order == .resizedThenRescaled else { return LinearTaps(from: from, to: to) }
      let scale = to > 1 ? Double(from - 1) / Double(to - 1) : 0
      return LinearTaps(from: from, to: to, covered: 0..<to) { Double($0) * scale + 0.5 }
    }
    rows = taps(tap.height, size.height)
    columns = taps(tap.width, size.width)
  }

  /// The mask of a channel.
  subscript(_ channel: Int) -> [Float] {
    let values = Array(tap.activation[channel * tap.plane..<(channel + 1) * tap.plane])
    return order == .resizedThenRescaled ? rescaled(resized(values)) : resized(rescaled(values))
  }

  private func rescaled(_ values: [Float]) -> [Float] {
    var minimum = Float.infinity, maximum = -Float.infinity
    for value in values {
      minimum = value < minimum ? value : minimum
      maximum = value > maximum ? value : maximum
    }
    let factor = 1 / (maximum - minimum + Self.epsilon)
    return values.map { ($0 - minimum) * factor }
  }

  private func resized(_ values: [Float]) -> [Float] {
    let width = columns.lower.count, height = rows.lower.count
    // Along the columns, then along the rows.
    let wide = [Float](unsafeUninitializedCapacity: tap.height * width) { wide, count in
      for row in 0..<tap.height {
        for column in 0..<width {
          let low = values[row * tap.width + columns.lower[column]],
            high = values[row * tap.width + columns.upper[column]]
          wide[row * width + column] = low + (high - low) * columns.fraction[column]
        }
      }
      count = tap.height * width
    }
    return wide.withUnsafeBufferPointer { wide in
      [Float](unsafeUninitializedCapacity: height * width) { result, count in
        for row in 0..<height {
          let low = wide.baseAddress! + rows.lower[row] * width, high = wide.baseAddress! + rows.upper[row] * width
          let fraction = rows.fraction[row], target = result.baseAddress! + row * width
          for column in 0..<width { target[column] = low[column] + (high[column] - low[column]) * fraction }
        }
        count = height * width
      }
    }
  }
}

extension [Float] {
  /// exp(x) ⁄ Σ exp(x).
  var softmax: [Float] {
    let largest = self.max() ?? 0
    let powers = map { exp($0 - largest) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }
}
