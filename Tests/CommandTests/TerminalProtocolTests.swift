import Foundation
import GradCAM
import Testing

@testable import GradCAMCommand

/// What shows pictures in terminals, decoded again.
struct TerminalProtocolTests {
  /// A picture of noise, which no encoder makes small.
  private func noise(_ width: Int, _ height: Int) -> Picture {
    var state: UInt32 = 1
    let pixels = (0..<3 * width * height).map { _ -> UInt8 in
      state = state &* 1_664_525 &+ 1_013_904_223
      return UInt8(state >> 24)
    }
    return Picture(width: width, height: height, pixels: pixels)
  }

  private func overlay() throws -> Picture {
    let workplace = try Workplace()
    _ = try workplace.succeed(
      "explain", shipped("shapes-vgg.onnx"), shipped("samples/pair-006-star-cross.png"), "--output", "map.png")
    return try workplace.picture("map.png")
  }

  @Test func kittyGetsOneCodeForASmallPicture() {
    let codes = KittyGraphics.codes(png: Array("any".utf8), columns: 7)
    #expect(codes.map { String(decoding: $0, as: UTF8.self) } == ["\u{1B}_Ga=T,f=100,c=7,C=1,q=2,m=0;YW55\u{1B}\\"])
  }

  @Test(arguments: [3072, 3073, 6144, 10_000])
  func kittyGetsChunks(_ size: Int) throws {
    let png = (0..<size).map { UInt8(truncatingIfNeeded: $0 * 7) }
    let codes = KittyGraphics.codes(png: png, columns: 40)
    let chunks = (size + 3071) / 3072
    #expect(codes.count == chunks)
    for (index, code) in codes.enumerated() {
      let keys = index == 0 ? "a=T,f=100,c=40,C=1,q=2" : "q=2"
      let head = "\u{1B}_G\(keys),m=\(index == chunks - 1 ? 0 : 1);"
      #expect(code.starts(with: Array(head.utf8)) && code.suffix(2) == [0x1B, 0x5C])
      let data = code.count - head.utf8.count - 2
      #expect(index == chunks - 1 ? data <= 4096 : data == 4096)
    }
    #expect(TerminalPictures.kitty(codes.flatMap { $0 })?.data == png)
  }

