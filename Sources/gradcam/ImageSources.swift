import GradCAM
import Graph

/// The images to explain: picture files, or those of one tensor.
struct ImageSources {
  private let images: [String]
  private let tensor: (path: String, tensor: Tensor, size: PixelSize)?
  /// The tensor's images that are explained.
  private let places: [Int]
  /// The number of images that the model takes at a time.
  private let batch: Int

  /// Takes the paths; pictures are read later, one by one.
  ///
  /// - Parameters:
  ///   - batch: the number of images that the model takes at a time.
  ///   - item: the only image of the tensor to explain; nil for all.
  ///
  /// Throws `usage` if there is no image, both an image and a tensor for the same input, or no such image in the tensor.
  init(images: [String], tensors: InputTensors, batch: Int = 1, item: Int? = nil) throws {
    self.images = images
    self.batch = batch
    tensor = tensors.image
    guard (tensor == nil) != images.isEmpty else {
      throw GradCAMError(
        .usage, problem: tensor == nil ? "no image was given" : "both an image and a tensor for it were given",
        advice: "give one or more image files, or --tensor FILE.npy")
    }
    guard batch == 1 || (0..<batch).contains(item ?? 0) else {
      throw GradCAMError(
        .usage, at: "--item \(item!)", problem: "the model takes \(batch) images at a time",
        advice: "use 0 to \(batch - 1)")
    }
    places = batch == 1 ? [0] : item.map { [$0] } ?? Array(0..<batch)
  }

  var count: Int { tensor == nil ? images.count : places.count }
  /// The number of different inputs, each of one or more images.
  var inputCount: Int { tensor == nil ? images.count : 1 }
  var usesPictures: Bool { tensor == nil }

  /// The path, for a tensor of several images with the number of the image before its extension.
  func name(_ index: Int) -> String {
    guard let tensor else { return images[index] }
    guard batch > 1 else { return tensor.path }
    let name = tensor.path.hasSuffix(".npy") ? String(tensor.path.dropLast(4)) : tensor.path
    return "\(name)[\(places[index])]\(tensor.path.dropFirst(name.count))"
  }

  /// Reads an image and turns it into the network's input.
  ///
  /// If the network takes several images together, as many pictures are its input, one of which is explained.
  ///
  /// Throws what reading throws, and `usage` naming the picture if it cannot be resized and cropped as requested.
  func prepare(_ index: Int, _ explainer: Explainer) throws -> PreparedImage {
    if let tensor { return explainer.prepare(tensor.tensor, place: places[index]) }
    guard isTogether(explainer) else { return try explainer.prepare(contentsOf: images[index]) }
    guard images.count == batch else {
      throw GradCAMError(
        .usage, problem: "the model takes \(batch) images together, but \(images.count) were given",
        advice: "give \(batch), or one to be repeated")
    }
    return explainer.prepare(
      together: try images.map { try explainer.prepare(contentsOf: $0) }, explaining: index)
  }

  /// Whether the pictures are one input.
  func isTogether(_ explainer: Explainer) -> Bool {
    usesPictures && images.count > 1 && explainer.takesImagesTogether
  }
}

extension Explainer {
  /// The warnings about what is assumed of a model and its images; nil stands for no images.
  func warnings(about sources: ImageSources?) -> [Warning] {
    guard let sources, sources.usesPictures else { return warnings.aboutTensors }
    return sources.isTogether(self) ? warnings.filter { $0.code != .imageRepeated } : warnings
  }
}
