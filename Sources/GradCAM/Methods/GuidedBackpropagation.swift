/// Guided backpropagation: the gradient at the network's input with negative gradients blocked at every rectifier,
/// summed over colours.
///
/// Rectifiers are Relu, alone or fused, and Clip at 0 without an upper bound; other activations keep their derivative.
/// Springenberg et al., Striving for Simplicity: The All Convolutional Net, 2015.
struct GuidedBackpropagation: CAMMethod {
  var summary: String { "the gradient at the picture, stopped below 0 at every Relu, for the whole network" }
  let scope = MapScope.network

  func passCount(at tap: Tap) -> Int { 1 }

  func map(of tap: Tap, probe: Probe) throws -> HeatMap {
    try probe.inputTap(isGuided: true).sum { _, gradient in gradient }
  }
}

/// Guided Grad-CAM: guided backpropagation times the Grad-CAM map, rescaled and resized to the network's input.
///
/// Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization, 2017.
struct GuidedGradCAM: CAMMethod {
  var summary: String { "gradcam times guided-backprop" }
  func passCount(at tap: Tap) -> Int { 1 }

  func map(of tap: Tap, probe: Probe) throws -> HeatMap {
    let gradient = try GuidedBackpropagation().map(of: tap, probe: probe)
    let map = GradCAMMethod().map(of: tap).covering(probe.inputSize)
    return HeatMap(gradient.size, values: zip(gradient.values, map.values).map { $0 * $1 })
  }
}

extension HeatMap {
  /// The map in 0 … 1 over an input of a size, as pytorch-grad-cam returns it.
  func covering(_ size: PixelSize) -> HeatMap {
    normalized().resized(to: size).rescaled()
  }
}
