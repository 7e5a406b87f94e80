import CGradCAM
import GradCAM
import Graph

extension Explainer {
  /// Prepares the caller's image: a file, its contents, pixels or a tensor, and what further image inputs are given.
  ///
  /// Throws `usage` if it is not exactly one of the four or does not fit, and what reading a file throws.
  func prepare(_ image: gradcam_image, _ axes: NumberFile.VolumeAxes) throws -> PreparedImage {
    guard image.item >= 0, image.item < model.imageShape.batch else {
      throw GradCAMError(
        .usage, at: "item", problem: "is \(image.item), but the model takes \(model.imageShape.batch) images at a time")
    }
    var given = [model.imageInputs[0].name: try contents(image, for: model.imageInputs[0], axes)]
    if image.other_count > 0 {
      for other in UnsafeBufferPointer(start: try required(image.others, "others"), count: image.other_count) {
        let name = String(cString: try required(other.name, "others"))
        guard let input = model.imageInputs.dropFirst().first(where: { $0.name == name }) else {
          throw GradCAMError(.usage, at: "others", problem: "the model has no further image input '\(name)'")
        }
        let image = try required(read(other.image, name, empty: gradcam_image()), name)
        given[name] = try contents(image, for: input, axes)
      }
    }
    var prepared = try text(image.path).map { path in try located(path) { try prepare(given) } } ?? prepare(given)
    prepared.place = Int(image.item)
    return prepared
  }

  private func contents(
    _ image: gradcam_image, for input: ImageInput, _ axes: NumberFile.VolumeAxes
  ) throws -> ImageContents {
    let given = [image.path != nil, image.bytes != nil, image.pixels != nil, image.tensor != nil].count(where: { $0 })
    guard given == 1 else {
      throw GradCAMError(
        .usage, at: "argument 'image'",
        problem: "has \(given == 0 ? "none" : "several") of path, bytes, pixels and tensor",
        advice: "give one of them")
    }
    if let path = text(image.path) { return try ImageContents(contentsOf: path, for: input.shape, axes: axes) }
    if let file = image.file {
      return try ImageContents(decoding: file, of: text(image.name) ?? "bytes", for: input.shape, axes: axes)
    }
    guard let elements = image.tensor else { return .picture(try Picture(image)) }
    let count = image.tensor_count
    if let extents = image.tensor_shape {
      let shape = try located("tensor_shape") {
        try Shape(checked: (0..<max(0, Int(image.tensor_rank))).map { Int(extents[$0]) })
      }
      guard count == shape.count else {
        throw GradCAMError(
          .usage, at: "tensor_count", problem: "is \(count), but tensor_shape is \(shape), \(shape.count) elements")
      }
      return .file(
        NumberFile(shape: shape.dimensions, values: Array(UnsafeBufferPointer(start: elements, count: count))))
    }
    let shape = input.shape.shape(for: size(of: input))
    guard count == shape.count else {
      throw GradCAMError(
        .usage, at: "tensor_count", problem: "is \(count), but the model takes \(shape), \(shape.count) elements")
    }
    let values = Array(UnsafeBufferPointer(start: elements, count: count))
    return .tensor(NPYArray(shape: shape.dimensions, values: values).tensor(of: input.shape.elementType))
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
