/// The channels of a feature map as masks of the network's input, in 0 … 1.
struct ChannelMasks {
  /// The order of the two steps.
  enum Order {
    /// Resized with aligned corners, then rescaled.
    case resizedThenRescaled
    /// Rescaled, then resized with aligned edges.
    case rescaledThenResized
  }

  private let tap: Tap
  private let axes: [LinearTaps]
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
    let extents = [tap.size.depth, tap.height, tap.width].suffix(size.rank)
    axes = zip(extents, size.extents).map(taps)
  }

  subscript(_ channel: Int) -> [Float] {
    let map = tap.map(Array(tap.activation[channel * tap.plane..<(channel + 1) * tap.plane]))
    return switch order {
    case .resizedThenRescaled:
      map.resampled(axes).rescaled(epsilon: Self.epsilon).values
    case .rescaledThenResized:
      map.rescaled(epsilon: Self.epsilon).resampled(axes).values
    }
  }
}
