/// CAM: channels weighted as the network's last linear layer weights them for the class, if the network ends in global
/// average pooling and one linear layer.
///
/// Zhou et al., Learning Deep Features for Discriminative Localization, 2016. TorchCAM keeps negative values.
struct ClassActivationMapping: WeightingMethod {
  var summary: String { "channels weighted as the last layer weights them after global average pooling" }
  var isRectified = true

  func following(_ source: Compatibility) -> any CAMMethod { ClassActivationMapping(isRectified: source != .torchcam) }

  func weighting(of tap: Tap, probe: Probe) throws -> Weighting {
    Weighting(tap, weights: try probe.classifierWeights(channels: tap.channels))
  }
}
