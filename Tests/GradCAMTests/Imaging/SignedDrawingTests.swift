import Testing

@testable import GradCAM

@Suite struct SignedDrawingTests {
  private let map = HeatMap(width: 4, height: 1, values: [-2, 0, 1, .nan]).aroundHalf()

  @Test func halfIsNothing() {
    #expect(map.isSigned && map.values == [0, 0.5, 0.75, 0.5])
    #expect(HeatMap(width: 2, height: 1, values: [0, 0]).aroundHalf().values == [0.5, 0.5])
    let padded = map.padded(
      to: PixelSize(width: 5, height: 1), at: PixelRectangle(x: 1, y: 0, width: 4, height: 1))
    #expect(padded.isSigned && padded.values == [0.5, 0, 0.5, 0.75, 0.5])
    #expect(map.resized(width: 8, height: 2).isSigned && map.mapped { $0 }.isSigned)
  }

  @Test func redSpeaksForAndBlueAgainst() {
    let grey = Picture(width: 4, height: 1, pixels: [UInt8](repeating: 100, count: 12))
    func drawn(_ style: DrawingStyle, blend: Float = 0) -> [[UInt8]] {
      let pixels = style.draw(map, on: grey, blend: blend).pixels
      return (0..<4).map { Array(pixels[3 * $0..<3 * $0 + 3]) }
    }
    let red: [UInt8] = [202, 74, 22], blue: [UInt8] = [22, 98, 190], none: [UInt8] = [100, 100, 100]
    func half(_ color: [UInt8], _ ground: Float = 100) -> [UInt8] {
      color.map { UInt8((ground + (Float($0) - ground) / 2).rounded()) }
    }
    #expect(drawn(.overlay) == [blue, none, half(red), none])
    #expect(drawn(.mask, blend: 0.5) == drawn(.overlay))
    #expect(drawn(.heat, blend: 0.5) == [blue, [244, 244, 244], half(red, 244), [244, 244, 244]])
    // The picture has the weight of a quarter at ½.
    #expect(drawn(.overlay, blend: 0.5)[0] == [42, 99, 168])
    #expect(drawn(.overlay, blend: 1) == [none, none, none, none])
  }

  @Test func fewLargeValuesAreDrawnAlike() {
    let plain = HeatMap(width: 4, height: 1, values: [0.01, 0.5, 0.49, 1])
    #expect(plain.clipped(withoutShare: 0.51).values == [0.02, 1, 0.98, 1])
    #expect(plain.clipped(withoutShare: 0).values == plain.values)
    let signed = HeatMap(width: 3, height: 1, values: [-1, 0.5, 4]).aroundHalf()
    let clipped = signed.clipped(withoutShare: 0.8)
    #expect(clipped.isSigned && clipped.values == [0, 0.75, 1])
  }
}
