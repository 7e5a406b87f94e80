/// Pictures in rows, each with a line of text under it, black on white.
///
/// All are scaled to one height, or to one width if they are upright.
public struct PictureGrid: Sendable {
  /// A picture with its label; a label wider than its cell is cut off.
  public struct Cell: Sendable {
    /// The picture at the size that it has in a grid.
    public let picture: Picture
    /// The text under it.
    public let label: String

    /// Creates a cell.
    ///
    /// Throws what resizing throws.
    public init(_ picture: Picture, label: String) throws {
      let size = PictureGrid.cellSize(for: PixelSize(width: picture.width, height: picture.height))
      self.picture = try picture.resized(width: size.width, height: size.height)
      self.label = label
    }
  }

  /// The line above the cells; nil for none.
  public let title: String?
  /// The cells from left to right and from top to bottom, at least one.
  public let cells: [Cell]

  /// The number of cells per row; nil makes the grid about 16:10.
  public let columns: Int?

  /// The shorter side of every picture.
  private static let shorterSide = 224
  /// The longest side; panoramas are shrunk to it.
  private static let longestSide = 1024
  private static let margin = 12
  private static let font = BitmapFont.fixed

  /// The size that pictures of a size have in a grid.
  public static func cellSize(for picture: PixelSize) -> PixelSize {
    let (shorter, longer) = (min(picture.width, picture.height), max(picture.width, picture.height))
    let scale = min(Double(shorterSide) / Double(shorter), Double(longestSide) / Double(longer))
    func scaled(_ length: Int) -> Int { max(1, Int((Double(length) * scale).rounded())) }
    return PixelSize(width: scaled(picture.width), height: scaled(picture.height))
  }

  /// Creates a grid.
  public init(title: String? = nil, cells: [Cell], columns: Int? = nil) {
    precondition(!cells.isEmpty && columns ?? 1 > 0)
    self.columns = columns
    self.title = title
    self.cells = cells
  }

  /// The grid as one picture.
  ///
  /// Throws `usage` if it would have more than `Picture.maximumPixelCount` pixels.
  public func picture() throws -> Picture {
    let pictures = cells.map(\.picture)
    let cell = PixelSize(width: pictures.map(\.width).max()!, height: pictures.map(\.height).max()!)
    let pitch = PixelSize(width: cell.width + Self.margin, height: cell.height + Self.font.height + Self.margin)
    let ideal = (Double(cells.count * pitch.height) / Double(pitch.width) * 1.6).squareRoot()
    let columns = columns ?? min(max(Int(ideal.rounded(.up)), 1), cells.count)
    let rows = (cells.count + columns - 1) / columns
    let top = Self.margin + (title == nil ? 0 : Self.font.height + Self.margin)
    var canvas = try Canvas(width: Self.margin + columns * pitch.width, height: top + rows * pitch.height)
    if let title { canvas.draw(title, font: Self.font, x: Self.margin, y: Self.margin, width: canvas.width) }
    for (index, picture) in pictures.enumerated() {
      let x = Self.margin + index % columns * pitch.width, y = top + index / columns * pitch.height
      canvas.draw(picture, x: x + (cell.width - picture.width) / 2, y: y + (cell.height - picture.height) / 2)
      canvas.draw(cells[index].label, font: Self.font, x: x, y: y + cell.height, width: cell.width)
    }
    return canvas.picture
  }
}

/// A white picture to draw on.
private struct Canvas {
  let width, height: Int
  private var pixels: [UInt8]

  init(width: Int, height: Int) throws {
    try Picture.checkSize(width: width, height: height)
    self.width = width
    self.height = height
    pixels = [UInt8](repeating: 255, count: 3 * width * height)
  }

  var picture: Picture { Picture(width: width, height: height, pixels: pixels) }

  /// Draws a picture at a place inside the canvas.
  mutating func draw(_ picture: Picture, x: Int, y: Int) {
    for row in 0..<picture.height {
      let to = 3 * ((y + row) * width + x), from = 3 * row * picture.width
      pixels.replaceSubrange(to..<to + 3 * picture.width, with: picture.pixels[from..<from + 3 * picture.width])
    }
  }

  /// Writes a line of text, cut off at a width in pixels.
  mutating func draw(_ text: String, font: BitmapFont, x left: Int, y top: Int, width available: Int) {
    font.forEachPixel(of: font.fitted(text, in: min(available, width - left))) { x, y in
      for channel in 0..<3 { pixels[3 * ((top + y) * width + left + x) + channel] = 0 }
    }
  }
}
