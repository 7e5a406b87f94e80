/// Grad-CAM++: channels weighted by the positive gradients, each times its share α = g² ⁄ (2g² + g³ Σ A + ε).
///
/// Chattopadhay et al., Grad-CAM++: Improved Visual Explanations for Deep Convolutional Networks, 2018; ε and the zeros
/// of α where g = 0 are pytorch-grad-cam's. TorchCAM 0.5 computes the same share but discards it: its α is g².
struct GradCAMPlusPlus: TapWeightingMethod {
  var summary: String { "channels weighted by their gradients above 0" }
  /// Whether α is a share, as in the paper.
  var divides = true

  func following(_ source: Compatibility) -> any CAMMethod { GradCAMPlusPlus(divides: source != .torchcam) }

  func weights(of tap: Tap) -> [Float] {
    tap.byChannel { activation, gradient in
      let total = activation.reduce(0, +)
      return gradient.reduce(0) { sum, g in
        guard g > 0 else { return sum }
        return sum + g * (g * g / (divides ? 2 * g * g + total * g * g * g + 1e-6 : 1))
      }
    }
  }
}
