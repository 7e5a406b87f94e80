import Graph

/// RISE's masks of the network's input, in 0 … 1: always the same for a number.
///
/// Each of odd number is the opposite of the one before, which is as probable: so what the scores of all masks have in
/// common adds no noise to their sum.
struct RandomMasks {
  /// The probability that a cell is kept.
  static let kept: Float = 0.5
  /// The number of cells along each axis.
  private static let cells = 7

  let size: PixelSize

  subscript(_ index: Int) -> [Float] {
    var generator = SplitMix64(seed: UInt64(index / 2))
    let isOpposite = index % 2 == 1
    let count = size.extents.reduce(1) { count, _ in count * Self.cells }
    let grid = (0..<count).map { _ -> Float in
      (Float.random(in: 0..<1, using: &generator) < Self.kept) != isOpposite ? 1 : 0
    }
    let axes = size.extents.map { extent in
      let cell = (extent + Self.cells - 1) / Self.cells, shift = Int.random(in: 0..<cell, using: &generator)
      // The grid is enlarged to one cell more than the input has, of which a part is cut out.
      let scale = Double(Self.cells) / Double((Self.cells + 1) * cell)
      return LinearTaps(from: Self.cells, to: extent, covered: 0..<extent) { (Double($0 + shift) + 0.5) * scale }
    }
    return HeatMap(PixelSize(extents: size.extents.map { _ in Self.cells }), values: grid).resampled(axes).values
  }

  /// The mean of masks, weighted by scores: Σ s m ⁄ (count · p).
  ///
  /// - Parameters:
  ///   - baseline: replaces what a mask takes away.
  ///   - scores: gives the scores of the inputs that the change makes.
  static func map(
    count: Int, of probe: Probe, baseline: Baseline,
    scores: (_ change: (_ index: Int, UnsafeMutableBufferPointer<Float>) -> Void) throws -> [Float]
  ) throws -> HeatMap {
    let image = probe.inputPlanes, baseline = try probe.planes(of: baseline)[0]
    let masks = RandomMasks(size: probe.inputSize)
    let scores = try scores { index, input in
      let mask = masks[index]
      let changed = zip(image, baseline).map { plane, nothing in
        plane.indices.map { nothing[$0] + mask[$0] * (plane[$0] - nothing[$0]) }
      }
      probe.setInput(input, to: changed)
    }
    var sum = [Float](repeating: 0, count: probe.inputSize.count)
    for (index, score) in scores.enumerated() {
      let mask = masks[index]
      for place in sum.indices { sum[place] += score * mask[place] }
    }
    return HeatMap(probe.inputSize, values: sum.map { $0 / (Float(count) * kept) })
  }
}
