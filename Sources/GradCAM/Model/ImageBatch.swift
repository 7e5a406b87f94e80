import Graph

/// The images of a run, one after another along the first axis of values.
///
/// The first one is explained.
struct ImageBatch: Sendable {
  let count: Int

  /// The first image's elements of a value.
  func first<Elements: Collection>(of elements: Elements) -> Elements.SubSequence {
    elements.prefix(elements.count / count)
  }

  /// The first image's gradient with zeros for the others.
  func seed(padding gradient: [Float]) -> [Float] {
    gradient + [Float](repeating: 0, count: gradient.count * (count - 1))
  }

  /// The shape that a value has for one image; nil if its first axis is not divided among the images.
  func shapeOfOne(_ shape: Shape) -> Shape? {
    guard count > 1 else { return shape }
    guard shape.rank > 0, shape[0] % count == 0 else { return nil }
    return Shape([shape[0] / count] + shape.dimensions.dropFirst())
  }

  /// The extents that a value has for each image; nil if its first axis does not have one entry per image.
  ///
  /// A single image may lack that axis in a value of rank 1 or 0.
  func extents(of shape: Shape) -> [Int]? {
    if count == 1, shape.rank < 2 { return shape.dimensions }
    return shape.rank > 0 && shape[0] == count ? Array(shape.dimensions.dropFirst()) : nil
  }

  /// The same image in every place.
  func repeating(_ image: [Float]) -> [Float] { Array(repeatElement(image, count: count).joined()) }
}

extension ImageShape {
  var images: ImageBatch { ImageBatch(count: batch) }
}
