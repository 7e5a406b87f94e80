import GradCAM
import Graph

/// The images to explain: picture files, or one tensor.
struct ImageSources {
  private let images: [String]
  private let tensor: (path: String, tensor: Tensor, size: PixelSize)?

  /// Takes the paths; pictures are read later, one by one.
  ///
  /// Throws `usage` if there is no image, or both an image and a tensor for the same input.
  init(images: [String], tensors: InputTensors) throws {
    self.images = images
    tensor = tensors.image
    guard (tensor == nil) != images.isEmpty else {
      throw GradCAMError(
        .usage, problem: tensor == nil ? "no image was given" : "both an image and a tensor for it were given",
        advice: "give one or more image files, or --tensor FILE.npy")
    }
  }

  var count: Int { tensor == nil ? images.count : 1 }
  var usesPictures: Bool { tensor == nil }
  func name(_ index: Int) -> String { tensor?.path ?? images[index] }

  /// Reads an image and turns it into the network's input.
  ///
  /// Throws what reading throws, and `usage` naming the picture if it cannot be resized and cropped as requested.
  func prepare(_ index: Int, _ explainer: Explainer) throws -> PreparedImage {
    try tensor.map { explainer.prepare($0.tensor) } ?? explainer.prepare(contentsOf: images[index])
  }
}

extension Explainer {
  /// The warnings about what is assumed of a model and its images; nil stands for no images.
  func warnings(about sources: ImageSources?) -> [Warning] {
    sources?.usesPictures ?? false ? warnings : warnings.aboutTensors
  }
}
