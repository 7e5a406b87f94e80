/// A detector's boxes as they are drawn over a picture.
public struct DrawnBoxes: Sendable {
  let boxes: DetectedBoxes
  let geometry: PreprocessingGeometry

  /// Boxes over the picture that became the network's input by a geometry.
  public init(_ boxes: DetectedBoxes, in geometry: PreprocessingGeometry) {
    (self.boxes, self.geometry) = (boxes, geometry)
  }

  /// Draws the boxes with class and score, those explained last and thick.
  public func drawn(over picture: Picture) -> Picture {
    var canvas = Canvas(picture)
    let side = min(picture.width, picture.height), thickness = max(1, side / 300), fontScale = max(1, side / 700)
    let isSame = picture.size == geometry.original
    let across = isSame ? 1 : Double(picture.width) / Double(geometry.original.width)
    let down = isSame ? 1 : Double(picture.height) / Double(geometry.original.height)
    let inOrder = boxes.boxes.filter { !boxes.explains($0) }.reversed() + boxes.boxes.filter { boxes.explains($0) }
    for box in inOrder {
      let isExplained = boxes.explains(box), width = isExplained ? 3 * thickness : thickness
      let corners = box.corners(in: geometry).map { (x: $0.x * across, y: $0.y * down) }
      canvas.outline(corners, thickness: width + 2, shade: 0)
      canvas.outline(corners, thickness: width, shade: 255)
      let left = corners.map(\.x).min()!, top = corners.map(\.y).min()!
      canvas.label(box.title, x: left, y: top, scale: fontScale, isBold: isExplained)
    }
    return canvas.picture
  }
}

extension DetectedBox {
  /// For example `dog 0.91`.
  public var title: String {
    let name = label ?? classIndex.map { "class \($0)" } ?? "box"
    let hundredths = score.isFinite ? max(0, min(100, Int((min(max(score, 0), 1) * 100).rounded()))) : 0
    return "\(name) \(hundredths == 100 ? "1.00" : "0." + (hundredths < 10 ? "0" : "") + "\(hundredths)")"
  }
}

extension Canvas {
  /// Draws the sides of a polygon, of which parts may lie outside.
  mutating func outline(_ corners: [(x: Double, y: Double)], thickness: Int, shade: UInt8) {
    for (start, end) in zip(corners, corners.dropFirst() + corners.prefix(1)) {
      guard let (start, end) = clipped(start, end, margin: Double(thickness)) else { continue }
      let count = max(1, Int(max(abs(end.x - start.x), abs(end.y - start.y)).rounded(.up)))
      for step in 0...count {
        let share = Double(step) / Double(count)
        let x = Int((start.x + share * (end.x - start.x)).rounded(.down)) - thickness / 2
        let y = Int((start.y + share * (end.y - start.y)).rounded(.down)) - thickness / 2
        fill(x..<x + thickness, y..<y + thickness, shade)
      }
    }
  }

  /// The part of a line that lies inside, but for a margin; nil if none does.
  private func clipped(
    _ start: (x: Double, y: Double), _ end: (x: Double, y: Double), margin: Double
  ) -> (start: (x: Double, y: Double), end: (x: Double, y: Double))? {
    var first = 0.0, last = 1.0
    for (from, to, extent) in [(start.x, end.x, width), (start.y, end.y, height)] {
      let low = -margin, high = Double(extent) + margin
      guard from != to else {
        if from < low || from > high { return nil }
        continue
      }
      let (a, b) = ((low - from) / (to - from), (high - from) / (to - from))
      (first, last) = (max(first, min(a, b)), min(last, max(a, b)))
    }
    guard first <= last else { return nil }
    func point(_ share: Double) -> (x: Double, y: Double) {
      (start.x + share * (end.x - start.x), start.y + share * (end.y - start.y))
    }
    return (point(first), point(last))
  }

  /// Writes a text on a white ground above a place, or below it where there is no room.
  mutating func label(_ text: String, x: Double, y: Double, scale: Int, isBold: Bool) {
    let font = BitmapFont.fixed, lineHeight = font.height * scale
    let shown = font.fitted(.text(text), in: max(1, width / scale - 2))
    let length = (shown.count * font.width + 2) * scale
    let left = min(max(0, Int(x.rounded())), max(0, width - length))
    let above = Int(y.rounded()) - lineHeight, top = min(max(0, above), max(0, height - lineHeight))
    fill(left..<left + length, top..<top + lineHeight, 255)
    font.forEachPixel(of: shown) { column, row in
      let x = left + (column + 1) * scale, y = top + row * scale
      fill(x..<x + scale + (isBold ? scale : 0), y..<y + scale, 0)
    }
  }
}
