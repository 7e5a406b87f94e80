/// A picture to draw on, at eight bits.
struct Canvas {
  let width, height: Int
  private var pixels: [UInt8]

  /// A white one.
  ///
  /// Throws `usage` if it is above `Picture.maximumPixelCount`.
  init(white size: PixelSize) throws {
    try Picture.checkSize(width: size.width, height: size.height)
    self.init(grey: 255, size)
  }

  /// One of a shade of grey.
  init(grey: UInt8, _ size: PixelSize) {
    (width, height) = (size.width, size.height)
    pixels = Array(repeating: grey, count: 3 * width * height)
  }

  /// A picture to draw over.
  init(_ picture: Picture) { (width, height, pixels) = (picture.width, picture.height, picture.pixels) }

  var picture: Picture { Picture(width: width, height: height, pixels: pixels) }

  /// Calls `body` with the samples, three for each pixel.
  mutating func withPixels(_ body: (UnsafeMutablePointer<UInt8>) -> Void) {
    pixels.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
  }

  /// Draws a picture at a place inside the canvas.
  mutating func draw(_ picture: Picture, x: Int, y: Int) {
    for row in 0..<picture.height {
      let to = 3 * ((y + row) * width + x), from = 3 * row * picture.width
      pixels.replaceSubrange(to..<to + 3 * picture.width, with: picture.pixels[from..<from + 3 * picture.width])
    }
  }

  /// Fills a rectangle inside the canvas with a colour: red, green and blue.
  mutating func fill(_ columns: Range<Int>, _ rows: Range<Int>, _ colour: (UInt8, UInt8, UInt8)) {
    for y in rows {
      for index in columns.map({ 3 * (y * width + $0) }) {
        (pixels[index], pixels[index + 1], pixels[index + 2]) = colour
      }
    }
  }

  /// Writes a line of text, cut off at a width in pixels.
  mutating func draw(_ line: PictureGrid.Line, font: BitmapFont, x left: Int, y top: Int, width available: Int) {
    font.forEachPixel(of: font.fitted(line, in: min(available, width - left))) { x, y in
      for channel in 0..<3 { pixels[3 * ((top + y) * width + left + x) + channel] = 0 }
    }
  }

  /// Paints the part of a rectangle that lies inside in a shade of grey.
  mutating func fill(_ columns: Range<Int>, _ rows: Range<Int>, _ shade: UInt8) {
    let columns = columns.clamped(to: 0..<width)
    for y in rows.clamped(to: 0..<height) {
      for index in 3 * (y * width + columns.lowerBound)..<3 * (y * width + columns.upperBound) { pixels[index] = shade }
    }
  }

  /// Draws a thin white frame around a part, on the sides where there is room outside of it.
  mutating func frame(_ part: PixelRectangle) {
    let thickness = max(1, min(width, height) / 250)
    let left = max(0, part.x - thickness), right = min(width, part.x + part.size.width + thickness)
    let inside = part.y..<part.y + part.size.height
    for y in max(0, part.y - thickness)..<min(height, inside.upperBound + thickness) {
      let sides = [left..<part.x, part.x + part.size.width..<right]
      for columns in inside.contains(y) ? sides : [left..<right] {
        for index in 3 * (y * width + columns.lowerBound)..<3 * (y * width + columns.upperBound) { pixels[index] = 255 }
      }
    }
  }
}
