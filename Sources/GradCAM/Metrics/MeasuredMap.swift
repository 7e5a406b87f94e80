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
  /// The map at the size of the network's input, in 0 … 1.
  public let inputMap: HeatMap
  /// The map at the size of the original picture, in 0 … 1.
  public private(set) lazy var pictureMap = makePictureMap()
  /// The positions of `inputMap` by descending value, equal ones in reading order.
  public private(set) lazy var ranking: [Int] = inputMap.values.ranking

  private let makePictureMap: () -> HeatMap

  init(
    _ inputMap: HeatMap, of planes: [[Float]], probability: Double, boxes: [PixelRectangle] = [],
    pictureMap: @autoclosure @escaping () -> HeatMap
  ) {
    self.inputMap = inputMap
    self.planes = planes
    self.probability = probability
    self.boxes = boxes
    makePictureMap = pictureMap
  }
}

extension [Float] {
  /// The positions by descending value, equal ones in their order.
  var ranking: [Int] {
    withUnsafeBufferPointer { values in
      indices.sorted { values[$0] == values[$1] ? $0 < $1 : values[$0] > values[$1] }
    }
  }
}
