/// Smooth Grad-CAM++: channels weighted by the positive gradients, each times the share α = D₂ ⁄ (2 D₂ + Σ D₃ A + ε) of
/// its position, where D₂ and D₃ are the means of g² and g³ over 4 inputs with noise from N(0, 0.3).
///
/// A in this sum is the image's; the gradients and activations weighted are those of the last such input. Omeiza et
/// al., Smooth Grad-CAM++: An Enhanced Inference Level Visualization Technique for Deep Convolutional Neural Network
/// Models, 2019, as in TorchCAM.
struct SmoothGradCAMPlusPlus: WeightingMethod {
  var summary: String { "as gradcam++, averaged over noisy pictures" }
  private static let sampleCount = 4
  private static let deviation: Float = 0.3
  private static let epsilon: Float = 1e-8

  func passCount(at tap: Tap) -> Int { Self.sampleCount }

  func weighting(of tap: Tap, probe: Probe) throws -> Weighting {
    let samples = try (0..<Self.sampleCount).map { sample in
      try probe.tap { input in
        var noise = NormalNoise(seed: UInt64(sample))
        for index in input.indices { input[index] += Self.deviation * noise.next() }
      }
    }
    func mean(_ power: (Float) -> Float, _ index: Int) -> Float {
      samples.reduce(0) { $0 + power($1.gradient[index]) } / Float(Self.sampleCount)
    }
    let last = samples[Self.sampleCount - 1]
    let weights = (0..<tap.channels).map { channel -> Float in
      let positions = channel * tap.plane..<(channel + 1) * tap.plane
      let total = positions.reduce(0) { $0 + mean({ $0 * $0 * $0 }, $1) * tap.activation[$1] }
      return positions.reduce(0) { sum, index in
        let second = mean({ $0 * $0 }, index)
        return sum + second / (2 * second + total + Self.epsilon) * max(last.gradient[index], 0)
      }
    }
    return Weighting(last, weights: weights)
  }
}
