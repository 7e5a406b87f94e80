import GradCAM
import Graph

/// The images to explain: files, or one tensor, with the contents of a model's other inputs.
struct ImageSources {
  /// Contents of the inputs other than the image, by name.
  let inputs: [String: Tensor]
  /// The input size that a tensor fixes; nil for pictures.
  let size: PixelSize?

  private let images: [String]
  private let tensor: (path: String, tensor: Tensor)?

  /// Reads the tensors; pictures are read one by one later.
  ///
  /// Throws `usage` where there is no image, or an image and a tensor for the same input.
  init(images: [String], tensors: [String], model: Model) throws {
    var inputs: [String: Tensor] = [:]
    var own: (String, Tensor)?
    let imageName = model.graph.values[model.imageInput].name
    for argument in tensors {
      let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
      let path = parts.last ?? "", name = parts.count == 2 ? parts[0] : imageName
      let array = try NPYArray(contentsOf: path)
      guard let id = model.graph.inputs.first(where: { model.graph.values[$0].name == name }) else {
        let known = model.graph.inputs.map { "'\(model.graph.values[$0].name)'" }.joined(separator: ", ")
        throw GradCAMError(
          .usage, at: "--tensor \(argument)", problem: "the model has no input '\(name)'",
          advice: "its inputs are \(known)")
      }
      let type = model.graph.values[id].elementType ?? .float32
      let tensor = array.tensor(of: type)
      if id == model.imageInput { own = (path, tensor) } else { inputs[name] = tensor }
    }
    self.inputs = inputs
    self.images = images
    tensor = own
    guard (own == nil) != images.isEmpty else {
      throw GradCAMError(
        .usage, problem: own == nil ? "no image was given" : "both an image and a tensor were given for '\(imageName)'",
        advice: "give one or more image files, or --tensor FILE.npy")
    }
    size = try own.map { path, tensor in
      let shape = tensor.shape, layout = model.imageShape.layout
      guard shape.rank == 4, shape == model.imageShape.shape(for: shape.imageSize(layout)) else {
        throw GradCAMError(
          .badData, at: path, problem: "has shape \(shape) where an image tensor is expected",
          advice: "the model takes \(model.imageShape.batch) × \(model.imageShape.channels) channels in \(layout) order"
        )
      }
      return shape.imageSize(layout)
    }
  }

  /// How many images there are.
  var count: Int { tensor == nil ? images.count : 1 }
  /// Whether the images are pictures.
  var usesPictures: Bool { tensor == nil }
  /// The path of an image.
  func name(_ index: Int) -> String { tensor?.path ?? images[index] }

  /// Reads an image and makes it the network's input.
  func prepare(_ index: Int, _ explainer: Explainer) throws -> PreparedImage {
    if let tensor { return explainer.prepare(tensor.tensor) }
    return try explainer.prepare(Picture(contentsOf: images[index]))
  }
}

extension Shape {
  fileprivate func imageSize(_ layout: ImageShape.Layout) -> PixelSize {
    layout == .nchw ? PixelSize(width: self[3], height: self[2]) : PixelSize(width: self[2], height: self[1])
  }
}

extension NPYArray {
  /// The array as a tensor of an element type.
  fileprivate func tensor(of type: ElementType) -> Tensor {
    switch type.storage {
    case .float32: Tensor(values, shape: Shape(shape))
    case .int64: Tensor(values.map { Int64($0) }, shape: Shape(shape), elementType: type)
    case .bool: Tensor(values.map { $0 != 0 }, shape: Shape(shape))
    }
  }
}
