import GradCAM
import Graph

/// The images to explain: picture files, or one tensor.
struct ImageSources {
  private let images: [String]
  private let tensor: (path: String, tensor: Tensor, size: PixelSize)?

  /// Pictures are read one by one later.
  ///
  /// Throws `usage` where there is no image, or an image and a tensor for the same input.
  init(images: [String], tensors: InputTensors) throws {
    self.images = images
    tensor = tensors.image
    guard (tensor == nil) != images.isEmpty else {
      throw GradCAMError(
        .usage, problem: tensor == nil ? "no image was given" : "both an image and a tensor of it were given",
        advice: "give one or more image files, or --tensor FILE.npy")
    }
  }

  /// How many images there are.
  var count: Int { tensor == nil ? images.count : 1 }
  /// Whether the images are pictures.
  var usesPictures: Bool { tensor == nil }
  /// The path of an image.
  func name(_ index: Int) -> String { tensor?.path ?? images[index] }

  /// Reads an image and makes it the network's input.
  ///
  /// Throws what reading throws, and `usage` naming the picture where it cannot be resized and cropped as asked for.
  func prepare(_ index: Int, _ explainer: Explainer) throws -> PreparedImage {
    try tensor.map { explainer.prepare($0.tensor) } ?? explainer.prepare(contentsOf: images[index])
  }
}

extension Explainer {
  /// What was assumed about a model and the images that it is given, nil meaning none.
  func warnings(about sources: ImageSources?) -> [Warning] {
    sources?.usesPictures ?? false ? warnings : warnings.aboutTensors
  }
}
