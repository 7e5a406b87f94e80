import GradCAM

/// Aligns columns of text: numbers to the right, all else to the left.
///
/// Control characters are shown as their escapes.
struct Table {
  private var rows: [[String]]
  private let alignsRight: [Bool]

  /// Creates a table with a heading; a column whose heading begins with a space is aligned to the right.
  init(_ heading: [String]) {
    alignsRight = heading.map { $0.hasPrefix(" ") }
    rows = [heading.map { ($0.hasPrefix(" ") ? String($0.dropFirst()) : $0).visible }]
  }

  /// Adds a row with as many cells as the heading.
  mutating func add(_ cells: String...) { add(cells) }

  mutating func add(_ cells: [String]) { rows.append(cells.map(\.visible)) }

  /// The heading and the rows.
  var lines: [String] {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max()! }
    return rows.map { row in
      row.indices.map { column -> String in
        let padding = String(repeating: " ", count: widths[column] - row[column].count)
        return alignsRight[column] ? padding + row[column] : row[column] + padding
      }.joined(separator: "  ").trimmedRight
    }
  }
}

extension String {
  fileprivate var trimmedRight: String {
    var text = self[...]
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}

/// A number with a fixed number of decimals.
func decimal(_ value: Double, _ places: Int) -> String {
  guard value.isFinite else { return "\(value)" }
  let scale = (0..<places).reduce(1.0) { product, _ in product * 10 }
  let scaled = (abs(value) * scale).rounded()
  guard scaled < 1e18, scale < 1e18 else { return "\(value)" }
  let whole = Int(scaled / scale), rest = Int(scaled) - whole * Int(scale)
  let sign = value < 0 && scaled > 0 ? "-" : ""
  guard places > 0 else { return sign + "\(whole)" }
  let digits = String(rest)
  return "\(sign)\(whole)." + String(repeating: "0", count: places - digits.count) + digits
}

/// A probability in percent with one decimal; one that would read 0.0% though it is above 0 is `<0.1%`.
func percent(_ probability: some BinaryFloatingPoint) -> String {
  0 < probability && probability < 0.0005 ? "<0.1%" : decimal(Double(probability) * 100, 1) + "%"
}

/// A number with five significant digits.
func significant(_ value: Double) -> String {
  guard value.isFinite, value != 0 else { return "\(value)" }
  var scale = 1.0
  while abs(value) * scale < 1e4 { scale *= 10 }
  while abs(value) * scale >= 1e5 { scale /= 10 }
  return "\((value * scale).rounded() / scale)"
}

/// A count in thousands, millions or more, with three significant digits if it is large: `25.6 M`.
func scaled(_ count: Int) -> String {
  guard count >= 1000 else { return "\(count) " }
  var value = Double(count), units = "kMGTPE"[...]
  while value >= 999.5, let unit = units.first {
    value /= 1000
    units.removeFirst()
    if value < 999.5 || units.isEmpty { return decimal(value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0) + " \(unit)" }
  }
  return "\(count) "
}
