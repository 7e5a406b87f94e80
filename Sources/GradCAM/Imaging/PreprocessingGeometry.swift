/// The extents of a picture or of a feature map: width and height; or those of a signal, whose width is the number of its
/// samples, or of a volume or film, which has a depth as well.
public struct PixelSize: Sendable, Hashable {
  /// The width in pixels; of a signal, the number of its samples.
  public var width: Int
  /// The height in pixels; 1 for a signal.
  public var height: Int
  /// The number of slices of a volume, or of frames of a film; else 1.
  public private(set) var depth = 1
  /// The number of axes: 1 for a signal, 2 for a picture, 3 for a volume.
  public private(set) var rank = 2

  /// A size of given width and height.
  public init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }

  /// A size of one to three extents, outermost first: of a signal; height and width of a picture; depth, height and width.
  public init(extents: [Int]) {
    precondition((1...3).contains(extents.count))
    rank = extents.count
    width = extents[rank - 1]
    height = rank > 1 ? extents[rank - 2] : 1
    depth = rank > 2 ? extents[0] : 1
  }

  /// The extents, outermost first.
  public var extents: [Int] { [depth, height, width].suffix(rank) }

  /// The number of places.
  public var count: Int { depth * height * width }

  /// Width and height alone: those of a slice.
  public var plane: PixelSize { PixelSize(width: width, height: height) }

  /// A slice's size with a depth.
  public func stacked(_ depth: Int) -> PixelSize { PixelSize(extents: [depth, height, width]) }

  /// The largest extents of several sizes along each axis, of as many axes as any of them has.
  static func largest(of sizes: [PixelSize]) -> PixelSize {
    let all = [\PixelSize.depth, \.height, \.width].map { extent in sizes.map { $0[keyPath: extent] }.max()! }
    return PixelSize(extents: all.suffix(sizes.map(\.rank).max()!))
  }
}

/// A rectangle of whole pixels, its corner counted from the upper left.
public struct PixelRectangle: Sendable, Equatable {
  /// The first column; negative if a crop pads on the left.
  public var x: Int
  /// The first row; negative if a crop pads above.
  public var y: Int
  /// The width and height.
  public var size: PixelSize

  /// A rectangle of given corner and size.
  public init(x: Int, y: Int, width: Int, height: Int) {
    self.x = x
    self.y = y
    size = PixelSize(width: width, height: height)
  }

  /// All of a size.
  init(whole size: PixelSize) { (x, y, self.size) = (0, 0, size) }

  fileprivate init(columns: Range<Int>, rows: Range<Int>) {
    self.init(x: columns.lowerBound, y: rows.lowerBound, width: columns.count, height: rows.count)
  }
}

/// How a picture became a network's input: resized whole, then cropped or padded.
///
/// Signals and volumes are the input itself, neither resized nor cropped.
public struct PreprocessingGeometry: Sendable, Equatable {
  /// The size of the original picture.
  public let original: PixelSize
  /// The size to which the whole picture was resized.
  public let resized: PixelSize
  /// The part of the resized picture that is the network's input; it may reach beyond the picture.
  public let crop: PixelRectangle
  /// The colour of the input where the crop reaches beyond the picture.
  public let fill: PixelColor

  /// A geometry of given steps.
  ///
  /// - Precondition: all sizes are positive.
  public init(original: PixelSize, resized: PixelSize, crop: PixelRectangle, fill: PixelColor = .black) {
    precondition([original, resized, crop.size].allSatisfy { $0.width > 0 && $0.height > 0 })
    self.original = original
    self.resized = resized
    self.crop = crop
    self.fill = fill
  }

  /// A geometry that resizes the whole picture to the network's input.
  ///
  /// - Precondition: both sizes are positive.
  public init(original: PixelSize, resized: PixelSize) {
    self.init(original: original, resized: resized, crop: PixelRectangle(whole: resized))
  }

  /// The network's input of a picture of the original size: resized, then cropped or padded.
  ///
  /// - Throws: `GradCAMError` of kind `.usage` if a size is above `Picture.maximumPixelCount`.
  public func apply(to picture: Picture, filter: Picture.ResizeFilter = .pillow(.bilinear)) throws -> Picture {
    try picture.resized(width: resized.width, height: resized.height, filter: filter)
      .cropped(x: crop.x, y: crop.y, width: crop.size.width, height: crop.size.height, fill: fill)
  }

  /// The part of the network's input that shows the picture, without padding; all of it if no pixel does.
  public var content: PixelRectangle {
    let input = PixelRectangle(whole: crop.size)
    guard crop.size.rank == 2 else { return input }
    return PixelRectangle(x: -crop.x, y: -crop.y, width: resized.width, height: resized.height).intersection(input)
      ?? input
  }

  /// Whether the network's input shows more than the picture.
  public var isPadded: Bool { content.size != crop.size }

  /// The same input, made of the part of the resized picture that it shows.
  var ofContent: PreprocessingGeometry {
    let content = content
    var part = PixelRectangle(whole: crop.size)
    (part.x, part.y) = (-content.x, -content.y)
    return PreprocessingGeometry(original: content.size, resized: content.size, crop: part, fill: fill)
  }

  /// How a map is interpolated between its positions.
  public enum MapInterpolation: Sendable {
    /// The position that PyTorch's `interpolate` takes with mode `nearest`, at the network's input.
    case nearest
    /// Between two positions of each axis.
    case bilinear
    /// Between four, as in Pillow's `BICUBIC`; it undershoots next to a peak.
    case bicubic
  }

