import Testing

@testable import GradCAM

@Suite struct DrawingTests {
  @Test(arguments: zip(["jet", "turbo", "viridis", "magma", "inferno", "plasma", "cividis", "hot", "bone"], 0..<9))
  func colormapEqualsOpenCV(name: String, index: Int) throws {
    let tables = try ImagingFixture.array("colormaps")
    let colormap = try #require(Colormap(rawValue: name))
    #expect(colormap.colors.map { Float($0) } == Array(tables.values[768 * index..<768 * (index + 1)]))
  }

  @Test func everyColormapHasAllLevels() {
    for colormap in Colormap.allCases { #expect(colormap.colors.count == 768) }
    #expect(Colormap.gray.colors.suffix(6) == [254, 254, 254, 255, 255, 255])
  }

  @Test func overlayEqualsTheOriginalRecipe() throws {
    let (cam, picture) = try (ImagingFixture.map("cam"), ImagingFixture.photograph())
    let drawn = Picture.overlay(map: cam, on: picture)
    #expect(try maximumDifference(drawn, ImagingFixture.picture("overlay-recipe")) == 0)
  }

  @Test func wholeDrawingEqualsTheOriginalRecipe() throws {
    let (map, picture) = try (ImagingFixture.map("map"), ImagingFixture.photograph())
    let cam = map.resized(width: picture.width, height: picture.height).normalized()
    expectClose(cam, try ImagingFixture.map("cam"))
    let drawn = Picture.overlay(map: cam, on: picture)
    #expect(try maximumDifference(drawn, ImagingFixture.picture("overlay-recipe")) <= 1)
  }

  @Test func overlayFollowsItsWeightAndColormap() throws {
    let (cam, picture) = try (ImagingFixture.map("cam"), ImagingFixture.photograph())
    let drawn = Picture.overlay(map: cam, on: picture, colormap: .viridis, blend: 0.3)
    #expect(try maximumDifference(drawn, ImagingFixture.picture("overlay-viridis-0.3")) <= 1)
  }

  @Test func overlayResizesTheMap() throws {
    let (map, picture) = try (ImagingFixture.map("map").rescaled(), ImagingFixture.photograph())
    let resized = map.resized(width: picture.width, height: picture.height)
    #expect(DrawingStyle.overlay.draw(map, on: picture) == Picture.overlay(map: resized, on: picture))
  }

  @Test func stylesHaveTheirParts() {
    let picture = Picture(width: 2, height: 1, pixels: [200, 100, 50, 10, 20, 31])
    let map = HeatMap(width: 2, height: 1, values: [0, 0.5])
    #expect(DrawingStyle.heat.draw(map, on: picture, colormap: .gray).pixels == [0, 0, 0, 127, 127, 127])
    #expect(DrawingStyle.mask.draw(map, on: picture).pixels == [0, 0, 0, 5, 10, 16])
    let overlay = DrawingStyle.overlay.draw(map, on: picture)
    let both = DrawingStyle.sideBySide.draw(map, on: picture)
    #expect((both.width, both.height) == (4, 1))
    #expect(both.pixels == picture.pixels + overlay.pixels)
  }

  /// Of 8 × 6 pixels the network sees the 4 × 6 in the middle.
  @Test(arguments: DrawingStyle.allCases)
  func whatTheNetworkDoesNotSeeIsNotColoured(style: DrawingStyle) {
    let pixels = (0..<144).map { UInt8(40 + $0) }, picture = Picture(width: 8, height: 6, pixels: pixels)
    let geometry = PreprocessingGeometry(
      original: PixelSize(width: 8, height: 6), resized: PixelSize(width: 8, height: 6),
      crop: PixelRectangle(x: 2, y: 0, width: 4, height: 6))
    let seen = HeatMap(width: 4, height: 6, values: (0..<24).map { Float($0) / 23 })
    let drawn = style.draw(geometry.project(seen), on: picture)
    let middle = Picture(
      width: 4, height: 6, pixels: (0..<6).flatMap { pixels[24 * $0 + 6..<24 * $0 + 18] })
    let inside = (style == .sideBySide ? DrawingStyle.overlay : style).draw(seen, on: middle)
    let start = style == .sideBySide ? 24 : 0
    for y in 0..<6 {
      let first = 3 * drawn.width * y + start
      let row = Array(drawn.pixels[first..<first + 24])
      let around: [UInt8] = style == .heat ? Array(repeating: 128, count: 24) : Array(pixels[24 * y..<24 * y + 24])
      #expect(Array(row[6..<18]) == Array(inside.pixels[12 * y..<12 * y + 12]))
      #expect(Array(row[0..<3]) == Array(around[0..<3]))
      #expect(Array(row[21..<24]) == Array(around[21..<24]))
      #expect(row[3..<6].allSatisfy { $0 == 255 }, "the frame")
      #expect(row[18..<21].allSatisfy { $0 == 255 }, "the frame")
    }
  }

  @Test func strangeValuesAreDrawn() {
    let picture = Picture(width: 4, height: 1, pixels: Array(repeating: 0, count: 12))
    let map = HeatMap(width: 4, height: 1, values: [.nan, -.infinity, .infinity, 3e38])
    #expect(map.colored(with: .gray).pixels == [0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255])
    let gray = Picture(width: 4, height: 1, pixels: Array(repeating: 9, count: 12))
    #expect(DrawingStyle.mask.draw(map, on: gray).pixels == [0, 0, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9])
    for style in DrawingStyle.allCases { _ = style.draw(map, on: picture, blend: .nan) }
    #expect(Picture.overlay(map: map, on: picture, blend: 1).pixels == picture.pixels)
  }
}
