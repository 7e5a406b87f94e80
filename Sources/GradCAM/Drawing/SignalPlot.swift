import Graph

/// The curves of a signal one below the other, with its map as a band of colours under them and behind them.
struct SignalPlot {
  /// What stands beside each curve.
  let names: [String]
  /// As many numbers each as the map has places.
  let curves: [[Float]]
  /// In 0 … 1.
  let map: HeatMap
  /// The samples per second; nil labels samples.
  let rate: Double?

  private static let font = BitmapFont.fixed
  private static let plotWidth = 960, curvesHeight = 480, left = 110, right = 16, top = 10, gap = 6, band = 28

  /// The picture has one size, however many curves there are.
  private var rowHeight: Int { Self.curvesHeight / curves.count }

  /// - Parameter blend: the weight of white against the heat behind the curves.
  func picture(_ style: DrawingStyle, _ colormap: Colormap, _ blend: Float) throws -> Picture {
    switch style {
    case .overlay: try drawn(colormap) { heat, _ in heat.map { Self.mixed(Float($0), 255, blend) } }
    case .mask:
      try drawn(colormap) { _, value in
        let level = UInt8(255 * (value > 0 ? min(value, 1) : 0))
        return [level, level, level]
      }
    case .heat: try drawn(colormap, showsCurves: false) { heat, _ in heat }
    case .sideBySide:
      try drawn(colormap) { _, _ in [255, 255, 255] }.besideAtSameHeight(
        picture(.overlay, colormap, blend))
    }
  }

  private static func mixed(_ heat: Float, _ other: Float, _ share: Float) -> UInt8 {
    UInt8(min(max((1 - share) * heat + share * other, 0), 255))
  }

  /// - Parameter background: the colour behind the curves, by the heat's colour and the map.
  private func drawn(
    _ colormap: Colormap, showsCurves: Bool = true, _ background: ([UInt8], Float) -> [UInt8]
  ) throws -> Picture {
    let bandTop = Self.top + Self.curvesHeight + Self.gap
    var canvas = try Canvas(
      white: PixelSize(
        width: Self.left + Self.plotWidth + Self.right, height: bandTop + Self.band + Self.font.height + 16))
    let colours = colormap.colors
    for column in 0..<Self.plotWidth {
      let value = places(under: column).map { map.values[$0] }.max()!
      let level = Int(255 * (value > 0 ? min(value, 1) : 0))
      let heat = Array(colours[3 * level..<3 * level + 3]), behind = background(heat, value)
      let columns = Self.left + column..<Self.left + column + 1
      canvas.fill(columns, Self.top..<Self.top + Self.curvesHeight, (behind[0], behind[1], behind[2]))
      canvas.fill(columns, bandTop..<bandTop + Self.band, (heat[0], heat[1], heat[2]))
    }
    if showsCurves { for number in curves.indices { draw(number, on: &canvas) } }
    drawAxis(on: &canvas, y: bandTop + Self.band)
    return canvas.picture
  }

  /// The places of the map that a column of the plot covers, at least one.
  private func places(under column: Int) -> Range<Int> {
    let count = map.values.count
    let first = column * count / Self.plotWidth
    return first..<max(first + 1, (column + 1) * count / Self.plotWidth)
  }

  private func draw(_ number: Int, on canvas: inout Canvas) {
    let curve = curves[number], finite = curve.filter(\.isFinite), top = Self.top + number * rowHeight
    let low = finite.min() ?? 0, high = finite.max() ?? 1, range = high - low
    func row(_ value: Float) -> Int {
      let share = range > 0 && range.isFinite ? (value - low) / range : 0.5
      return top + 1 + Int(Float(rowHeight - 3) * (1 - min(max(share, 0), 1)))
    }
    var last: Int?
    for column in 0..<Self.plotWidth {
      let values = samples(of: curve, under: column).filter(\.isFinite)
      guard let smallest = values.min(), let largest = values.max() else {
        last = nil
        continue
      }
      // Lines go on where the last column ended.
      let rows = [row(largest), row(smallest)] + (last.map { [$0] } ?? [])
      canvas.fill(
        Self.left + column..<Self.left + column + 1, rows.min()!..<rows.max()! + 1, (20, 20, 20))
      last = row(values.last!)
    }
    let lines = [(high, top), (low, top + rowHeight - Self.font.height)]
    for (value, y) in rowHeight >= 3 * Self.font.height ? lines : [] { label(brief(Double(value)), on: &canvas, y: y) }
    guard rowHeight >= Self.font.height else { return }
    label(names[number], on: &canvas, y: top + (rowHeight - Self.font.height) / 2)
  }

  /// The curve's values in a column: those of its samples, or one between two.
  private func samples(of curve: [Float], under column: Int) -> [Float] {
    guard curve.count < Self.plotWidth else { return Array(curve[places(under: column)]) }
    let place = (Double(column) + 0.5) * Double(curve.count) / Double(Self.plotWidth) - 0.5
    let lower = min(max(Int(place.rounded(.down)), 0), curve.count - 1), upper = min(lower + 1, curve.count - 1)
    let share = Float(min(max(place - Double(lower), 0), 1))
    return [curve[lower] + (curve[upper] - curve[lower]) * share]
  }

  /// Writes to the left of the plot, flush right.
  private func label(_ text: String, on canvas: inout Canvas, y: Int) {
    let width = min(text.count * Self.font.width, Self.left - 12)
    canvas.draw(.text(text), font: Self.font, x: Self.left - 8 - width, y: y, width: width)
  }

  private func drawAxis(on canvas: inout Canvas, y: Int) {
    let count = Double(map.values.count), length = rate.map { count / $0 } ?? count
    let unit = rate == nil ? "samples" : "s"
    let step = Self.step(length), perUnit = count / length
    var value = 0.0
    while value < length {
      // Samples lie in the middle of what they cover.
      let x = Self.left + Int((value * perUnit + 0.5) / count * Double(Self.plotWidth))
      if x < Self.left + Self.plotWidth { canvas.fill(x..<x + 1, y..<y + 5, (0, 0, 0)) }
      let text = brief(value), width = text.count * Self.font.width
      if x + width / 2 < Self.left + Self.plotWidth - 80 {
        canvas.draw(.text(text), font: Self.font, x: max(0, x - width / 2), y: y + 7, width: width)
      }
      value += step
    }
    let width = unit.count * Self.font.width
    canvas.draw(.text(unit), font: Self.font, x: Self.left + Self.plotWidth - width, y: y + 7, width: width)
  }

  /// The distance of labels: 1, 2 or 5 times a power of ten, about eight of them.
  private static func step(_ length: Double) -> Double {
    var power = 1.0
    while power * 10 < length { power *= 10 }
    while power > length, power > 1e-12 { power /= 10 }
    return [0.1, 0.2, 0.5, 1, 2, 5].map { $0 * power }.first { length / $0 <= 10 } ?? power * 5
  }
}
