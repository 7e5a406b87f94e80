/// The errors of nodes from the first to the last as SVG that fills its container's width: all of it as circles, a
/// node's own as dots, those of nodes that break coloured.
struct DriftChart {
  let id: String
  /// In the file's order.
  let nodes: [DriftReport.Node]

  private static let height = 300.0
  private static let columns = (8.0, 98.0), rows = (24.0, 268.0)
  /// Ratios above this are drawn at it, in decibels: nobody sees such an error.
  private static let highest = 80.0

  var html: HTML {
    let values = nodes.map { clamped($0.snr) } + nodes.compactMap { $0.own_snr.map(clamped) }
    let axis = Axis(values + [0])
    func row(_ value: Double) -> String {
      decimal(Self.rows.1 - (Self.rows.1 - Self.rows.0) * axis.place(clamped(value)), 1)
    }
    func column(_ index: Int) -> String {
      let place = nodes.count > 1 ? Double(index) / Double(nodes.count - 1) : 0.5
      return decimal(Self.columns.0 + (Self.columns.1 - Self.columns.0) * place, 2)
    }
    let lines = axis.ticks.map { tick -> HTML in
      """
      <line class="grid" x1="\(decimal(Self.columns.0, 1))%" x2="\(decimal(Self.columns.1, 1))%" y1="\(row(tick))" \
      y2="\(row(tick))"/><text x="\(decimal(Self.columns.0 - 1, 1))%" y="\(row(tick))" dy="4" text-anchor="end">\
      \(axis.text(tick))</text>

      """
    }
    let dots = nodes.enumerated().map { index, node -> HTML in
      let own: HTML =
        node.own_snr.map {
          """
          <circle class="\(node.breaks ? "dot" : "bar")" cx="\(column(index))%" cy="\(row($0))" \
          r="\(node.breaks ? 6 : 3)"/>
          """
        } ?? ""
      return """
        <g><title>\(node.node): \(typeset(node.snr, 1)) dB\
        \(node.own_snr.map { ", own \(typeset($0, 1)) dB" } ?? "")</title>\
        <circle class="ring" cx="\(column(index))%" cy="\(row(node.snr))" r="3"/>\(own)</g>

        """
    }
    return """
      <svg class="scatter" width="100%" height="\(Int(Self.height))" role="img" \
      aria-labelledby="\(id)-title \(id)-description"><title id="\(id)-title">Signal-to-noise ratios of nodes</title>\
      <desc id="\(id)-description">\(description)</desc>
      \(lines)<text class="axis" y="14">dB</text>
      <text class="axis" x="\(decimal(Self.columns.1, 1))%" y="\(decimal(Self.height - 8, 1))" text-anchor="end">\
      nodes in the file’s order</text>
      \(dots)</svg>
      """
  }

  private var description: String {
    let worst = nodes.min { ($0.own_snr ?? .infinity) < ($1.own_snr ?? .infinity) }
    guard let worst, let own = worst.own_snr else { return "No node has an error of its own." }
    return "The largest error of its own is at \(worst.node): \(typeset(own, 1)) dB."
  }

  private func clamped(_ value: Double) -> Double { max(-40, min(Self.highest, value)) }
}
