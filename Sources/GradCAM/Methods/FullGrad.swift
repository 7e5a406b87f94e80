/// FullGrad: what the input and every bias contribute to the score, |x·∂y⁄∂x| and |b·∂y⁄∂b|, each channel rescaled to
/// 0 … 1 and resized to the input, and all summed.
///
/// Srinivas and Fleuret, Full-Gradient Representation for Neural Network Visualization, 2019; rescaling by channel as
/// in pytorch-grad-cam.
struct FullGrad: CAMMethod {
  var summary: String { "contributions of the picture and of all biases, for the whole network" }
  let scope = MapScope.network

  func passCount(at tap: Tap) -> Int { 1 }

  func map(of tap: Tap, probe: Probe) throws -> HeatMap {
    let size = probe.inputSize
    var sum = [Float](repeating: 0, count: size.count)
    for tap in try probe.inputAndBiasTaps() {
      // Resizing is linear: the sum over channels is resized once.
      let contribution = Self.contribution(of: tap).resized(to: size)
      for index in sum.indices { sum[index] += contribution.values[index] }
    }
    return HeatMap(size, values: sum)
  }

  private static func contribution(of tap: Tap) -> HeatMap {
    var sum = [Float](repeating: 0, count: tap.plane)
    for channel in 0..<tap.channels {
      let range = channel * tap.plane..<(channel + 1) * tap.plane
      let products = zip(tap.activation[range], tap.gradient[range]).map { abs($0 * $1) }
      let rescaled = tap.map(products).rescaled()
      for index in sum.indices { sum[index] += rescaled.values[index] }
    }
    return tap.map(sum)
  }
}
