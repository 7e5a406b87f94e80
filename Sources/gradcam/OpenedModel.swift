import GradCAM
import Graph

/// A model opened with the options for its images and its target.
struct OpenedModel {
  let model: Model
  let tensors: InputTensors
  /// The files that are read, pictures excepted.
  let paths: [String]
  private let target: PlannedTarget
  private let preprocessing: Preprocessing?
  private let labels: Labels?
  private let size: PixelSize

  /// Throws what opening the model, reading tensors and labels, and finding the values explained throws.
  init(_ path: String, _ host: HostOptions, _ image: ImageOptions, _ request: TargetRequest) throws {
    let opened = try host.open(path, image)
    tensors = try InputTensors(image.tensor, model: opened)
    model = tensors.image.map { opened.taking(imagesPerRun: $0.tensor.shape[0]) } ?? opened
    paths = model.graph.files + tensors.paths + request.paths + [image.labels].compactMap { $0 }
    preprocessing = image.preprocessing(for: model)
    labels = try image.labels.map { try Labels(contentsOf: $0) }
    size = Explainer.inputSize(of: model, preprocessing: preprocessing, asked: tensors.image?.size ?? image.size)
    target = try PlannedTarget(
      request, in: model, size: size, inputs: tensors.others.mapValues { ValueInfo($0) }, labels: labels)
  }

  /// The images to explain.
  ///
  /// - Parameter item: the only image of a tensor to explain; nil for all that the target is about.
  func sources(_ images: [String], item: Int?) throws -> ImageSources {
    let batch = model.imageShape.batch
    return try ImageSources(
      images: images, tensors: tensors, batch: batch, item: item ?? target.image(of: batch))
  }

  /// Throws what planning throws, and what reading the classes and files of the target throws.
  func explainer(
    nodes: [String], hint: FeatureMapHint = FeatureMapHint(), compatibility: Compatibility = .pytorchGradCAM,
    threadCount: Int?, reusesWeights: Bool = false, visitsNodes: Bool = false
  ) throws -> (Explainer, TargetChoice) {
    let explainer = try Explainer(
      model, explaining: target.explained, keeping: target.kept, assuming: target.warnings, nodes: nodes, hint: hint,
      preprocessing: preprocessing, inputSize: size, labels: labels, compatibility: compatibility,
      inputs: tensors.others, threadCount: threadCount, reusesWeights: reusesWeights, visitsNodes: visitsNodes,
      explainsAllImages: target.explainsAllImages)
    return (explainer, try TargetChoice(target, of: explainer))
  }
}