  @Test func iTermGetsOneCode() {
    let code = String(decoding: ITermImage.code(png: Array("any".utf8), columns: 7), as: UTF8.self)
    #expect(
      code == "\u{1B}]1337;File=inline=1;size=3;width=7;height=auto;preserveAspectRatio=1:YW55\u{7}")
  }

  /// A picture of two colours, byte by byte: a run, single sixels, a return, a new band, and no empty sixels at the end.
  @Test func sixelsAreAsTheManualHasThem() {
    let red: [UInt8] = [255, 0, 0], blue: [UInt8] = [0, 0, 255]
    let rows = (0..<6).map { _ in [red, red, red, red, red, blue] } + [[blue, blue, red, red, red, red]]
    let picture = Picture(width: 6, height: 7, pixels: rows.flatMap { $0 }.flatMap { $0 })
    let code = String(decoding: Sixel.code(picture, colorCount: 256), as: UTF8.self)
    let colors = code.contains("#0;2;100;0;0") ? (0, 1) : (1, 0)
    let palette = colors.0 == 0 ? "#0;2;100;0;0#1;2;0;0;100" : "#0;2;0;0;100#1;2;100;0;0"
    let bands =
      colors.0 == 0 ? "#0!5~$#1!5?~-#0??!4@$#1@@" : "#0!5?~$#1!5~-#0@@$#1??!4@"
    #expect(code == "\u{1B}P0;1;0q\"1;1;6;7\(palette)\(bands)\u{1B}\\")
  }

  @Test(arguments: [(1, 1), (5, 6), (7, 13), (64, 40)])
  func sixelsCoverEveryPixel(_ width: Int, _ height: Int) throws {
    let picture = noise(width, height)
    for count in [1, 2, 16, 256] {
      let code = Sixel.code(picture, colorCount: count)
      let shown = try #require(TerminalPictures.sixel(code))
      #expect((shown.width, shown.height) == (width, height))
      let colors = (0..<width * height).map { Array(shown.pixels[3 * $0..<3 * $0 + 3]) }
      #expect(Set(colors).count <= count)
    }
  }

  @Test func sixelsKeepAFewColoursExactly() throws {
    // Shares of a hundred are colours of 0, 51, 102 … exactly.
    var pixels: [UInt8] = []
    for index in 0..<150 {
      let red = index % 6 * 51, green = index / 6 % 5 * 51
      pixels += [UInt8(red), UInt8(green), 255]
    }
    let picture = Picture(width: 15, height: 10, pixels: pixels)
    #expect(TerminalPictures.sixel(Sixel.code(picture, colorCount: 256)) == picture)
  }

  @Test func sixelsAreLikeThePicture() throws {
    let overlay = try overlay()
    let decoded = try [256, 16].map { count in
      try #require(TerminalPictures.sixel(Sixel.code(overlay, colorCount: count)))
    }
    #expect(TerminalPictures.likeness(decoded[0], overlay) > 36)
    #expect(TerminalPictures.likeness(decoded[1], overlay) > 24)
  }

  @Test(arguments: [(1, 1), (3, 2), (4, 5)])
  func halfBlocksOf24BitsAreThePicture(_ width: Int, _ height: Int) throws {
    let picture = noise(width, height), lines = HalfBlocks.lines(picture, usesPalette: false)
    let shown = try #require(TerminalPictures.halfBlocks(lines))
    #expect(lines.count == (height + 1) / 2 && shown.height == 2 * lines.count)
    #expect(Array(shown.pixels.prefix(picture.pixels.count)) == picture.pixels)
    #expect(shown.pixels.dropFirst(picture.pixels.count).allSatisfy { $0 == 0 }, "nothing below")
    #expect(lines.allSatisfy { $0.hasSuffix("\u{1B}[0m") })
  }

  @Test func aColourIsChosenOnlyWhenItChanges() {
    let grey = Picture(width: 3, height: 2, pixels: [UInt8](repeating: 9, count: 18))
    #expect(HalfBlocks.lines(grey, usesPalette: false) == ["\u{1B}[38;2;9;9;9;48;2;9;9;9m▀▀▀\u{1B}[0m"])
    #expect(HalfBlocks.lines(grey, usesPalette: true) == ["\u{1B}[38;5;232;48;5;232m▀▀▀\u{1B}[0m"])
  }

  /// No colour of the palette is nearer than the one that is taken.
  @Test func theNearestOf256ColoursIsTaken() {
    func distance(_ one: [Int], _ index: Int) -> Int {
      zip(one, TerminalPictures.paletteColor(index)).map { ($0 - Int($1)) * ($0 - Int($1)) }.reduce(0, +)
    }
    var colors = stride(from: 0, through: 255, by: 1).map { [$0, $0, $0] }
    for red in stride(from: 0, through: 255, by: 25) {
      for green in stride(from: 3, through: 255, by: 28) {
        for blue in stride(from: 1, through: 255, by: 31) { colors.append([red, green, blue]) }
      }
    }
    for color in colors {
      let taken = distance(color, HalfBlocks.paletteIndex(color))
      let best = (16...255).map { distance(color, $0) }.min()!
      #expect(taken == best, "\(color)")
    }
  }

  @Test func halfBlocksAreLikeThePicture() throws {
    let picture = try overlay().resized(width: 40, height: 40)
    let shown = try #require(TerminalPictures.halfBlocks(HalfBlocks.lines(picture, usesPalette: true)))
    #expect(TerminalPictures.likeness(shown, picture) > 22)
  }
}
