/// Gradient × input: x · ∂y ⁄ ∂x, summed over channels.
///
/// Shrikumar et al., Not Just a Black Box: Learning Important Features Through Propagating Activation Differences, 2016.
struct GradientTimesInput: CAMMethod {
  var summary: String { "gradient at the picture times the picture" }
  let scope = MapScope.network
  let isFineGrained = true

  func passCount(at tap: Tap) -> Int { 1 }

  func map(of tap: Tap, probe: Probe) throws -> HeatMap { try probe.inputTap(isGuided: false).sum(*) }
}
