/// Maps as dots in a plane, coloured by group, with each group's letter amid its dots, as SVG.
struct ClusterChart {
  let id: String
  let grouped: GroupedClass

  private static let width = 640.0, height = 400.0, margin = 28.0
  /// The most dots that are drawn, evenly chosen.
  private static let mostDots = 2000

  var html: HTML {
    let all = grouped.places.joined()
    let columns = Span(all.map(\.x), from: Self.margin, to: Self.width - Self.margin)
    let rows = Span(all.map(\.y), from: Self.height - Self.margin, to: Self.margin)
    let step = (all.count + Self.mostDots - 1) / Self.mostDots
    let dots = grouped.places.enumerated().map { index, places -> HTML in
      let circles = stride(from: 0, to: places.count, by: max(step, 1)).map { place -> HTML in
        "<circle cx=\"\(columns.text(places[place].x))\" cy=\"\(rows.text(places[place].y))\" r=\"4\"/>"
      }
      return "<g class=\"group-\(index % groupColorCount)\">\(circles)</g>\n"
    }
    let letters = grouped.places.enumerated().map { index, places -> HTML in
      func middle(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
      return """
        <text class="letter" x="\(columns.text(middle(places.map(\.x))))" y="\(rows.text(middle(places.map(\.y))))" \
        dy="-10" text-anchor="middle">\(letter(index))</text>
        """
    }
    return """
      <svg class="clusters" viewBox="0 0 \(Int(Self.width)) \(Int(Self.height))" role="img" \
      aria-labelledby="\(id)-title"><title id="\(id)-title">\(title)</title>
      \(dots)\(letters)</svg>
      """
  }

  private var title: String {
    "Maps of \(grouped.name) in a plane, those alike near each other: "
      + enumerated(grouped.groups.enumerated().map { "\($1.size) in group \(letter($0))" })
  }
}

/// How many groups have colours of their own.
let groupColorCount = 8

/// Numbers along a side of a chart.
private struct Span {
  let least, most, from, to: Double

  init(_ values: [Double], from: Double, to: Double) {
    (least, most, self.from, self.to) = (values.min() ?? 0, values.max() ?? 0, from, to)
  }

  func text(_ value: Double) -> String {
    decimal(from + (to - from) * (most > least ? (value - least) / (most - least) : 0.5), 1)
  }
}
