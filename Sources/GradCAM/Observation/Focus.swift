import Graph

/// What is asked of images: the explained value, and the taps for its gradient.
public struct Focus: Sendable {
  /// The explained value, which targets are computed from.
  public let explained: ValueID
  /// Its type and extents, for all images of a run.
  let explainedInfo: ValueInfo
  /// The taps, in the order requested.
  public let taps: [NodeCatalogue.Match]
  /// Whether targets are computed from the explained value of all images of a run together.
  public internal(set) var explainsAllImages = false
  /// Other values whose elements are needed.
  let kept: [ValueID]
  /// The values that every run keeps for its reports.
  let reported: [ValueID]
  /// The model's nodes, catalogued for the explained value.
  public let catalogue: NodeCatalogue
  /// Whether the taps are visited one by one, by `Observation.visit`, to have fewer gradients in memory at a time.
  var visitsTaps = false

  /// The images of a run as they are in the explained value.
  func images(of image: PreparedImage, in model: Model) -> ImageBatch {
    explainsAllImages
      ? ImageBatch(count: 1)
      : ImageBatch(count: model.imageShape.batch, place: image.place).dividing(explainedInfo.shape)
  }

  /// Whether the explained value is not divided among the images of a run.
  func takesImagesTogether(in model: Model) -> Bool {
    model.imageShape.images.dividing(explainedInfo.shape).count < model.imageShape.batch
  }
}
