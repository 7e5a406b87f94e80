/// A bar chart with zero in sight, as SVG that fills its container's width; the best bars are coloured and labelled.
struct BarChart {
  let id, title: String
  let bars: [Bar]
  /// The indices of the best bars.
  let best: Set<Int>

  struct Bar {
    let sign, name: String
    let value: Double?
    /// The ends of its 95% interval; nil for none.
    var interval: [Double]?

    /// The value with its interval, for a description.
    fileprivate var text: String? {
      let ends = interval.map { " (\(typeset($0[0], 3)) … \(typeset($0[1], 3)))" } ?? ""
      return value.map { typeset($0, 3) + ends }
    }
  }

  private static let pitch = 36

  var html: HTML {
    """
    <svg class="bars" width="100%" height="\(bars.count * Self.pitch)" role="img" \
    aria-labelledby="\(id)-title \(id)-description"><title id="\(id)-title">\(title)</title>\
    <desc id="\(id)-description">\(description)</desc>
    \(bars.indices.map(row))</svg>
    """
  }

  private var description: String {
    bars.indices.map { index in
      "\(bars[index].name): \(bars[index].text ?? "not defined")"
        + (best.contains(index) ? ", best" : "")
    }.joined(separator: "; ") + "."
  }

  private func row(_ index: Int) -> HTML {
    let bar = bars[index], top = index * Self.pitch
    let name = bar.name.count > 22 ? "\(bar.name.prefix(11))…\(bar.name.suffix(10))" : bar.name
    let number: HTML = bar.value.map { "\(typeset($0, 3))\(best.contains(index) ? " · best" : "")" } ?? "– not defined"
    let drawn: HTML =
      bar.value.map { value in
        let ends = [place(0), place(value)].sorted()
        return """
          <rect class="bar" x="\(decimal(ends[0], 2))%" y="\(top + 20)" width="\(decimal(ends[1] - ends[0], 2))%" \
          height="8"/>
          """
      } ?? ""
    let whisker: HTML =
      bar.interval.map { ends in
        """
        <line class="whisker" x1="\(decimal(place(ends[0]), 2))%" x2="\(decimal(place(ends[1]), 2))%" \
        y1="\(top + 24)" y2="\(top + 24)"/>
        """
      } ?? ""
    return """
      <g\(best.contains(index) ? " class=\"best\"" : "" as HTML)><text y="\(top + 14)">\
      <tspan class="letter">\(bar.sign)</tspan> \(name)</text>\
      <text x="100%" y="\(top + 14)" text-anchor="end">\(number)</text>\
      <rect class="track" y="\(top + 20)" width="100%" height="8"/>\(drawn)\(whisker)</g>

      """
  }

  /// Where a number lies, in percent of the width; zero is always in sight.
  private func place(_ value: Double) -> Double {
    let values = (bars.compactMap(\.value) + bars.compactMap(\.interval).joined()).filter(\.isFinite)
    let least = min(values.min() ?? 0, 0), most = max(values.max() ?? 0, 0)
    return most > least ? min(max((value - least) / (most - least), 0), 1) * 100 : 0
  }
}
