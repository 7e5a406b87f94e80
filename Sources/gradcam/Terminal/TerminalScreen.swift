import GradCAM

/// A terminal that shows pictures.
struct TerminalScreen: Sendable {
  let terminalProtocol: TerminalProtocol
  let size: TerminalSize
  /// The most colours of a sixel picture.
  var colorCount = 256
  /// Whether what is not characters must be passed through tmux.
  var isInTmux = false

  /// The columns between pictures side by side.
  private static let gap = 2
  /// The fewest columns of a picture in a grid, and those that are enough if the grid leaves its columns open.
  private static let narrowest = 16, ample = 24
  /// The rows that are left for the lines below a picture and for the prompt.
  private static let margin = 2
  /// How many times pictures are enlarged at most.
  private static let enlargement = 4.0

  /// What shows a picture, as large as the terminal admits, and moves to the line below it.
  ///
  /// Throws what resizing and encoding throw.
  func shown(_ picture: Picture) throws -> [UInt8] { try strip([picture], width: size.columns, lineCount: 0) }

  /// What shows a grid with its title and labels as text.
  ///
  /// A row that is wider than the terminal is continued below. Throws what resizing and encoding throw.
  func shown(_ grid: PictureGrid) throws -> [UInt8] {
    func fitting(_ width: Int) -> Int { max(1, (size.columns + Self.gap) / (width + Self.gap)) }
    let rowLength = grid.columns ?? min(grid.cells.count, fitting(Self.ample))
    let parts = (rowLength + fitting(Self.narrowest) - 1) / fitting(Self.narrowest)
    let count = (rowLength + parts - 1) / parts, width = (size.columns + Self.gap) / count - Self.gap
    let lineCount = grid.cells.map(\.lines.count).max() ?? 0
    var bytes = grid.title.map { Array("\($0.visible)\n".utf8) } ?? []
    for row in grid.cells.parts(of: rowLength) {
      for cells in row.parts(of: count) {
        bytes += try strip(cells.map(\.picture), width: width, lineCount: lineCount)
        for line in 0..<lineCount {
          let texts = cells.map { $0.lines.indices.contains(line) ? $0.lines[line].fitted(to: width).visible : "" }
          bytes += Array((texts.inColumns(of: width, gap: Self.gap) + "\n").utf8)
        }
      }
    }
    return bytes
  }

  /// Pictures side by side, each in a box of a width in columns, with as many lines below.
  private func strip(_ pictures: [Picture], width: Int, lineCount: Int) throws -> [UInt8] {
    let rows = max(1, size.rows - Self.margin - lineCount)
    let fits = pictures.map { fit($0.size, columns: width, rows: rows) }
    let height = fits.map(\.rows).max()!
    if terminalProtocol.isText {
      let lines = try zip(pictures, fits).map { picture, fit in
        let dots = try picture.resized(width: fit.columns, height: fit.dots)
        return HalfBlocks.lines(dots, usesPalette: terminalProtocol == .blocks256).map { ($0, fit.columns) }
      }
      return (0..<height).flatMap { row in
        var text = "", column = 0
        for (index, lines) in lines.enumerated() where row < lines.count {
          let left = index * (width + Self.gap)
          text += String(repeating: " ", count: left - column) + lines[row].0
          column = left + lines[row].1
        }
        return Array((text + "\n").utf8)
      }
    }
    // Room first, so that nothing scrolls while pictures are placed, from wherever the cursor is saved.
    var bytes = Array((String(repeating: "\n", count: height) + "\u{1B}[\(height)A").utf8)
    for (index, (picture, fit)) in zip(pictures, fits).enumerated() {
      let left = index * (width + Self.gap)
      bytes += Array(("\u{1B}7" + (left > 0 ? "\u{1B}[\(left)C" : "")).utf8)
      bytes += try codes(picture, fit)
      bytes += Array("\u{1B}8".utf8)
    }
    return bytes + Array("\u{1B}[\(height)B\r".utf8)
  }

  /// What places a picture at the cursor, which may move.
  private func codes(_ picture: Picture, _ fit: Fit) throws -> [UInt8] {
    func png() throws -> [UInt8] {
      // The terminal enlarges.
      let isSmaller = fit.pixels.width < picture.width
      return try (isSmaller ? picture.resized(width: fit.pixels.width, height: fit.pixels.height) : picture)
        .encoded(for: "picture.png")
    }
    switch terminalProtocol {
    case .kitty: return passed(KittyGraphics.codes(png: try png(), columns: fit.columns))
    case .iterm2: return passed([ITermImage.code(png: try png(), columns: fit.columns)])
    case .sixel:
      return Sixel.code(
        try picture.resized(width: fit.pixels.width, height: fit.pixels.height), colorCount: colorCount)
    case .blocks, .blocks256: preconditionFailure("half blocks are lines")
    }
  }

  /// Escape codes as tmux passes them on to its terminal, if `allow-passthrough` is on: each escape character twice.
  private func passed(_ codes: [[UInt8]]) -> [UInt8] {
    guard isInTmux else { return codes.flatMap { $0 } }
    return codes.flatMap { code in
      Array("\u{1B}Ptmux;".utf8) + code.flatMap { $0 == 0x1B ? [$0, $0] : [$0] } + Array("\u{1B}\\".utf8)
    }
  }

  /// The size at which a picture is shown.
  private struct Fit {
    /// In pixels of the terminal.
    let pixels: PixelSize
    /// In characters, and in halves of their height.
    let columns, rows, dots: Int
  }

  /// The largest size in a box: of half blocks, a pixel of the picture is at most one of them.
  private func fit(_ picture: PixelSize, columns: Int, rows: Int) -> Fit {
    let cell = size.cell, (width, height) = (Double(picture.width), Double(picture.height))
    let scale = min(
      Double(columns) * cell.width / width, Double(rows) * cell.height / height,
      terminalProtocol.isText ? cell.width : Self.enlargement)
    func count(_ length: Double, of unit: Double, _ rule: FloatingPointRoundingRule, most: Int) -> Int {
      // Without the errors of rounding, which would matter most where the box is filled.
      min(max(Int((((length * scale / unit) * 1e6).rounded() / 1e6).rounded(rule)), 1), most)
    }
    let dots = count(height, of: cell.height / 2, .toNearestOrAwayFromZero, most: 2 * rows)
    return Fit(
      pixels: PixelSize(
        width: count(width, of: 1, .toNearestOrAwayFromZero, most: .max),
        height: count(height, of: 1, .toNearestOrAwayFromZero, most: .max)),
      // The height follows from the columns, and must not need another row.
      columns: count(width, of: cell.width, terminalProtocol.isText ? .toNearestOrAwayFromZero : .down, most: columns),
      rows: terminalProtocol.isText ? (dots + 1) / 2 : count(height, of: cell.height, .up, most: rows), dots: dots)
  }
}

extension Array {
  /// Its elements in parts of a length, the last perhaps shorter.
  fileprivate func parts(of length: Int) -> [ArraySlice<Element>] {
    stride(from: 0, to: count, by: length).map { self[$0..<Swift.min($0 + length, count)] }
  }
}

extension ArraySlice {
  fileprivate func parts(of length: Int) -> [ArraySlice<Element>] { Array(self).parts(of: length) }
}

extension [String] {
  /// The texts in columns, without spaces at the end.
  fileprivate func inColumns(of width: Int, gap: Int) -> String {
    var line = ""
    for (index, text) in enumerated() where !text.isEmpty {
      line += String(repeating: " ", count: Swift.max(0, index * (width + gap) - line.count)) + text
    }
    return line
  }
}
