import Graph

/// What a method sees of the tap: activation and gradient of one image, channels first.
public struct Tap: Sendable {
  /// The number of channels.
  public let channels: Int
  /// The height of the feature map.
  public let height: Int
  /// The width of the feature map.
  public let width: Int
  /// A, of shape (channels, height, width).
  public let activation: [Float]
  /// ∂y ⁄ ∂A, of the same shape.
  public let gradient: [Float]

  /// Creates a tap; both arrays hold channels × height × width numbers.
  public init(channels: Int, height: Int, width: Int, activation: [Float], gradient: [Float]) {
    precondition(activation.count == channels * height * width && gradient.count == activation.count)
    self.channels = channels
    self.height = height
    self.width = width
    self.activation = activation
    self.gradient = gradient
  }

  /// Σ over channels of weight × activation.
  public func weightedSum(_ weights: [Float]) -> HeatMap {
    let plane = height * width
    var sum = [Float](repeating: 0, count: plane)
    activation.withUnsafeBufferPointer { activation in
      sum.withUnsafeMutableBufferPointer { sum in
        for channel in 0..<channels where weights[channel] != 0 {
          let weight = weights[channel], values = activation.baseAddress! + channel * plane
          for index in 0..<plane { sum[index] += weight * values[index] }
        }
      }
    }
    return HeatMap(width: width, height: height, values: sum)
  }

  /// The mean of the gradient over each channel's positions.
  public var meanGradient: [Float] {
    let plane = height * width
    return gradient.withUnsafeBytes { gradient in
      (0..<channels).map { channel in
        // Eight sums at a time, which a processor adds at once.
        var sums = SIMD8<Float>(), rest: Float = 0
        let bytes = UnsafeRawBufferPointer(rebasing: gradient[channel * plane * 4..<(channel + 1) * plane * 4])
        for index in 0..<plane / 8 { sums += bytes.loadUnaligned(fromByteOffset: index * 32, as: SIMD8<Float>.self) }
        for index in plane / 8 * 8..<plane { rest += bytes.loadUnaligned(fromByteOffset: index * 4, as: Float.self) }
        return (sums.sum() + rest) / Float(plane)
      }
    }
  }
}

/// One way to make a map from a tap.
public protocol CAMMethod: Sendable {
  /// The map before rectification, at the feature map's own size.
  func map(of tap: Tap) throws -> HeatMap
}

/// The table of methods.
public enum CAMMethods {
  /// Every method by the name that `--method` takes, in the order of help texts.
  public static let all: [(name: String, method: any CAMMethod)] = [
    ("gradcam", MeanGradientWeighting()),
    ("random", RandomWeighting()),
  ]

  /// The method of a name.
  ///
  /// Throws `usage` listing the names.
  public static func named(_ name: String) throws -> any CAMMethod {
    guard let entry = all.first(where: { $0.name == name }) else {
      throw GradCAMError(
        .usage, at: "--method \(name)", problem: "is not a method",
        advice: "known are \(all.map(\.name).joined(separator: ", "))")
    }
    return entry.method
  }
}
