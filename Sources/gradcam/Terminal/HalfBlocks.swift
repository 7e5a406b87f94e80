import GradCAM

/// Pictures of upper half blocks: of each character, the foreground is one pixel and the background the one below it.
///
/// Colours are chosen by SGR of ECMA-48, with 38 and 48 of ITU T.416 in xterm's form.
enum HalfBlocks {
  /// The lines of a picture, each of its width in characters; the lower half of the last one stays empty if the height is
  /// odd.
  ///
  /// - Parameter usesPalette: whether to use the 256 colours of xterm, else 24 bits.
  static func lines(_ picture: Picture, usesPalette: Bool) -> [String] {
    /// The numbers that choose a pixel's colour.
    func color(_ x: Int, _ y: Int) -> String {
      let start = 3 * (y * picture.width + x), rgb = picture.pixels[start..<start + 3].map(Int.init)
      return usesPalette ? "5;\(paletteIndex(rgb))" : "2;\(rgb[0]);\(rgb[1]);\(rgb[2])"
    }
    return stride(from: 0, to: picture.height, by: 2).map { y in
      var line = "", foreground = "", background = ""
      for x in 0..<picture.width {
        let upper = color(x, y), lower = y + 1 < picture.height ? color(x, y + 1) : ""
        let changes =
          (upper == foreground ? [] : ["38;" + upper]) + (lower == background || lower.isEmpty ? [] : ["48;" + lower])
        if !changes.isEmpty { line += "\u{1B}[\(changes.joined(separator: ";"))m" }
        (foreground, background) = (upper, lower)
        line += "▀"
      }
      return line + "\u{1B}[0m"
    }
  }

  /// The levels of each channel in the cube of colours 16 … 231.
  private static let levels = [0, 95, 135, 175, 215, 255]

  /// The nearest of xterm's colours 16 … 255 to red, green and blue: the cube, and 24 shades of grey.
  static func paletteIndex(_ rgb: [Int]) -> Int {
    func distance(_ other: [Int]) -> Int { zip(rgb, other).map { ($0 - $1) * ($0 - $1) }.reduce(0, +) }
    let steps = rgb.map { channel in levels.indices.min { abs(levels[$0] - channel) < abs(levels[$1] - channel) }! }
    let shade = min(max((rgb.reduce(0, +) / 3 - 3) / 10, 0), 23), grey = 8 + 10 * shade
    guard distance(steps.map { levels[$0] }) > distance([grey, grey, grey]) else {
      return 16 + 36 * steps[0] + 6 * steps[1] + steps[2]
    }
    return 232 + shade
  }
}
