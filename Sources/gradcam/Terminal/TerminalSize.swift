import Graph

/// The size of a terminal.
struct TerminalSize: Sendable {
  /// In characters.
  let columns, rows: Int
  /// The size of a character in pixels: as the terminal says, else one that is twice as high as wide.
  let cell: (width: Double, height: Double)

  init(columns: Int, rows: Int, cell: (width: Double, height: Double) = (10, 20)) {
    (self.columns, self.rows, self.cell) = (columns, rows, cell)
  }

  /// The size of standard output, else what variables say, else the size of the terminal that the program was started
  /// from, else 80 × 40.
  init(_ terminal: ControllingTerminal?, _ traits: TerminalTraits, _ answers: TerminalAnswers?) {
    let sizes = [ControllingTerminal.size(of: STDOUT_FILENO), traits.columns == nil ? terminal?.size : nil]
    let size = sizes.compactMap { $0 }.first { $0.ws_col > 0 && $0.ws_row > 0 }
    func valid(_ count: Int?, else usual: Int) -> Int { min(max(count ?? usual, 1), 1000) }
    columns = valid(size.map { Int($0.ws_col) } ?? traits.columns, else: 80)
    rows = valid(size.map { Int($0.ws_row) } ?? traits.rows, else: 40)
    let reported = size.map { (Double($0.ws_xpixel) / Double($0.ws_col), Double($0.ws_ypixel) / Double($0.ws_row)) }
    let answered = (answers?.cell).map { (Double($0.width), Double($0.height)) }
    cell = [reported, answered].compactMap { $0 }.first { 2...100 ~= $0.0 && 2...200 ~= $0.1 } ?? (10, 20)
  }
}
