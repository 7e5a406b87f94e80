import Graph

/// A box that a detector found.
public struct DetectedBox: Sendable {
  /// The number of better boxes.
  public let rank: Int
  /// Its index in the model's output.
  public let index: Int
  /// Its class; nil if it is not known.
  public let classIndex: Int?
  /// The name of its class, if known.
  public let label: String?
  /// Its score, 0 … 1.
  public let score: Float
  /// Where it is over the network's input.
  let outline: OrientedBox

  /// Where it is in the picture: corners in turn, in pixels from the upper left, which may lie outside.
  public func corners(in geometry: PreprocessingGeometry) -> [(x: Double, y: Double)] {
    outline.corners.map { geometry.originalPoint(x: $0.x, y: $0.y) }
  }

  /// The left, upper, right and lower edge in the picture, in pixels, cut off at its edges; of a box that is turned,
  /// those of all corners.
  public func edges(in geometry: PreprocessingGeometry) -> [Double] {
    let corners = corners(in: geometry), size = geometry.original
    func within(_ values: [Double], _ extent: Int) -> (Double, Double) {
      (min(max(values.min()!, 0), Double(extent)), min(max(values.max()!, 0), Double(extent)))
    }
    let (left, right) = within(corners.map(\.x), size.width), (top, bottom) = within(corners.map(\.y), size.height)
    return [left, top, right, bottom]
  }

  /// Whether it is turned.
  public var isTurned: Bool { outline.angle != 0 }
}

/// The boxes that a detector is sure of in a picture, and those that are explained.
public struct DetectedBoxes: Sendable {
  /// Boxes with a lesser score are shown only if they are explained.
  public static let leastScore: Float = 0.25
  /// No more than this are shown, those explained excepted.
  static let largestCount = 100

  /// The boxes, best first; of detectors whose boxes' places are not known, none.
  public let boxes: [DetectedBox]
  /// The indices in the output of those that are explained.
  public private(set) var explained: Set<Int>
  /// The values of which each cell holds the numbers of a box explained; nil if that is not known.
  var sources: Set<ValueID>?

  /// Whether a box is explained.
  public func explains(_ box: DetectedBox) -> Bool { explained.contains(box.index) }

  /// The same boxes, with those explained that either explains.
  func explaining(_ other: DetectedBoxes) -> DetectedBoxes {
    let missing = other.boxes.filter { box in !boxes.contains { $0.index == box.index } }
    var both = DetectedBoxes(boxes: boxes + missing, explained: explained.union(other.explained))
    both.sources = sources.flatMap { own in other.sources.map(own.union) }
    return both
  }

  /// - Parameter scale: what the box explained is read from.
  init(boxes: [DetectedBox], explained: Set<Int>, scale: BoxScales.Scale? = nil) {
    (self.boxes, self.explained, sources) = (boxes, explained, scale.map { [$0.source] })
  }
}

extension PreprocessingGeometry {
  /// The point of the original picture that a point of the network's input shows, in pixels from the upper left.
  func originalPoint(x: Double, y: Double) -> (x: Double, y: Double) {
    (
      (x + Double(crop.x)) * Double(original.width) / Double(resized.width),
      (y + Double(crop.y)) * Double(original.height) / Double(resized.height)
    )
  }
}
