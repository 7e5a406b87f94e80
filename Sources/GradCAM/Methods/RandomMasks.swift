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
}
