/// A bitmap font of fixed width.
struct BitmapFont: Sendable {
  /// The size of every glyph, in pixels.
  let width = 10, height = 20
  /// The rows of each glyph from top to bottom, the highest of twelve bits on the left.
  private let glyphs: [Unicode.Scalar: [UInt16]]

  /// X11's 10x20, with Latin, Greek and Cyrillic letters.
  static let fixed = BitmapFont(String(decoding: PackageResources.fixed_10x20_hex, as: UTF8.self))

  /// Reads lines of a code point, a colon and three hexadecimal digits per row; others are comments.
  private init(_ text: String) {
    var glyphs: [Unicode.Scalar: [UInt16]] = [:]
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: ":")
      guard parts.count == 2, let code = UInt32(parts[0], radix: 16), let scalar = Unicode.Scalar(code) else {
        continue
      }
      let digits = Array(parts[1])
      glyphs[scalar] = stride(from: 0, to: digits.count, by: 3).map { UInt16(String(digits[$0..<$0 + 3]), radix: 16)! }
    }
    self.glyphs = glyphs
  }

  /// Calls `body` for every pixel of a text, counted from its upper left; a missing glyph is a replacement character.
  func forEachPixel(of text: String, _ body: (_ x: Int, _ y: Int) -> Void) {
    for (place, character) in text.enumerated() {
      let scalar = String(character).unicodeScalars
      guard let glyph = (scalar.count == 1 ? glyphs[scalar.first!] : nil) ?? glyphs["\u{FFFD}"] else { continue }
      for (y, row) in glyph.enumerated() {
        for x in 0..<width where row >> (11 - x) & 1 != 0 { body(place * width + x, y) }
      }
    }
  }

  /// A line's text, cut off with "…" if it is wider than a number of pixels.
  func fitted(_ line: PictureGrid.Line, in available: Int) -> String {
    line.fitted(to: max(available / width, 1))
  }
}
