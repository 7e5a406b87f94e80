/// A map to measure, and the image that it is about.
///
/// Not for use by several threads at a time.
public final class MeasuredMap {
  /// The boxes of the objects that the map should show, in the original picture; empty if none are known.
  public let boxes: [PixelRectangle]
  /// The probability of the class explained, for the image.
  public let probability: Double
  /// The image as the network sees it: a plane for each channel, of `inputMap`'s size.
  public let planes: [[Float]]
  /// The map at the size of the network's input, in 0 … 1; 0 on padding.
  public let inputMap: HeatMap
  /// The part of the network's input that shows the picture; the rest is padding, which no metric changes.
  public let content: PixelRectangle
  /// The map at the size of the original picture, in 0 … 1.
  public private(set) lazy var pictureMap = makePictureMap()
  /// The class explained, and how many the network has; nil if something else is explained.
  public let classed: (index: Int, count: Int)?
  /// The map before negative values are set to 0, brought to 0 … 1, at the size of the network's input without padding.
  public private(set) lazy var unrectifiedMap = makeUnrectifiedMap()
  /// How many layers of the network have parameters, those that the score depends on.
  public private(set) lazy var layerCount = countLayers()
  /// `inputMap` without padding.
  public private(set) lazy var contentMap = isPadded ? inputMap.cropped(to: content) : inputMap
  /// The positions of `inputMap` by descending value, equal ones in reading order; without padding.
  public private(set) lazy var ranking: [Int] = makeRanking()

  private let makePictureMap: () -> HeatMap
  private let makeUnrectifiedMap: () -> HeatMap
  private let countLayers: () -> Int

  init(
    _ inputMap: HeatMap, of planes: [[Float]], probability: Double, boxes: [PixelRectangle] = [],
    content: PixelRectangle? = nil, classed: (index: Int, count: Int)? = nil,
    layerCount: @autoclosure @escaping () -> Int = 0, pictureMap: @autoclosure @escaping () -> HeatMap,
    unrectifiedMap: (() -> HeatMap)? = nil
  ) {
    self.inputMap = inputMap
    self.planes = planes
    self.probability = probability
    self.boxes = boxes
    self.content = content ?? PixelRectangle(whole: inputMap.size)
    self.classed = classed
    countLayers = layerCount
    makeUnrectifiedMap = unrectifiedMap ?? { inputMap }
    makePictureMap = pictureMap
  }

  /// The image with all of its pixels changed, padding left as it is.
  ///
  /// - Parameter change: changes a plane.
  func planes(changedBy change: ([Float]) -> [Float]) -> [[Float]] {
    guard isPadded else { return planes.map(change) }
    return planes.map { plane in
      let changed = change(plane)
      var result = plane
      for pixel in ranking { result[pixel] = changed[pixel] }
      return result
    }
  }

  private func makeRanking() -> [Int] {
    guard isPadded else { return inputMap.values.ranking }
    let width = content.size.width
    return contentMap.values.ranking.map { position in
      (content.y + position / width) * inputMap.width + content.x + position % width
    }
  }

  private var isPadded: Bool { content.size != inputMap.size }
}

extension [Float] {
  /// The positions by descending value, equal ones in their order.
  var ranking: [Int] {
    withUnsafeBufferPointer { values in
      indices.sorted { values[$0] == values[$1] ? $0 < $1 : values[$0] > values[$1] }
    }
  }
}
