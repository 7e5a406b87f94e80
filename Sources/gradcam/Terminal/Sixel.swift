import GradCAM

/// Sixel graphics, as chapter 14 of DEC's VT330/VT340 Programmer Reference Manual has them
/// (https://vt100.net/docs/vt3xx-gp/chapter14.html).
enum Sixel {
  /// The escape code that shows a picture at the cursor, a pixel a pixel, in at most `colorCount` colours (1 … 256).
  static func code(_ picture: Picture, colorCount: Int) -> [UInt8] {
    let palette = Palette(picture, count: colorCount)
    // Square pixels; the size in pixels.
    var code = Array("\u{1B}P0;1;0q\"1;1;\(picture.width);\(picture.height)".utf8)
    for (index, color) in palette.colors.enumerated() {
      let shares = color.map { "\((Int($0) * 100 + 127) / 255)" }.joined(separator: ";")
      code += Array("#\(index);2;\(shares)".utf8)
    }
    for top in stride(from: 0, to: picture.height, by: 6) {
      if top > 0 { code.append(UInt8(ascii: "-")) }
      appendBand(top, of: picture, palette, to: &code)
    }
    return code + Array("\u{1B}\\".utf8)
  }

  /// Six rows of pixels: for each colour in them a row of sixels, each drawn over the others.
  private static func appendBand(_ top: Int, of picture: Picture, _ palette: Palette, to code: inout [UInt8]) {
    let width = picture.width
    /// By colour, the sixels with a bit for each of its pixels, the highest pixel lowest.
    var sixels = [[UInt8]](repeating: [], count: palette.colors.count)
    for row in 0..<min(6, picture.height - top) {
      for x in 0..<width {
        let color = Int(palette.indices[(top + row) * width + x])
        if sixels[color].isEmpty { sixels[color] = [UInt8](repeating: 0, count: width) }
        sixels[color][x] |= 1 << row
      }
    }
    var isFirst = true
    for (color, row) in sixels.enumerated() where !row.isEmpty {
      // Back to the left.
      if !isFirst { code.append(UInt8(ascii: "$")) }
      isFirst = false
      code += Array("#\(color)".utf8)
      appendRuns(row, to: &code)
    }
  }

  /// Appends sixels, runs of them by their length, without the empty ones at the end.
  private static func appendRuns(_ row: [UInt8], to code: inout [UInt8]) {
    let count = row.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0
    var start = 0
    while start < count {
      var end = start + 1
      while end < count, row[end] == row[start] { end += 1 }
      let character = 0x3F + row[start]
      if end - start > 3 {
        code += Array("!\(end - start)".utf8)
        code.append(character)
      } else {
        code += [UInt8](repeating: character, count: end - start)
      }
      start = end
    }
  }
}
