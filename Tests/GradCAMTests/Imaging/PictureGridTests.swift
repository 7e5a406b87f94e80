import Testing

@testable import GradCAM

@Suite struct PictureGridTests {
  private func picture(_ width: Int, _ height: Int, _ level: UInt8) -> Picture {
    Picture(width: width, height: height, pixels: [UInt8](repeating: level, count: 3 * width * height))
  }

  /// The levels of the first channel inside a rectangle.
  private func levels(_ picture: Picture, x: Range<Int>, y: Range<Int>) -> [UInt8] {
    y.flatMap { row in x.map { picture.pixels[3 * (row * picture.width + $0)] } }
  }

  @Test func cellsStandInRowsWithTheirLabelsBelow() throws {
    let grid = try PictureGrid(cells: [
      .init(picture(56, 56, 10), label: "first"), .init(picture(448, 448, 20), label: ""),
      .init(picture(224, 224, 30), label: "third"),
    ]).picture()
    #expect((grid.width, grid.height) == (12 + 3 * 236, 12 + 256))
    for (index, level) in [10, 20, 30].enumerated() {
      let x = 12 + 236 * index
      #expect(levels(grid, x: x..<x + 224, y: 12..<236).allSatisfy { $0 == level })
      #expect(levels(grid, x: x - 12..<x, y: 0..<grid.height).allSatisfy { $0 == 255 })
      let label = levels(grid, x: x..<x + 224, y: 236..<256)
      #expect(Set(label) == (index == 1 ? [255] : [0, 255]), "black on white, or nothing")
    }
  }

  @Test func aTitleStandsAbove() throws {
    let cells = [try PictureGrid.Cell(picture(300, 100, 50), label: "wide")]
    let plain = try PictureGrid(cells: cells).picture(), titled = try PictureGrid(title: "x", cells: cells).picture()
    #expect((plain.width, plain.height) == (12 + 684, 12 + 256))
    #expect((titled.width, titled.height) == (plain.width, plain.height + 32))
    #expect(levels(titled, x: 12..<22, y: 12..<32).contains(0))
    #expect(levels(titled, x: 0..<plain.width, y: 44..<titled.height) == levels(plain, x: 0..<plain.width, y: 12..<268))
  }

  @Test func panoramasAndManyCellsFit() throws {
    let wide = try PictureGrid(cells: [.init(picture(4000, 10, 1), label: "")]).picture()
    #expect(wide.width == 12 + 1036)
    let cells = try (0..<21).map { try PictureGrid.Cell(picture(8, 8, 0), label: "\($0)") }
    let many = try PictureGrid(cells: cells).picture()
    #expect(many.width == 12 + 7 * 236 && many.height == 12 + 3 * 256)
  }

  @Test func textIsCutOffAndWhatTheFontLacksIsReplaced() {
    let font = BitmapFont.fixed
    #expect(font.fitted(.text("gradcam"), in: 70) == "gradcam" && font.fitted(.text("gradcam"), in: 69) == "gradc…")
    #expect(font.fitted(.name("gradcam"), in: 69) == "…adcam")
    func pixels(_ text: String) -> [[Int]] {
      var pixels: [[Int]] = []
      font.forEachPixel(of: text) { pixels.append([$0, $1]) }
      return pixels
    }
    #expect(pixels("I").allSatisfy { (0..<10).contains($0[0]) && (0..<20).contains($0[1]) })
    #expect(pixels("aI") == pixels("a") + pixels("I").map { [$0[0] + 10, $0[1]] })
    #expect(pixels("e\u{301}") == pixels("猫") && pixels("猫") == pixels("\u{FFFD}") && !pixels("猫").isEmpty)
    #expect(pixels("Å") != pixels("A") && pixels("ж") != pixels("猫") && pixels("…") != pixels("猫"))
  }
}
