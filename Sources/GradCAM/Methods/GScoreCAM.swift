/// gScoreCAM: Score-CAM of the 300 channels whose mean gradient is largest.
///
/// Chen et al., gScoreCAM: What objects is CLIP looking at?, 2022.
struct GScoreCAM: WeightingMethod {
  var summary: String { "as scorecam, of the 300 channels with the largest mean gradient" }
  var largestCount = 300

  func passCount(at tap: Tap) -> Int { min(tap.channels, largestCount) }

  func weighting(of tap: Tap, probe: Probe) throws -> Weighting {
    let masks = ChannelMasks(tap, size: probe.inputSize, order: .resizedThenRescaled), gradient = tap.meanGradient
    let channels = gradient.indices.sorted { (gradient[$1], $0) < (gradient[$0], $1) }.prefix(largestCount)
    let scores = try probe.scores(ofInputs: channels.count) { index, input in
      probe.multiplyInput(input, by: masks[channels[index]])
    }
    var weights = [Float](repeating: 0, count: tap.channels)
    for (channel, weight) in zip(channels, scores.softmax) { weights[channel] = weight }
    return Weighting(tap, weights: weights)
  }
}
