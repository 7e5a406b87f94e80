/// Pictures in rows, each with lines of text under it, black on white.
///
/// All are scaled to one height, or to one width if they are upright.
public struct PictureGrid: Sendable {
  /// A line of text under a picture.
  public enum Line: Sendable, Equatable {
    /// A text whose end is cut off if it is too wide.
    case text(String)
    /// A name whose beginning is cut off, since such names differ at the end.
    case name(String)

    /// The text, cut off with "…" if it has more characters than there is room for.
    package func fitted(to count: Int) -> String {
      switch self {
      case .text(let text): text.count <= count ? text : text.prefix(max(count - 1, 0)) + "…"
      case .name(let name): name.count <= count ? name : "…" + name.suffix(max(count - 1, 0))
      }
    }
  }

  /// A picture with the lines under it.
  public struct Cell: Sendable {
    /// The picture at the size that it has in a grid.
    public let picture: Picture
    /// The lines from top to bottom.
    public let lines: [Line]

    /// Creates a cell.
    ///
    /// Throws what resizing throws.
    public init(_ picture: Picture, lines: [Line]) throws {
      let size = PictureGrid.cellSize(for: picture.size)
      self.picture = try picture.resized(width: size.width, height: size.height)
      self.lines = lines
    }

    /// Creates a cell with one line.
    ///
    /// Throws what resizing throws.
    public init(_ picture: Picture, label: String) throws { try self.init(picture, lines: [.text(label)]) }
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
    let lineCount = cells.map(\.lines.count).max()!
    let pitch = PixelSize(
      width: cell.width + Self.margin, height: cell.height + lineCount * Self.font.height + Self.margin)
    let ideal = (Double(cells.count * pitch.height) / Double(pitch.width) * 1.6).squareRoot()
    let columns = columns ?? min(max(Int(ideal.rounded(.up)), 1), cells.count)
    let rows = (cells.count + columns - 1) / columns
    let top = Self.margin + (title == nil ? 0 : Self.font.height + Self.margin)
    var canvas = try Canvas(
      white: PixelSize(width: Self.margin + columns * pitch.width, height: top + rows * pitch.height))
    if let title { canvas.draw(.text(title), font: Self.font, x: Self.margin, y: Self.margin, width: canvas.width) }
    for (index, picture) in pictures.enumerated() {
      let x = Self.margin + index % columns * pitch.width, y = top + index / columns * pitch.height
      canvas.draw(picture, x: x + (cell.width - picture.width) / 2, y: y + (cell.height - picture.height) / 2)
      for (row, line) in cells[index].lines.enumerated() {
        canvas.draw(line, font: Self.font, x: x, y: y + cell.height + row * Self.font.height, width: cell.width)
      }
    }
    return canvas.picture
  }
}
