import GradCAM

/// What a model says of all images before the class is chosen that all models are asked about.
struct FirstLook {
  typealias Top = (index: Int, probabilities: [Float])

  let classes: ModelClasses
  /// For each image, its top class and the probabilities of all; empty if they are not needed.
  let tops: [Top]
  /// The peak growth of memory while the model was planned and explained the first image, in 2²⁰ bytes; nil if the
  /// system does not report it.
  let peak: Double?
  /// What is assumed about the model.
  let warnings: [Warning]

  /// - Parameters:
  ///   - votes: whether the model's top classes are needed.
  ///   - opened: opens and plans the model; the memory for this counts as the model's.
  ///   - progress: receives the fraction done and the image's path.
  init(
    _ images: [String], votes: Bool, method: String, _ opened: () throws -> Explainer,
    progress: (Double, String) -> Void
  ) throws {
    let memory = ProcessMemory(), explainer = try opened()
    try explainer.checkClasses()
    let count = explainer.focus.catalogue.classCount
    classes = ModelClasses(path: explainer.model.path, labels: explainer.labels, count: count)
    warnings = explainer.warnings
    var tops: [Top] = [], peak: Double?
    for (index, image) in images.enumerated() where votes || index == 0 {
      progress(Double(index) / Double(images.count), image)
      let observation = try explainer.observe(try explainer.prepare(contentsOf: image))
      let sorted = try explainer.classes(of: observation, count: count)
      if index == 0 {
        _ = try explainer.explain(classIndex: sorted[0].index, of: observation, methods: [method])
        peak = memory?.growth
      }
      var probabilities = [Float](repeating: 0, count: count)
      for scored in sorted { probabilities[scored.index] = scored.probability }
      tops.append((sorted[0].index, probabilities))
    }
    (self.tops, self.peak) = (tops, peak)
  }
}
