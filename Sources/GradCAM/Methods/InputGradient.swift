/// Saliency: the largest |∂y ⁄ ∂x| of a pixel's channels.
///
/// Simonyan et al., Deep Inside Convolutional Networks: Visualising Image Classification Models and Saliency Maps, 2013.
struct InputGradient: CAMMethod {
  var summary: String { "gradient at the picture: where small changes matter most" }
  let scope = MapScope.network
  let isFineGrained = true

  func passCount(at tap: Tap) -> Int { 1 }

  func map(of tap: Tap, probe: Probe) throws -> HeatMap {
    let input = try probe.inputTap(isGuided: false)
    return input.map(
      (0..<input.plane).map { place in
        (0..<input.channels).reduce(0) { max($0, abs(input.gradient[$1 * input.plane + place])) }
      })
  }
}
