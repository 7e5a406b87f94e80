import Graph

/// The embedding that others are compared with: an array, or that of a picture.
struct EmbeddingReference: Sendable {
  /// The output compared.
  let output: ValueID
  let path: String
  /// The array; nil if the path is that of a picture.
  let vector: [Float]?

  /// Finds the output that the user named, else the first that is called an embedding, else the first of floating-point
  /// numbers; for an array, only of those with as many elements.
  ///
  /// Throws `badData` if no output fits, and what reading throws.
  init(_ path: String, _ outputs: [ModelOutput], of model: Model) throws {
    self.path = path
    vector = path.lowercased().hasSuffix(".npy") ? try NPYArray(contentsOf: path).values : nil
    let floats = outputs.filter { $0.info.elementType.isFloatingPoint && $0.info.shape.count > 0 }
    let count = vector?.count, images = model.imageShape.images, named = model.head.evidence == .request
    let fitting = floats.filter { count == nil || images.shapeOfOne($0.info.shape).count == count }
    let preferred = fitting.first { output in
      named
        ? output.value == model.head.output
        : OutputName(output.name).has(["embed", "embeds", "embedding", "embeddings"])
    }
    guard let output = preferred ?? fitting.first else {
      throw GradCAMError(
        .badData, at: path,
        problem: "has \(count ?? 0) numbers, unlike every output of \(model.path): \(floats.description)",
        advice: "save what the model gives for another picture, or name the picture itself")
    }
    self.output = output.value
  }
}
