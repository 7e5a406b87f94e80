import GradCAM
import Graph

/// A model with what the options say of its images and of what is explained.
struct ExplainerPlan {
  let planned: PlannedTarget
  private let model: Model
  private let preprocessing: Preprocessing?
  private let labels: Labels?
  private let inputs: [String: Tensor]
  private let size: PixelSize

  /// Throws what reading labels and finding the values explained throws.
  init(_ model: Model, _ image: ImageOptions, _ tensors: InputTensors, _ target: TargetOptions) throws {
    self.model = model
    preprocessing = image.preprocessing(for: model)
    labels = try image.labels.map { try Labels(contentsOf: $0) }
    inputs = tensors.others
    size = Explainer.inputSize(of: model, preprocessing: preprocessing, asked: tensors.image?.size ?? image.size)
    planned = try target.plan(model, size: size, inputs: inputs, labels: labels)
  }

  func explainer(
    nodes: [String], hint: FeatureMapHint, compatibility: Compatibility = .pytorchGradCAM, threadCount: Int?,
    reusesWeights: Bool = false, visitsNodes: Bool = false
  ) throws -> Explainer {
    try Explainer(
      model, explaining: planned.explained, keeping: planned.kept, nodes: nodes, hint: hint,
      preprocessing: preprocessing, inputSize: size, labels: labels, compatibility: compatibility, inputs: inputs,
      threadCount: threadCount, reusesWeights: reusesWeights, visitsNodes: visitsNodes)
  }

  func session(node: String, hint: FeatureMapHint, threadCount: Int?) throws -> Session {
    try Session(
      model, explaining: planned.explained, keeping: planned.kept, nodes: [node], hint: hint, inputSize: size,
      inputs: inputs, threadCount: threadCount)
  }
}
