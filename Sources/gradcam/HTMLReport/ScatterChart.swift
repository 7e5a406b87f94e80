/// A scatter chart with a sign for each point, as SVG that fills its container's width.
struct ScatterChart {
  let id, title, xName, yName: String
  let points: [Point]

  struct Point {
    let sign, name: String
    let x, y: Double
  }

  /// The height in pixels, and the width for which signs are kept apart.
  private static let height = 300.0, nominalWidth = 600.0
  /// Where the plot lies: in percent of the width, and in pixels of the height.
  private static let columns = (12.0, 94.0), rows = (34.0, 252.0)

  var html: HTML {
    let x = Axis(points.map(\.x), spansFactors: true), y = Axis(points.map(\.y))
    let places = points.map { (x: Self.column(x.place($0.x)), y: Self.row(y.place($0.y))) }
    return """
      <svg class="scatter" width="100%" height="\(Int(Self.height))" role="img" \
      aria-labelledby="\(id)-title \(id)-description"><title id="\(id)-title">\(title)</title>\
      <desc id="\(id)-description">\(description)</desc>
      \(y.ticks.map { tick -> HTML in
        let row = decimal(Self.row(y.place(tick)), 1)
        return """
          <line class="grid" x1="\(decimal(Self.columns.0, 1))%" x2="\(decimal(Self.columns.1, 1))%" y1="\(row)" \
          y2="\(row)"/><text x="\(decimal(Self.columns.0 - 1, 1))%" y="\(row)" dy="4" text-anchor="end">\
          \(y.text(tick))</text>

          """
      })\(x.ticks.map { tick -> HTML in
        let column = decimal(Self.column(x.place(tick)), 1)
        return """
          <line class="grid" x1="\(column)%" x2="\(column)%" y1="\(decimal(Self.rows.0, 1))" \
          y2="\(decimal(Self.rows.1, 1))"/><text x="\(column)%" y="\(decimal(Self.rows.1 + 18, 1))" \
          text-anchor="middle">\(x.text(tick))</text>

          """
      })<text class="axis" y="14">\(yName)</text>
      <text class="axis" x="\(decimal(Self.columns.1, 1))%" y="\(decimal(Self.height - 8, 1))" text-anchor="end">\
      \(xName)</text>
      \(zip(points, zip(places, signPlaces(around: places))).map { point, places -> HTML in
        let (dot, sign) = (places.0, places.1)
        return """
          <circle class="dot" cx="\(decimal(dot.x, 2))%" cy="\(decimal(dot.y, 1))" r="5"/>\
          <text class="letter" x="\(decimal(sign.x, 2))%" y="\(decimal(sign.y, 1))" dy="5" text-anchor="middle">\
          \(point.sign)</text>

          """
      })</svg>
      """
  }

  private var description: String {
    points.map { "\($0.name): \(typesetBriefly($0.x)), \(typeset($0.y, 3))" }.joined(separator: "; ") + "."
  }

  private static func column(_ place: Double) -> Double { columns.0 + (columns.1 - columns.0) * place }
  private static func row(_ place: Double) -> Double { rows.1 - (rows.1 - rows.0) * place }

  /// A place beside each point for its sign, away from the points and from other signs.
  private func signPlaces(around places: [(x: Double, y: Double)]) -> [(x: Double, y: Double)] {
    var taken = places.map { (x: $0.x / 100 * Self.nominalWidth, y: $0.y) }
    let directions = [(0.0, -1.0), (1, 0), (-1, 0), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1)]
    let offsets = [16.0, 30, 44].flatMap { size in directions.map { ($0.0 * size, $0.1 * size) } }
    return places.map { place in
      let candidates = offsets.map { (x: place.x / 100 * Self.nominalWidth + $0.0, y: place.y + $0.1) }
      let free = candidates.first { candidate in
        (Self.rows.0...Self.rows.1).contains(candidate.y)
          && taken.allSatisfy { abs($0.x - candidate.x) > 13 || abs($0.y - candidate.y) > 13 }
      }
      let chosen = free ?? candidates[0]
      taken.append(chosen)
      return (x: chosen.x / Self.nominalWidth * 100, y: chosen.y)
    }
  }
}
