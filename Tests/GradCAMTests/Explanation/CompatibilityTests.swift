import TestSupport
import Testing

@testable import GradCAM

@Suite struct CompatibilityTests {
  private let map = HeatMap(width: 2, height: 2, values: [-4, 1, 3, 2])
  private let same = PreprocessingGeometry(
    original: PixelSize(width: 2, height: 2), resized: PixelSize(width: 2, height: 2))

  @Test func allButCaptumRectifyAndScaleToOne() {
    let third = Float(1) / 3
    for compatibility in Compatibility.allCases where compatibility != .captum {
      let drawn = compatibility.drawnMap(map, geometry: same)
      expectClose(drawn.values, [0, third, 1, 2 * third], within: 1e-6, "\(compatibility)")
    }
  }

  /// Of the sizes 1, 2, 3 and 4, 4 alone holds more than 2% of the sum.
  @Test func captumShowsSizes() {
    #expect(Compatibility.captum.drawnMap(map, geometry: same).values == [1, 0.25, 0.75, 0.5])
    let peak = HeatMap(width: 101, height: 1, values: [2] + [Float](repeating: -1, count: 100))
    let size = PixelSize(width: 101, height: 1)
    let drawn = Compatibility.captum.drawnMap(peak, geometry: PreprocessingGeometry(original: size, resized: size))
    #expect(drawn.values.allSatisfy { $0 == 1 }, "100 of 102 is more than 98%: the peak is cut off")
    #expect(
      Compatibility.captum.drawnMap(HeatMap(width: 2, height: 2, values: [0, 0, 0, 0]), geometry: same).values
        == [0, 0, 0, 0])
  }

  /// PyTorch's `interpolate` of [1, 2, 3] to 8 with mode `nearest`.
  @Test func captumRepeatsValues() {
    let geometry = PreprocessingGeometry(
      original: PixelSize(width: 8, height: 1), resized: PixelSize(width: 8, height: 1))
    let projected = geometry.project(HeatMap(width: 3, height: 1, values: [1, 2, 3]), by: .nearest)
    #expect(projected.values == [1, 1, 1, 2, 2, 2, 3, 3])
  }

  @Test func theMinimumIsTakenAway() {
    let positive = HeatMap(width: 2, height: 1, values: [1, 4])
    let geometry = PreprocessingGeometry(
      original: PixelSize(width: 2, height: 1), resized: PixelSize(width: 2, height: 1))
    for compatibility in Compatibility.allCases where compatibility != .captum {
      let drawn = compatibility.drawnMap(positive, geometry: geometry).values
      expectClose(drawn, [0, 1], within: 1e-6, "\(compatibility)")
    }
  }

  /// Upsampling from 3 to 8 puts no pixel on a lone peak; the rescaling after it brings back 1, which TorchCAM lacks.
  ///
  /// On each axis the nearest pixel is 3 ⁄ 16 away, where Pillow's cubic filter is 0.9220; its three weights are 1.0143
  /// together.
  @Test func aLonePeakEndsAtOne() {
    var values = [Float](repeating: 0, count: 9)
    values[4] = 7
    let geometry = PreprocessingGeometry(
      original: PixelSize(width: 8, height: 8), resized: PixelSize(width: 8, height: 8))
    for compatibility in Compatibility.allCases {
      let drawn = compatibility.drawnMap(HeatMap(width: 3, height: 3, values: values), geometry: geometry)
      #expect((drawn.width, drawn.height) == (8, 8))
      let peak: Float = compatibility == .torchcam ? 0.826307 : 1
      expectClose([drawn.values.max() ?? 0], [peak], within: 1e-6, "\(compatibility)")
    }
  }

  @Test func aMapWithoutContentStaysZero() {
    for compatibility in Compatibility.allCases where compatibility != .captum {
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
