/// What a method sees of a node: activation and gradient of one image, channels first.
public struct Tap: Sendable {
  /// The number of channels.
  public let channels: Int
  /// The extents of the feature map.
  public let size: PixelSize
  /// The height of the feature map; 1 for a signal's.
  public var height: Int { size.height }
  /// The width of the feature map; for a signal's, the number of its places.
  public var width: Int { size.width }
  /// A, of shape (channels, height, width), or channels and the extents of a signal or volume.
  public let activation: [Float]
  /// g = ∂y ⁄ ∂A, of the same shape.
  public let gradient: [Float]

  /// Creates a tap; both arrays hold channels × height × width numbers.
  public init(channels: Int, height: Int, width: Int, activation: [Float], gradient: [Float]) {
    self.init(
      channels: channels, size: PixelSize(width: width, height: height), activation: activation, gradient: gradient)
  }

  /// Creates a tap; both arrays hold as many numbers as channels × places.
  public init(channels: Int, size: PixelSize, activation: [Float], gradient: [Float]) {
    precondition(activation.count == channels * size.count && gradient.count == activation.count)
    self.channels = channels
    self.size = size
    plane = size.count
    self.activation = activation
    self.gradient = gradient
  }

  /// The number of positions of a channel.
  public let plane: Int

  /// A map of the feature map's extents.
  ///
  /// - Precondition: there are as many values as positions.
  public func map(_ values: [Float]) -> HeatMap { HeatMap(size, values: values) }

  /// Σ over channels of weight × activation.
  ///
  /// - Parameter weights: one for each channel, or one for each activation.
  public func weightedSum(_ weights: [Float]) -> HeatMap {
    var sum = [Float](repeating: 0, count: plane)
    guard weights.count == channels else {
      for index in activation.indices { sum[index % plane] += weights[index] * activation[index] }
      return map(sum)
    }
    activation.withUnsafeBufferPointer { activation in
      sum.withUnsafeMutableBufferPointer { sum in
        for channel in 0..<channels where weights[channel] != 0 {
          let weight = weights[channel], values = activation.baseAddress! + channel * plane
          for index in 0..<plane { sum[index] += weight * values[index] }
        }
      }
    }
    return map(sum)
  }

  /// Σ over channels of a term for each activation and its gradient.
  public func sum(_ term: (_ activation: Float, _ gradient: Float) -> Float) -> HeatMap {
    var sum = [Float](repeating: 0, count: plane)
    for index in activation.indices { sum[index % plane] += term(activation[index], gradient[index]) }
    return map(sum)
  }

  /// A weight for each channel, from its activations and gradients.
  public func byChannel(_ weight: (_ activation: ArraySlice<Float>, _ gradient: ArraySlice<Float>) -> Float) -> [Float]
  {
    (0..<channels).map { channel in
      let range = channel * plane..<(channel + 1) * plane
      return weight(activation[range], gradient[range])
    }
  }

  /// The mean of the gradient over each channel's positions.
  public var meanGradient: [Float] {
    gradient.withUnsafeBytes { gradient in
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
