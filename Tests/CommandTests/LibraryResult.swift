import GradCAM

/// What the library makes of a picture: what the program should write.
struct LibraryResult {
  /// The picture that maps are drawn over.
  let picture: Picture
  /// One for each node and method, or concept.
  let explanations: [Explanation]

  /// Explains a class of a picture, the most probable one where none is given.
  ///
  /// - Parameter reusesWeights: as `explain` has it only for more than eight images, `compare` always.
  init(
    _ model: String, _ picture: String, nodes: [String] = [], methods: [String] = ["gradcam"], classIndex: Int? = nil,
    fusion: Fusion? = nil, compatibility: Compatibility = .pytorchGradCAM, reusesWeights: Bool = false
  ) throws {
    let explainer = try Explainer(
      Model(contentsOf: model), nodes: nodes, compatibility: compatibility, reusesWeights: reusesWeights)
    let image = try explainer.prepare(contentsOf: picture), observation = try explainer.observe(image)
    let best = try explainer.classes(of: observation, count: 1)[0].index
    self.picture = image.picture!
    explanations = try explainer.explain(
      classIndex: classIndex ?? best, of: observation, methods: methods, fusion: fusion)
  }
}
