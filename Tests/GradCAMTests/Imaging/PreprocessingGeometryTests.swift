import Testing

@testable import GradCAM

@Suite struct PreprocessingGeometryTests {
  static let cropped = PreprocessingGeometry(
    original: PixelSize(width: 61, height: 47), resized: PixelSize(width: 42, height: 32),
    crop: PixelRectangle(x: 7, y: 2, width: 28, height: 28))
  static let padded = PreprocessingGeometry(
    original: PixelSize(width: 30, height: 20), resized: PixelSize(width: 30, height: 20),
    crop: PixelRectangle(x: 1, y: -4, width: 28, height: 28))

  @Test(arguments: [(cropped, "projected-crop"), (padded, "projected-padded")])
  func projectionEqualsThePointwiseReference(geometry: PreprocessingGeometry, name: String) throws {
    let projected = try geometry.project(ImagingFixture.map("input-map"))
    expectClose(projected, try ImagingFixture.map(name))
  }

  @Test func mapOfLowerResolutionCoversTheCrop() throws {
    let map = try ImagingFixture.map("input-map")
    let corner = HeatMap(width: 7, height: 7, values: (0..<49).map { map.values[28 * ($0 / 7) + $0 % 7] })
    let projected = Self.cropped.project(corner)
    expectClose(projected, try ImagingFixture.map("projected-small-map"))
  }

  @Test func outsideTheCropIsZero() {
    let projected = Self.cropped.project(HeatMap(width: 28, height: 28, values: Array(repeating: 1, count: 784)))
    for y in 0..<47 {
      for x in 0..<61 {
        let (u, v) = ((Double(x) + 0.5) * 42 / 61 - 7, (Double(y) + 0.5) * 32 / 47 - 2)
        let isInside = (0..<28).contains(u) && (0..<28).contains(v)
        #expect(projected.values[61 * y + x] == (isInside ? 1 : 0))
      }
    }
  }

  @Test func withoutResizeOrCropItIsTheIdentity() throws {
    let map = try ImagingFixture.map("input-map")
    let size = PixelSize(width: 28, height: 28)
    #expect(PreprocessingGeometry(original: size, resized: size).project(map) == map)
  }

  @Test func withoutCropItIsAResize() throws {
    let map = try ImagingFixture.map("map")
    let geometry = PreprocessingGeometry(
      original: PixelSize(width: 61, height: 47), resized: PixelSize(width: 24, height: 24))
    expectClose(geometry.project(map), map.resized(width: 61, height: 47))
  }

  @Test func applyResizesThenCrops() throws {
    let photograph = try ImagingFixture.photograph()
    let input = try Self.cropped.apply(to: photograph)
    let resized = try photograph.resized(width: 42, height: 32)
    #expect(input == (try resized.cropped(x: 7, y: 2, width: 28, height: 28)))
  }

  /// A picture of 8 × 6, resized to 4 × 3, of which the middle 2 × 3 are the input, seen by a grid of 2 × 1.
  @Test func centresOfAGridFindTheirPixels() {
    let geometry = PreprocessingGeometry(
      original: PixelSize(width: 8, height: 6), resized: PixelSize(width: 4, height: 3),
      crop: PixelRectangle(x: 1, y: 0, width: 2, height: 3))
    let grid = PixelSize(width: 2, height: 1)
    #expect(geometry.originalPixel(row: 0, column: 0, of: grid).map { [$0.x, $0.y] } == [3, 3])
    #expect(geometry.originalPixel(row: 0, column: 1, of: grid).map { [$0.x, $0.y] } == [5, 3])
    let padded = PreprocessingGeometry(
      original: PixelSize(width: 2, height: 2), resized: PixelSize(width: 2, height: 2),
      crop: PixelRectangle(x: -1, y: 0, width: 4, height: 2))
    let fine = PixelSize(width: 4, height: 2)
    #expect((0..<4).map { padded.originalPixel(row: 1, column: $0, of: fine)?.x } == [nil, 0, 1, nil])
  }
}
