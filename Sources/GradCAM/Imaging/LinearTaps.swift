/// For each output position along one axis, two input positions and their weights: linear interpolation between
/// pixel centres, the edges held.
struct LinearTaps {
  private(set) var lower: [Int] = []
  private(set) var upper: [Int] = []
  private(set) var lowerWeight: [Float] = []
  private(set) var upperWeight: [Float] = []

  /// The input covers `outputCount` positions whole.
  init(from inputCount: Int, to outputCount: Int) {
    let scale = 1 / (Double(outputCount) / Double(inputCount))
    self.init(from: inputCount, to: outputCount) { ($0 + 0.5) * scale }
  }

  /// The input position is `place(output)`, counted from the edge of the first input pixel; where `isInside` says no,
  /// both weights are 0.
  init(
    from inputCount: Int, to outputCount: Int, isInside: (Double) -> Bool = { _ in true },
    place: (Double) -> Double
  ) {
    for output in 0..<outputCount {
      // In Float and by this order of steps, as OpenCV has it.
      let center = Float(place(Double(output)) - 0.5)
      let clamped = min(max(center, 0), Float(inputCount - 1))
      let left = min(Int(clamped), inputCount - 1)
      let fraction = clamped - Float(left)
      let weight: Float = isInside(Double(output)) ? 1 : 0
      lower.append(left)
      upper.append(min(left + 1, inputCount - 1))
      lowerWeight.append(weight * (1 - fraction))
      upperWeight.append(weight * fraction)
    }
  }
}
