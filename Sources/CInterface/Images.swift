import CGradCAM
import GradCAM
import Graph

extension Explainer {
  /// Prepares the caller's image: a file, pixels or a tensor.
  ///
  /// Throws `usage` if it is not exactly one of the three or does not fit, and what reading a file throws.
  func prepare(_ image: gradcam_image) throws -> PreparedImage {
    let given = [image.path != nil, image.pixels != nil, image.tensor != nil].count(where: { $0 })
    guard given == 1 else {
      throw GradCAMError(
        .usage, at: "argument 'image'", problem: "has \(given == 0 ? "none" : "several") of path, pixels and tensor",
        advice: "give one of them")
    }
    if let path = text(image.path) { return try prepare(contentsOf: path) }
    if let tensor = image.tensor { return try prepare(tensor, count: image.tensor_count) }
    return try prepare(Picture(image))
  }

  private func prepare(_ elements: UnsafePointer<Float>, count: Int) throws -> PreparedImage {
    let shape = model.imageShape.shape(for: planner.inputSize)
    guard count == shape.count else {
      throw GradCAMError(
        .usage, at: "tensor_count", problem: "is \(count), but the model takes \(shape), \(shape.count) elements")
    }
    let values = Array(UnsafeBufferPointer(start: elements, count: count))
    return prepare(NPYArray(shape: shape.dimensions, values: values).tensor(of: model.imageShape.elementType))
  }
}

extension Picture {
  /// Copies the caller's pixels.
  fileprivate init(_ image: gradcam_image) throws {
    let width = Int(image.width), height = Int(image.height), row = 3 * width
    guard width > 0, height > 0, width * height <= Picture.maximumPixelCount else {
      throw GradCAMError(
        .usage, at: "width and height", problem: "are \(width) and \(height)",
        advice: "both must be positive and their product at most \(Picture.maximumPixelCount)")
    }
    let stride = image.stride == 0 ? row : image.stride
    guard stride >= row else {
      throw GradCAMError(
        .usage, at: "stride", problem: "is \(image.stride), less than the \(row) bytes of a row",
        advice: "give the bytes from one row to the next, or 0")
    }
    let pixels = [UInt8](unsafeUninitializedCapacity: row * height) { target, count in
      for y in 0..<height {
        target.baseAddress!.advanced(by: y * row).update(from: image.pixels + y * stride, count: row)
      }
      count = row * height
    }
    self.init(width: width, height: height, pixels: pixels)
  }
}
