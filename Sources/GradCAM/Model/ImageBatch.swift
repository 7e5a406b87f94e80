import Graph

/// The images of a run, one after another along the first axis of values, of which one is explained.
struct ImageBatch: Sendable {
  let count: Int
  /// The image that is explained.
  var place = 0

  /// The images as they are in a value of a shape: all together count as one if its first axis is not divided among
  /// them, as in the scores of a network that pools frames.
  func dividing(_ shape: Shape) -> ImageBatch {
    count > 1 && shape.rank > 0 && shape[0] % count == 0 ? self : ImageBatch(count: 1)
  }

  /// The elements of the explained image.
  func one<Elements: RandomAccessCollection>(of elements: Elements) -> Elements.SubSequence {
    let size = elements.count / count
    let start = elements.index(elements.startIndex, offsetBy: place * size)
    return elements[start..<elements.index(start, offsetBy: size)]
  }

  /// The explained image's gradient with zeros for the others.
  func seed(padding gradient: [Float]) -> [Float] {
    guard count > 1 else { return gradient }
    var seed = [Float](repeating: 0, count: gradient.count * count)
    seed.replaceSubrange(place * gradient.count..<(place + 1) * gradient.count, with: gradient)
    return seed
  }

  /// The shape that a value has for one image.
  func shapeOfOne(_ shape: Shape) -> Shape {
    let images = dividing(shape).count
    return images == 1 ? shape : Shape([shape[0] / images] + shape.dimensions.dropFirst())
  }

  /// The extents that a value has for each image, or for all of them together; nil if its first axis does not have one
  /// entry for each, or one for all.
  ///
  /// That axis may be missing in a value of rank 1 or 0.
  func extents(of shape: Shape) -> [Int]? {
    if shape.rank > 0, shape[0] == count { return Array(shape.dimensions.dropFirst()) }
    if shape.rank < 2 { return shape.dimensions }
    return shape[0] == 1 ? Array(shape.dimensions.dropFirst()) : nil
  }

  /// The same image in every place.
  func repeating(_ image: [Float]) -> [Float] { Array(repeatElement(image, count: count).joined()) }
}

extension ImageShape {
  var images: ImageBatch { ImageBatch(count: batch) }
}
