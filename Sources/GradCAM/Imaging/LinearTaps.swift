/// For each output position along one axis, two input positions and how far it lies between them: linear
/// interpolation between pixel centres, clamped at the edges.
struct LinearTaps {
  private(set) var lower: [Int] = []
  private(set) var upper: [Int] = []
  private(set) var fraction: [Float] = []
  /// The output positions that the input covers.
  let covered: Range<Int>

  /// The input covers the whole output.
  init(from inputCount: Int, to outputCount: Int) {
    let scale = 1 / (Double(outputCount) / Double(inputCount))
    self.init(from: inputCount, to: outputCount, covered: 0..<outputCount) { (Double($0) + 0.5) * scale }
  }

  /// `place` maps an output position to the input, counted there from the edge of the first pixel.
  init(from inputCount: Int, to outputCount: Int, covered: Range<Int>, place: (Int) -> Double) {
    self.covered = covered
    for output in 0..<outputCount {
      let center = min(max(place(output) - 0.5, 0), Double(inputCount - 1))
      lower.append(Int(center))
      upper.append(min(Int(center) + 1, inputCount - 1))
      fraction.append(Float(center - center.rounded(.down)))
    }
  }
}
