import Ops

/// The first principal component of a feature map, with positions as samples and channels as variables.
struct PrincipalComponent {
  private let tap: Tap
  /// The component's value at every position.
  let scores: [Double]

  /// - Parameter values: of the tap's shape; NaN counts as 0.
  init(of values: [Float], _ tap: Tap) throws {
    self.tap = tap
    let matrix = CenteredMatrix(values, channels: tap.channels, plane: tap.plane)
    // The eigenvector of the smaller of the two products of the matrix with itself gives the other's.
    if tap.plane <= tap.channels {
      let (value, vector) = try largestEigenpair(of: matrix.product(overChannels: true), size: tap.plane)
      scores = vector.map { $0 * max(value, 0).squareRoot() }
    } else {
      let (_, vector) = try largestEigenpair(of: matrix.product(overChannels: false), size: tap.channels)
      scores = matrix.times(vector)
    }
  }

  /// The component as a map, with the sign that correlates with another map.
  func map(like other: HeatMap) -> HeatMap {
    let mean = other.values.reduce(0) { $0 + Double($1) } / Double(other.values.count)
    let correlation = zip(scores, other.values).reduce(0) { $0 + $1.0 * (Double($1.1) - mean) }
    return map(sign: correlation < 0 ? -1 : 1)
  }

  func map(sign: Double) -> HeatMap {
    tap.map(scores.map { Float(sign * $0) })
  }
}

/// Positions × channels, each channel's mean subtracted.
struct CenteredMatrix {
  private let channels, plane: Int
  /// Channel by channel.
  private let values: [Double]

  init(_ values: [Float], channels: Int, plane: Int) {
    self.channels = channels
    self.plane = plane
    var centered = values.map { $0.isNaN ? 0 : Double($0) }
    for channel in 0..<channels {
      let range = channel * plane..<(channel + 1) * plane
      let mean = centered[range].reduce(0, +) / Double(plane)
      for index in range { centered[index] -= mean }
    }
    self.values = centered
  }

  /// M·Mᵀ, positions × positions, or Mᵀ·M, channels × channels.
  func product(overChannels: Bool) -> [Double] {
    gramMatrix(of: values, rows: channels, columns: plane, overRows: overChannels)
  }

  /// M·v.
  func times(_ vector: [Double]) -> [Double] {
    var result = [Double](repeating: 0, count: plane)
    for channel in 0..<channels {
      for position in 0..<plane { result[position] += vector[channel] * values[channel * plane + position] }
    }
    return result
  }
}
