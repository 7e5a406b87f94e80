import Graph

/// How four numbers describe a box over the network's input.
struct BoxForm: Sendable, Equatable {
  /// What the numbers are.
  enum Numbers: String, Sendable {
    /// The centre, width and height.
    case cxcywh
    /// Two opposite corners.
    case xyxy
    /// The upper left corner, width and height.
    case xywh
    /// Two opposite corners, the row first.
    case yxyx
    /// How far the left, upper, right and lower edge are from a point of the cell that the box is read from.
    case ltrb
  }

  /// What the numbers count.
  enum Unit: Sendable, Equatable, CustomStringConvertible {
    /// Pixels of the network's input.
    case pixels
    /// Shares of the input's width and height, which are this number.
    case share(Double)
    /// Cells of the feature map that the box is read from: the centre's distance from the corner of the box's own cell,
    /// and the logarithms of width and height, as in YOLOX; or distances of edges from the centre of the cell.
    case cells
    /// The same for distances of edges from the upper left corner of the cell, as in NanoDet-Plus.
    case corners

    /// Reads `px`, `cells`, `corners`, or the number that stands for the whole side of the input.
    init?(_ text: String) {
      switch text {
      case "px": self = .pixels
      case "cells": self = .cells
      case "corners": self = .corners
      default:
        guard let whole = Double(text), whole.isFinite, whole > 0 else { return nil }
        self = .share(whole)
      }
    }

    var description: String {
      switch self {
      case .pixels: "px"
      case .cells: "cells"
      case .corners: "corners"
      case .share(let whole): Int(exactly: whole).map { "\($0)" } ?? "\(whole)"
      }
    }
  }

  let numbers: Numbers
  let unit: Unit

  /// Whether it describes a box only together with the cell that it is read from.
  var needsCell: Bool { numbers == .ltrb || unit == .cells || unit == .corners }

  /// The box over an input of a size.
  ///
  /// - Parameters:
  ///   - values: the four numbers.
  ///   - angle: by how much the box is turned, in radians, from its width's axis towards the rows below.
  ///   - cell: where it is read from; needed for `cells`, `corners` and `ltrb`.
  ///
  /// Nil if the numbers are not finite, or the cell is missing.
  func box(_ values: [Float], angle: Float = 0, cell: BoxScales.Cell?, over size: PixelSize) -> OrientedBox? {
    guard values.count == 4 else { return nil }
    var (a, b, c, d) = (Double(values[0]), Double(values[1]), Double(values[2]), Double(values[3]))
    if numbers == .yxyx { (a, b, c, d) = (b, a, d, c) }
    if numbers == .ltrb {
      guard let cell else { return nil }
      // From here on they are corners, in the same unit.
      let shift = unit == .corners ? 0 : 0.5, whole = extents(of: size, in: cell)
      let x = (Double(cell.column) + shift) / Double(cell.columns) * whole.width
      let y = (Double(cell.row) + shift) / Double(cell.rows) * whole.height
      (a, b, c, d) = (x - a, y - b, x + c, y + d)
    }
    var box: OrientedBox
    switch numbers {
    case .xyxy, .yxyx, .ltrb: box = OrientedBox(x: (a + c) / 2, y: (b + d) / 2, width: abs(c - a), height: abs(d - b))
    case .xywh: box = OrientedBox(x: a + c / 2, y: b + d / 2, width: c, height: d)
    case .cxcywh: box = OrientedBox(x: a, y: b, width: c, height: d)
    }
    switch unit {
    case .pixels: break
    case .share(let whole): box.scale(by: Double(size.width) / whole, Double(size.height) / whole)
    case .cells, .corners:
      guard let cell else { return nil }
      if numbers == .cxcywh {
        box = OrientedBox(
          x: box.x + Double(cell.column), y: box.y + Double(cell.row), width: exp(box.width), height: exp(box.height))
      }
      box.scale(by: Double(size.width) / Double(cell.columns), Double(size.height) / Double(cell.rows))
    }
    box.angle = Double(angle)
    return box.isFinite ? box : nil
  }

  /// The width and height of the whole input in the unit of the numbers.
  private func extents(of size: PixelSize, in cell: BoxScales.Cell) -> (width: Double, height: Double) {
    switch unit {
    case .pixels: (Double(size.width), Double(size.height))
    case .share(let whole): (whole, whole)
    case .cells, .corners: (Double(cell.columns), Double(cell.rows))
    }
  }
}

/// A rectangle, possibly turned around its centre, in pixels.
struct OrientedBox: Sendable, Equatable {
  /// The centre.
  var x, y: Double
  var width, height: Double
  /// In radians, from the axis of the width towards the rows below.
  var angle = 0.0

  init(x: Double, y: Double, width: Double, height: Double) {
    (self.x, self.y, self.width, self.height) = (x, y, width, height)
  }

  /// Beyond this, products of coordinates mean nothing.
  private static let farthest = 1e9

  var isFinite: Bool { [x, y, width, height].allSatisfy { abs($0) < Self.farthest } && angle.isFinite }
  var area: Double { max(0, width) * max(0, height) }

  mutating func scale(by across: Double, _ down: Double) {
    (x, width, y, height) = (x * across, width * across, y * down, height * down)
  }

  /// The corners in turn.
  var corners: [(x: Double, y: Double)] {
    let (cosine, sine) = (cos(angle), sin(angle))
    return [(-1.0, -1.0), (1, -1), (1, 1), (-1, 1)].map { across, down in
      let (dx, dy) = (across * max(0, width) / 2, down * max(0, height) / 2)
      return (x + dx * cosine - dy * sine, y + dx * sine + dy * cosine)
    }
  }

  /// The area that both cover as a share of the area that one of them covers; 0 if neither has an area.
  func overlap(with other: OrientedBox) -> Double {
    let shared = angle == 0 && other.angle == 0 ? straightIntersection(other) : turnedIntersection(other)
    let union = area + other.area - shared
    return union > 0 ? shared / union : 0
  }

  private func straightIntersection(_ other: OrientedBox) -> Double {
    func shared(_ a: Double, _ extent: Double, _ b: Double, _ otherExtent: Double) -> Double {
      min(a + extent / 2, b + otherExtent / 2) - max(a - extent / 2, b - otherExtent / 2)
    }
    return max(0, shared(x, width, other.x, other.width)) * max(0, shared(y, height, other.y, other.height))
  }

  /// The other's corners cut off along each of this one's edges.
  private func turnedIntersection(_ other: OrientedBox) -> Double {
    var polygon = other.corners
    let edges = corners
    for (start, end) in zip(edges, edges.dropFirst() + [edges[0]]) {
      func side(_ point: (x: Double, y: Double)) -> Double {
        (end.x - start.x) * (point.y - start.y) - (end.y - start.y) * (point.x - start.x)
      }
      var kept: [(x: Double, y: Double)] = []
      for (before, point) in zip([polygon.last].compactMap { $0 } + polygon, polygon) {
        let (was, now) = (side(before), side(point))
        if (was < 0) != (now < 0) {
          let share = was / (was - now)
          kept.append((before.x + share * (point.x - before.x), before.y + share * (point.y - before.y)))
        }
        if now >= 0 { kept.append(point) }
      }
      polygon = kept
      if polygon.isEmpty { return 0 }
    }
    let twice = zip(polygon, polygon.dropFirst() + [polygon[0]]).reduce(0) { $0 + $1.0.x * $1.1.y - $1.1.x * $1.0.y }
    return abs(twice) / 2
  }
}
