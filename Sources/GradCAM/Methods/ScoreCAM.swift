/// Score-CAM: channels weighted by the score of the input masked by them, after a softmax over channels.
///
/// Wang et al., Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural Networks, 2020; masks are
/// resized corner to corner before they are rescaled, as in pytorch-grad-cam. TorchCAM rescales them first and resizes
/// them edge to edge.
struct ScoreCAM: WeightingMethod {
  var summary: String { "channels weighted by the score of the picture that they leave visible" }
  var order = ChannelMasks.Order.resizedThenRescaled

  func following(_ source: Compatibility) -> any CAMMethod {
    ScoreCAM(order: source == .torchcam ? .rescaledThenResized : .resizedThenRescaled)
  }

  func passCount(at tap: Tap) -> Int { tap.channels }

  func weighting(of tap: Tap, probe: Probe) throws -> Weighting {
    let masks = ChannelMasks(tap, size: probe.inputSize, order: order)
    let scores = try probe.scores(ofInputs: passCount(at: tap)) { channel, input in
      probe.multiplyInput(input, by: masks[channel])
    }
    return Weighting(tap, weights: scores.softmax)
  }
}

/// SS-CAM: Score-CAM with noise on the masks; the scores are means over 35 draws from N(0, 2).
///
/// Wang et al., SS-CAM: Smoothed Score-CAM for Sharper Visual Feature Localization, 2020, as in TorchCAM.
struct SmoothedScoreCAM: WeightingMethod {
  var summary: String { "as scorecam, averaged over noise" }
  private static let sampleCount = 35
  private static let deviation: Float = 2

  func passCount(at tap: Tap) -> Int { Self.sampleCount * tap.channels }

  func weighting(of tap: Tap, probe: Probe) throws -> Weighting {
    let masks = ChannelMasks(tap, size: probe.inputSize, order: .rescaledThenResized)
    let scores = try probe.scores(ofInputs: passCount(at: tap)) { index, input in
      var noise = NormalNoise(seed: UInt64(index))
      let mask = masks[index % tap.channels].map { $0 + Self.deviation * noise.next() }
      probe.multiplyInput(input, by: mask)
    }
    return Weighting(tap, weights: scores.means(count: tap.channels).softmax)
  }
}

/// IS-CAM: Score-CAM whose scores are means over 10 inputs that grow from a tenth of the masked input; the i-th is
/// Σ_{j ≤ i} j ⁄ 10 of it.
///
/// Naidu et al., IS-CAM: Integrated Score-CAM for axiomatic-based explanations, 2020, as in TorchCAM.
struct IntegratedScoreCAM: WeightingMethod {
  var summary: String { "as scorecam, averaged from a dark picture to the whole one" }
  private static let sampleCount = 10

  func passCount(at tap: Tap) -> Int { Self.sampleCount * tap.channels }

  func weighting(of tap: Tap, probe: Probe) throws -> Weighting {
    let masks = ChannelMasks(tap, size: probe.inputSize, order: .rescaledThenResized)
    let scores = try probe.scores(ofInputs: passCount(at: tap)) { index, input in
      let step = index / tap.channels + 1
      let share = Float(step * (step + 1)) / Float(2 * Self.sampleCount)
      probe.multiplyInput(input, by: masks[index % tap.channels].map { share * $0 })
    }
    return Weighting(tap, weights: scores.means(count: tap.channels).softmax)
  }
}

extension [Float] {
  /// The means over every `count`-th number.
  fileprivate func means(count: Int) -> [Float] {
    (0..<count).map { first in
      stride(from: first, to: self.count, by: count).reduce(0) { $0 + self[$1] } / Float(self.count / count)
    }
  }
}
