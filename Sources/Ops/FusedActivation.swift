import CKernels

/// A function of every element that a convolution or product applies to its result, where it is no clamp.
struct FusedActivation: Sendable {
  private let forward: UnaryLoop
  private let parameters: unary_parameters

  /// The activation that a function is.
  init(_ function: Unary) {
    forward = function.forward
    parameters = function.parameters
  }

  /// Replaces neighbouring elements by their function values.
  func apply(_ values: UnsafeMutablePointer<Float>, count: Int) { forward(values, values, count, parameters) }
}
