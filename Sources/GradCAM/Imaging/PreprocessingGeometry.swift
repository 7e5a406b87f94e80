/// Width and height in pixels.
public struct PixelSize: Sendable, Equatable {
  /// The width in pixels.
  public var width: Int
  /// The height in pixels.
  public var height: Int

  /// A size of given width and height.
  public init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }
}

/// A rectangle of whole pixels, its corner counted from the upper left.
public struct PixelRectangle: Sendable, Equatable {
  /// The first column; negative where a crop pads on the left.
  public var x: Int
  /// The first row; negative where a crop pads above.
  public var y: Int
  /// The width and height.
  public var size: PixelSize

  /// A rectangle of given corner and size.
  public init(x: Int, y: Int, width: Int, height: Int) {
    self.x = x
    self.y = y
    size = PixelSize(width: width, height: height)
  }
}

/// How a picture became a network's input: resized whole, then cropped.
public struct PreprocessingGeometry: Sendable, Equatable {
  /// The size of the original picture.
  public let original: PixelSize
  /// The size to which the whole picture was resized.
  public let resized: PixelSize
  /// The part of the resized picture that is the network's input; it may reach beyond the picture.
  public let crop: PixelRectangle

  /// A geometry of given steps.
  ///
  /// - Precondition: all sizes are positive.
  public init(original: PixelSize, resized: PixelSize, crop: PixelRectangle) {
    precondition([original, resized, crop.size].allSatisfy { $0.width > 0 && $0.height > 0 })
    self.original = original
    self.resized = resized
    self.crop = crop
  }

  /// A geometry that resizes the whole picture to the network's input.
  ///
  /// - Precondition: both sizes are positive.
  public init(original: PixelSize, resized: PixelSize) {
    let whole = PixelRectangle(x: 0, y: 0, width: resized.width, height: resized.height)
    self.init(original: original, resized: resized, crop: whole)
  }

  /// The network's input of a picture of the original size: resized, then cropped, black outside.
  ///
  /// - Throws: `GradCAMError` of kind `.usage` where a size is above `Picture.maximumPixelCount`.
  public func apply(to picture: Picture, filter: Picture.ResizeFilter = .pillowBilinear) throws -> Picture {
    try picture.resized(width: resized.width, height: resized.height, filter: filter)
      .cropped(x: crop.x, y: crop.y, width: crop.size.width, height: crop.size.height)
  }

  /// A map over the network's input, of any resolution, laid over the original picture at its own size.
  ///
  /// Original pixels whose centre lies inside the crop get the map between its pixel centres, edges held; all others
  /// get 0. The identity where nothing was resized or cropped and the map has the input's size.
  public func project(_ map: HeatMap) -> HeatMap {
    let columns = LinearTaps(
      from: map.width, to: original.width, through: resized.width, from: crop.x, count: crop.size.width)
    let rows = LinearTaps(
      from: map.height, to: original.height, through: resized.height, from: crop.y, count: crop.size.height)
    return map.interpolated(columns: columns, rows: rows)
  }
}

extension LinearTaps {
  /// From a map over `cropCount` of the `resizedCount` positions between the map and the original picture.
  fileprivate init(
    from mapCount: Int, to originalCount: Int, through resizedCount: Int, from cropStart: Int, count cropCount: Int
  ) {
    let scale = 1 / (Double(originalCount) / Double(resizedCount))
    let mapScale = Double(mapCount) / Double(cropCount)
    func cropPosition(_ original: Int) -> Double { (Double(original) + 0.5) * scale - Double(cropStart) }
    let start = (0..<originalCount).first { cropPosition($0) >= 0 } ?? originalCount
    let end = (start..<originalCount).first { cropPosition($0) >= Double(cropCount) } ?? originalCount
    self.init(from: mapCount, to: originalCount, covered: start..<end) { cropPosition($0) * mapScale }
  }
}
