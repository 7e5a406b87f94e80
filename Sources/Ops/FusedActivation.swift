import CKernels
import Graph

/// A function of every element that a convolution or product applies to its result, where it is no clamp.
struct FusedActivation: Sendable {
  private let name: String
  private let forward: UnaryLoop
  private let parameters: unary_parameters

  private init(_ name: String, _ forward: @escaping UnaryLoop, alpha: Float = 0) {
    self.name = name
    self.forward = forward
    parameters = unary_parameters(alpha: alpha, beta: 0, gamma: 0)
  }

  /// The activation of a name, as the attributes of a fused node have it; nil for any other.
  init?(_ name: String, _ parameters: [Float]) {
    switch (name, parameters.count) {
    case ("HardSwish", 0): self.init(name, hard_swish_forward)
    case ("Gelu", 0): self.init(name, gelu_forward)
    case ("FastGelu", 0): self.init(name, gelu_tanh_forward)
    case ("QuickGelu", 1): self.init(name, swish_forward, alpha: parameters[0])
    default: return nil
    }
  }

  /// The activation that a node is; nil for any other.
  init?(_ node: Node) {
    switch node.operatorName {
    case OperatorName(type: "HardSwish"): self.init("HardSwish", [])
    case OperatorName(type: "Gelu"):
      guard case .string(let approximation) = node.attributes["approximate"] ?? .string("none") else { return nil }
      self.init(approximation == "tanh" ? "FastGelu" : "Gelu", [])
    case OperatorName(domain: "com.microsoft", type: "Gelu"), OperatorName(domain: "com.microsoft", type: "FastGelu"):
      guard node.inputs.compactMap({ $0 }).count == 1 else { return nil }
      self.init(node.operatorName.type, [])
    case OperatorName(domain: "com.microsoft", type: "QuickGelu"):
      guard case .float(let alpha)? = node.attributes["alpha"] else { return nil }
      self.init("QuickGelu", [alpha])
    default: return nil
    }
  }

  /// The attributes of a fused node.
  var attributes: [String: Attribute] {
    ["activation": .string(name)]
      .merging(name == "QuickGelu" ? ["activation_params": .floats([parameters.alpha])] : [:]) { own, _ in own }
  }

  /// Replaces neighbouring elements by their function values.
  func apply(_ values: UnsafeMutablePointer<Float>, count: Int) { forward(values, values, count, parameters) }
}
