/// What follows a convolution while its result is still in cache: a bias for each channel, then a clamp.
struct Epilogue: @unchecked Sendable {
  /// One number a channel, nil for none.
  var bias: UnsafePointer<Float>?
  var clamp = Clamp.none

  static let none = Epilogue()
}

/// A range that results are held in; of a fused Relu it is 0 to infinity.
struct Clamp: Equatable, Sendable {
  var low = -Float.infinity
  var high = Float.infinity

  static let none = Clamp()
}
