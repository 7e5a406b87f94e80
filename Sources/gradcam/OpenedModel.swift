import GradCAM
import Graph

/// A model opened with the options for its images and its target.
struct OpenedModel {
  let model: Model
  let tensors: InputTensors
  /// The files that are read, those of the model and pictures excepted.
  let otherPaths: [String]
  /// The files that are read, pictures excepted.
  var paths: [String] { model.graph.files + otherPaths }
  private let request: TargetRequest
  private let preprocessing: DecidedPreprocessing
  private let labels: Labels?
  private let axes: NumberFile.VolumeAxes

  /// - Parameters:
  ///   - images: the files to explain, if they are known.
  ///   - registry: the registry that the plugins have already loaded; nil loads it.
  ///
  /// Throws what opening the model, reading tensors and labels, and finding the values explained throws.
  init(
    _ path: String, _ host: HostOptions, _ image: ImageOptions, _ request: TargetRequest, images: [String] = [],
    registry: Registry? = nil
  ) throws {
    let opened = try host.open(path, image, registry: registry)
    axes = image.axes
    tensors = try InputTensors(tensors: image.tensor, pictures: image.pictures, axes: axes, model: opened)
    let model = tensors.batch.map { opened.taking(imagesPerRun: $0) } ?? opened
    otherPaths = tensors.paths + request.paths + [image.labels].compactMap { $0 }
    labels = try image.labels.map { try Labels(contentsOf: $0) }
    preprocessing = try tensors.preprocessing(image.choice, for: model, images: images, axes: axes)
    self.model = model
    self.request = request
  }

  /// The images to explain: files; or folders, of which each is a film for a network that takes some.
  ///
  /// - Parameter item: the only image of a tensor to explain; nil for all that the target is about.
  func sources(_ named: NamedImages, item: Int?) throws -> ImageSources {
    let asked = try item ?? request.image(of: model.imageShape.batch, in: model)
    return try ImageSources(images: named, tensors: tensors, axes: axes, model: model, item: asked)
  }

  /// - Parameters:
  ///   - sources: the images, the first of which a model is planned for whose extents depend on them; nil for a fixed
  ///     pseudo-random one.
  ///
  /// Throws what planning throws, and what reading the classes and files of the target throws.
  func explainer(
    nodes: [String], hint: FeatureMapHint = FeatureMapHint(), compatibility: Compatibility = .pytorchGradCAM,
    of sources: ImageSources?, threadCount: Int?, reusesWeights: Bool = false, visitsNodes: Bool = false
  ) throws -> (Explainer, TargetChoice) {
    func explainer(_ example: @escaping (Explainer) throws -> PreparedImage) throws -> (Explainer, TargetChoice) {
      let explainer = try Explainer(
        model, explaining: request, nodes: nodes, hint: hint, preprocessing: preprocessing, labels: labels,
        compatibility: compatibility, inputs: tensors.others, picture: sources?.input, threadCount: threadCount,
        reusesWeights: reusesWeights, visitsNodes: visitsNodes, example: example)
      return (explainer, try TargetChoice(of: explainer))
    }
    guard let sources else {
      return try explainer { [tensors] in try $0.prepare($0.noise.merging(tensors.images) { $1 }) }
    }
    return try sources.first { try explainer($0) }
  }

  /// One that is to be asked about many targets of many pictures.
  ///
  /// Throws what planning throws.
  func openExplainer(threadCount: Int?) throws -> Explainer {
    try Explainer(
      model, preprocessing: preprocessing, labels: labels, inputs: tensors.others, threadCount: threadCount,
      reusesWeights: true)
  }
}
