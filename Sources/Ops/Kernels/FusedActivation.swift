import CKernels

/// An elementwise function, other than a clamp, that a convolution or product applies to its result.
struct FusedActivation: Sendable {
  private let forward: UnaryLoop
  private let parameters: unary_parameters

  init(_ function: Unary) {
    forward = function.forward
    parameters = function.parameters
  }

  /// Applies the function to contiguous elements, in place.
  func apply(_ values: UnsafeMutablePointer<Float>, count: Int) { forward(values, values, count, parameters) }
}