  /// The original picture's pixel under the centre of a position of a grid over the network's input; nil if that lies
  /// outside the picture.
  func originalPixel(row: Int, column: Int, of grid: PixelSize) -> (x: Int, y: Int)? {
    func pixel(_ index: Int, _ count: Int, _ cropStart: Int, _ crop: Int, _ resized: Int, _ original: Int) -> Int? {
      let position = (Double(index) + 0.5) * Double(crop) / Double(count) + Double(cropStart)
      let pixel = Int((position * Double(original) / Double(resized)).rounded(.down))
      return (0..<original).contains(pixel) ? pixel : nil
    }
    guard let x = pixel(column, grid.width, crop.x, crop.size.width, resized.width, original.width),
      let y = pixel(row, grid.height, crop.y, crop.size.height, resized.height, original.height)
    else { return nil }
    return (x, y)
  }

  /// The part of the original picture that the network sees.
  public var seen: PixelRectangle {
    guard original.rank == 2 else { return PixelRectangle(whole: original) }
    return PixelRectangle(columns: horizontal(mapCount: 1).covered, rows: vertical(mapCount: 1).covered)
  }

  /// The same geometry for a picture of another size.
  public func from(_ size: PixelSize) -> PreprocessingGeometry {
    PreprocessingGeometry(original: size, resized: resized, crop: crop, fill: fill)
  }

  /// A map over the network's input, of any resolution, laid over the original picture at its own size.
  ///
  /// Original pixels whose centre lies inside the crop, and there in the map's region, get the map between its pixel
  /// centres, clamped at the edges; all others get 0 and are not in the map's `seen`. The identity if nothing was resized
  /// or cropped and the map has the input's size. A map of fewer axes than the input is the same along the outer ones.
  public func project(_ map: HeatMap, by interpolation: MapInterpolation = .bilinear) -> HeatMap {
    let columns = horizontal(mapCount: map.width, start: map.region.x, share: map.region.width)
    let rows = vertical(mapCount: map.height, start: map.region.y, share: map.region.height)
    let slices = ProjectedAxis(
      mapCount: map.size.depth, originalCount: original.depth, resizedCount: resized.depth,
      start: map.region.z, share: map.region.depth, of: crop.size.depth)
    let axes = [slices, rows, columns].suffix(original.rank)
    var projected =
      switch interpolation {
      case .nearest: map.resampled(axes.map(\.nearest))
      case .bilinear: map.resampled(axes.map(\.linear))
      case .bicubic: map.resampled(axes.map(\.cubic))
      }
    guard original.rank == 2 else { return projected }
    let seen = PixelRectangle(columns: columns.covered, rows: rows.covered)
    // A map that lies between the picture's pixels shows nothing, and one that covers all of them everything.
    if seen.size != original, seen.size.width > 0, seen.size.height > 0 { projected.seen = seen }
    return projected
  }

  /// - Parameters:
  ///   - start: where the map starts on the network's input, as a share of it.
  ///   - share: the share of the input that the map covers.
  private func horizontal(mapCount: Int, start: Double = 0, share: Double = 1) -> ProjectedAxis {
    ProjectedAxis(
      mapCount: mapCount, originalCount: original.width, resizedCount: resized.width, cropStart: crop.x, start: start,
      share: share, of: crop.size.width)
  }

  private func vertical(mapCount: Int, start: Double = 0, share: Double = 1) -> ProjectedAxis {
    ProjectedAxis(
      mapCount: mapCount, originalCount: original.height, resizedCount: resized.height, cropStart: crop.y, start: start,
      share: share, of: crop.size.height)
  }
}

/// One axis of the projection of a map over the network's input onto the original picture.
private struct ProjectedAxis {
  let mapCount, originalCount, resizedCount, cropStart, cropCount: Int
  /// The part of the map's extent that lies in the network's input.
  private let inside: Range<Double>

  /// - Parameters:
  ///   - start: where the map starts on the cropped part, as a share of it.
  ///   - share: the share that it covers.
  ///   - count: the extent of the cropped part.
  init(
    mapCount: Int, originalCount: Int, resizedCount: Int, cropStart: Int = 0, start: Double, share: Double,
    of count: Int
  ) {
    (self.mapCount, self.originalCount, self.resizedCount) = (mapCount, originalCount, resizedCount)
    self.cropStart = cropStart + Int((start * Double(count)).rounded())
    cropCount = max(1, Int((share * Double(count)).rounded()))
    let outer = cropStart - self.cropStart
    inside = Double(max(0, outer))..<Double(max(0, min(cropCount, outer + count)))
  }

  private var scale: Double { 1 / (Double(originalCount) / Double(resizedCount)) }
  private var mapScale: Double { Double(mapCount) / Double(cropCount) }

  /// Where the centre of an original pixel lies on the network's input, counted from its edge.
  private func cropPosition(_ original: Int) -> Double { (Double(original) + 0.5) * scale - Double(cropStart) }

  /// The original pixels that the network sees.
  var covered: Range<Int> {
    let start = (0..<originalCount).first { cropPosition($0) >= inside.lowerBound } ?? originalCount
    let end = (start..<originalCount).first { cropPosition($0) >= inside.upperBound } ?? originalCount
    return start..<end
  }

  var linear: LinearTaps {
    LinearTaps(from: mapCount, to: originalCount, covered: covered) { cropPosition($0) * mapScale }
  }

  var nearest: LinearTaps {
    let scale = Float(mapCount) / Float(cropCount)
    return LinearTaps(from: mapCount, to: originalCount, covered: covered) { original in
      Double((Float(cropPosition(original).rounded(.down)) * scale).rounded(.down)) + 0.5
    }
  }

  var cubic: FilterWindows {
    let covered = covered
    return FilterWindows(
      .cubic, over: mapCount,
      centers: (0..<originalCount).map { covered.contains($0) ? cropPosition($0) * mapScale : nil },
      scale: scale * mapScale)
  }
}
