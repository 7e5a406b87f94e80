import CKernels

/// Operations on the result of a product or a convolution while it is still in cache: adding a bias for each row or
/// channel, adding another tensor of the same shape, then a clamp or another activation.
struct Epilogue: @unchecked Sendable {
  /// One number per channel, nil for none.
  var bias: UnsafePointer<Float>?
  /// Laid out like the result, nil for none.
  var residual: UnsafePointer<Float>?
  /// Whether the residual is one row, added to every row of the result.
  var residualIsRow = false
  var clamp = Clamp.none
  var activation: FusedActivation?

  static let none = Epilogue()

  /// The epilogue for a part of the result that starts `count` elements later, in the same channel.
  func advanced(by count: Int) -> Epilogue {
    var part = self
    part.residual = residual.map { $0 + count }
    return part
  }

  /// The epilogue for a part of the result that starts a number of channels later, each of `plane` elements.
  func advanced(channels: Int, plane: Int) -> Epilogue {
    Epilogue(
      bias: bias.map { $0 + channels }, residual: residual.map { $0 + channels * plane }, clamp: clamp,
      activation: activation)
  }

  /// Applies the activation to a part of the result with a row stride of `leading`, after everything else.
  func activate(_ part: UnsafeMutablePointer<Float>, rows: Int, columns: Int, leading: Int) {
    guard let activation else { return }
    if columns == leading {
      activation.apply(part, count: rows * columns)
    } else {
      for row in 0..<rows { activation.apply(part + row * leading, count: columns) }
    }
  }

  /// All but the activation, in the form that the kernels take, for a result with a row stride of `leading`.
  func tile(leading: Int) -> tile_epilogue {
    tile_epilogue(
      accumulate: 0, bias: bias, residual: residual, residual_leading: residualIsRow ? 0 : Int64(leading),
      low: clamp.low, high: clamp.high)
  }
}

/// A range that results are clamped to; for a fused Relu, it is 0 to infinity.
struct Clamp: Equatable, Sendable {
  var low = -Float.infinity
  var high = Float.infinity

  static let none = Clamp()

  static let rectifier = Clamp(low: 0)
}
