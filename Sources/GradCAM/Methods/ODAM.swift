/// ODAM: every activation weighted by its own gradient, smoothed over neighbouring positions.
///
/// Zhao and Chan, ODAM: Gradient-based instance-specific visual explanations for object detection, 2023. The score of a
/// box depends on few positions of a feature map, so that a mean of the gradient over all of them says little about the
/// place. The paper smooths the gradient by a Gaussian, its published code does not; here σ is 1 ⁄ 40 of each of the
/// map's extents, cut off at 3 σ.
struct ODAM: TapWeightingMethod {
  var summary: String { "each activation times its own smoothed gradient, for single boxes" }

  func weights(of tap: Tap) -> [Float] {
    let blur = GaussianBlur(
      tap.size.extents.map {
        let deviation = Double($0) / 40
        return GaussianBlur.Window(deviation: deviation, radius: Int(3 * deviation))
      })
    return (0..<tap.channels).flatMap { channel in
      blur.blurred(tap.gradient[channel * tap.plane..<(channel + 1) * tap.plane], tap.size)
    }
  }
}
