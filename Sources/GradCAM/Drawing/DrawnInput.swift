import Graph

extension Explanation {
  /// The map drawn over an image input that it shows.
  ///
  /// Over a picture, at its size, with a detector's boxes if it is the first. Over a signal, with its curves; over a volume or film, over up to 20 of its slices. Over
  /// numbers that have the channels of a picture, the heat alone, unless channels are chosen; over those of others, with
  /// channels as colours.
  ///
  /// - Parameters:
  ///   - index: the number of the input in ``shown``.
  ///   - blend: the weight of the input against the heat.
  ///   - view: what is drawn of an input that is no picture.
  ///   - pool: the threads that share the work.
  ///
  /// Throws `usage` if the input does not have the channels of the view, or a picture would be too large.
  public func drawn(
    over index: Int = 0, style: DrawingStyle = .overlay, colormap: Colormap = .jet, blend: Float = 0.5,
    view: InputView = InputView(), pool: ThreadPool = .single
  ) throws -> Picture {
    let image = shown[index], boxes = index == 0 ? boxes : nil
    let map = drawing.isFineGrained ? drawnMap(over: image).clipped(withoutShare: 0.02) : drawnMap(over: image)
    if let picture = image.picture {
      return style.draw(map, on: picture, colormap: colormap, blend: blend, boxes: boxes, pool: pool)
    }
    let shape = image.input.shape
    try view.check(shape)
    if shape.takesPictures, view.channels.isEmpty {
      let heat = map.colored(with: colormap)
      return boxes?.drawn(over: heat) ?? heat
    }
    let planes = image.planes(view.indices(of: shape))
    switch shape.rank {
    case 1:
      let names = view.indices(of: shape)!.map { "\($0 + 1)" }
      let plot = SignalPlot(
        names: shape.channels > 1 ? names : [""], curves: planes, map: map, rate: view.rate ?? image.source.rate)
      return try plot.picture(style, colormap, blend)
    case 2:
      return style.draw(
        map, on: try ColouredPlanes(planes).picture(0, image.size), colormap: colormap, blend: blend, boxes: boxes)
    default:
      let colours = ColouredPlanes(planes), size = image.size.plane
      func sheet(_ draw: (HeatMap, Picture) -> Picture) throws -> Picture {
        let cells = try Self.slices(of: image.size.depth).map { slice in
          var part = HeatMap(size, values: Array(map.values[slice * size.count..<(slice + 1) * size.count]))
          part.isSigned = map.isSigned
          return try PictureGrid.Cell(draw(part, try colours.picture(slice, size)), label: "slice \(slice)")
        }
        return try PictureGrid(cells: cells).picture()
      }
      guard style == .sideBySide else {
        return try sheet { style.draw($0, on: $1, colormap: colormap, blend: blend) }
      }
      return try sheet { $1 }.besideAtSameHeight(
        sheet { DrawingStyle.overlay.draw($0, on: $1, colormap: colormap, blend: blend) })
    }
  }

  /// The slices of a volume that are drawn: all, or 20 spread evenly from the first to the last.
  private static func slices(of depth: Int) -> [Int] {
    let count = min(depth, 20)
    return (0..<count).map { count > 1 ? $0 * (depth - 1) / (count - 1) : 0 }
  }
}

/// One channel as grey, or three as red, green and blue.
private struct ColouredPlanes {
  private let planes: [[Float]]
  private let levels: [RobustLevels]

  init(_ planes: [[Float]]) { (self.planes, levels) = (planes, planes.map(RobustLevels.init)) }

  /// The picture of a slice.
  func picture(_ slice: Int, _ size: PixelSize) throws -> Picture {
    try Picture.checkSize(width: size.width, height: size.height)
    var pixels: [UInt8] = []
    pixels.reserveCapacity(3 * size.count)
    for place in slice * size.count..<(slice + 1) * size.count {
      for colour in 0..<3 {
        let channel = planes.count == 3 ? colour : 0
        pixels.append(levels[channel][planes[channel][place]])
      }
    }
    return Picture(width: size.width, height: size.height, pixels: pixels)
  }
}
