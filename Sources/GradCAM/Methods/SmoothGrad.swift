/// SmoothGrad and VarGrad: mean and variance of ∂y ⁄ ∂x over pictures with noise, summed over channels.
///
/// The noise is normal; its deviation is 15% of the range of the network's input. Smilkov et al., SmoothGrad: removing
/// noise by adding noise, 2017; Adebayo et al., Local Explanation Methods for Deep Neural Networks Lack Sensitivity to
/// Parameter Values, 2018.
struct SmoothGrad: CAMMethod {
  /// What is computed of each gradient's draws.
  enum Statistic { case mean, variance }

  let statistic: Statistic
  let scope = MapScope.network
  let isFineGrained = true
  var draws = MethodSettings().steps
  private static let deviation: Float = 0.15

  init(_ statistic: Statistic) { self.statistic = statistic }

  var summary: String {
    statistic == .mean ? "mean gradient of noisy pictures" : "variance of the gradient of noisy pictures"
  }

  func configured(by settings: MethodSettings) -> any CAMMethod {
    var method = self
    method.draws = settings.steps
    return method
  }

  func passCount(at tap: Tap) -> Int { draws }

  func map(of tap: Tap, probe: Probe) throws -> HeatMap {
    let planes = probe.inputPlanes
    let range = planes.map { $0.max()! }.max()! - planes.map { $0.min()! }.min()!
    // Welford's sums: differences of large sums of squares would lose all digits.
    var mean = [Float](repeating: 0, count: planes.count * planes[0].count), squares = mean
    try probe.gradients(ofInputs: draws) { draw, input in
      var noise = NormalNoise(seed: UInt64(draw))
      for index in input.indices { input[index] += Self.deviation * range * noise.next() }
    } receive: { draw, found in
      for index in found.indices {
        let difference = found[index] - mean[index]
        mean[index] += difference / Float(draw + 1)
        squares[index] += difference * (found[index] - mean[index])
      }
    }
    let found = statistic == .mean ? mean : squares.map { $0 / Float(draws) }
    return Tap(channels: planes.count, size: probe.inputSize, activation: found, gradient: found).sum { $1 }
  }
}
