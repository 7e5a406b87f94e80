import GraphLayout

/// Numbers that are the same in every run (SplitMix64).
struct Generator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: Int) { state = UInt64(seed) }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }

  /// Edges between items at most `reach` positions apart.
  mutating func edges(_ number: Int, among count: Int, reach: Int) -> [(from: Int, to: Int)] {
    (0..<number).map { _ in
      let to = Int.random(in: 1..<count, using: &self)
      return (Int.random(in: max(0, to - reach)..<to, using: &self), to)
    }
  }
}

/// Edges from each of some items to the next.
func chain(_ items: ClosedRange<Int>) -> [(from: Int, to: Int)] {
  items.dropFirst().map { ($0 - 1, $0) }
}

/// Edges from each of the first items to the next, and `others`.
func chain(_ count: Int, _ others: [(from: Int, to: Int)] = []) -> [(from: Int, to: Int)] {
  chain(0...count - 1) + others
}

/// Edges from every item to all that are at most `reach` after it.
func dense(_ count: Int, reach: Int) -> [(from: Int, to: Int)] {
  (0..<count).flatMap { from in (from + 1..<max(from + 1, min(count, from + reach + 1))).map { (from, $0) } }
}

extension GridLayout {
  /// The cells, one line for each row: an item's number, or a point for an empty cell.
  var drawing: [String] {
    var cells = [[String]](repeating: [String](repeating: ".", count: columns), count: rows)
    for (item, place) in places.enumerated() { cells[place.row][place.column] = "\(item)" }
    return cells.map { $0.joined(separator: " ") }
  }

  /// The edges that are not direct, such as `1-4 gutter 0.2 rows 1...3`.
  var routes: [String] {
    edges.compactMap { edge in
      switch edge.route {
      case .direct: nil
      case .column(let column, let rows): "\(edge.from)-\(edge.to) column \(column) rows \(rows)"
      case .gutter(let column, let lane, let rows): "\(edge.from)-\(edge.to) gutter \(column).\(lane) rows \(rows)"
      }
    }
  }
}
