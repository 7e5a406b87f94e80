import Testing

@testable import GradCAM

@Suite struct CompatibilityTests {
  private let map = HeatMap(width: 2, height: 2, values: [-4, 1, 3, 2])
  private let same = PreprocessingGeometry(
    original: PixelSize(width: 2, height: 2), resized: PixelSize(width: 2, height: 2))

  @Test func bothRectifyAndScaleToOne() {
    let third = Float(1) / 3
    for compatibility in Compatibility.allCases {
      let drawn = compatibility.drawnMap(map, geometry: same)
      #expect(zip(drawn.values, [0, third, 1, 2 * third]).allSatisfy { abs($0 - $1) < 1e-6 }, "\(compatibility)")
    }
  }

  @Test func theMinimumIsTakenAway() {
    let positive = HeatMap(width: 2, height: 1, values: [1, 4])
    let geometry = PreprocessingGeometry(
      original: PixelSize(width: 2, height: 1), resized: PixelSize(width: 2, height: 1))
    for compatibility in Compatibility.allCases {
      let drawn = compatibility.drawnMap(positive, geometry: geometry).values
      #expect(zip(drawn, [0, 1]).allSatisfy { abs($0 - $1) < 1e-6 })
    }
  }

  /// Upsampling from 3 to 8 puts no pixel on a lone peak; the rescaling behind it brings back 1.
  @Test func aLonePeakEndsAtOne() {
    var values = [Float](repeating: 0, count: 9)
    values[4] = 7
    let geometry = PreprocessingGeometry(
      original: PixelSize(width: 8, height: 8), resized: PixelSize(width: 8, height: 8))
    for compatibility in Compatibility.allCases {
      let drawn = compatibility.drawnMap(HeatMap(width: 3, height: 3, values: values), geometry: geometry)
      #expect((drawn.width, drawn.height) == (8, 8))
      #expect(abs((drawn.values.max() ?? 0) - 1) < 1e-6)
    }
  }

  @Test func aMapWithoutContentStaysZero() {
    for compatibility in Compatibility.allCases {
      let drawn = compatibility.drawnMap(HeatMap(width: 2, height: 2, values: [-1, -2, -3, 0]), geometry: same)
      #expect(drawn.values == [0, 0, 0, 0])
    }
  }

  @Test func onlyTheRecipeDrawsAtTheInputsSize() {
    let geometry = PreprocessingGeometry(
      original: PixelSize(width: 20, height: 10), resized: PixelSize(width: 8, height: 4),
      crop: PixelRectangle(x: 2, y: 0, width: 4, height: 4))
    let recipe = Compatibility.recipe.drawnMap(map, geometry: geometry)
    let peers = Compatibility.pytorchGradCAM.drawnMap(map, geometry: geometry)
    #expect((recipe.width, recipe.height) == (4, 4))
    #expect((peers.width, peers.height) == (20, 10))
    #expect(peers.values[0] == 0 && peers.values[19] == 0)
  }
}
