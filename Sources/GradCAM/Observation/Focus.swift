import Graph

/// What is asked of images: the explained value, and the taps for its gradient.
public struct Focus: Sendable {
  /// The explained value, which targets are computed from.
  public let explained: ValueID
  /// Its type and extents, for all images of a run.
  let explainedInfo: ValueInfo
  /// The taps, in the order requested.
  public let taps: [NodeCatalogue.Match]
  /// Other values whose elements are needed.
  let kept: [ValueID]
  /// The model's nodes, catalogued for the explained value.
  public let catalogue: NodeCatalogue
  /// Whether the taps are visited one by one, by `Observation.visit`, to have fewer gradients in memory at a time.
  var visitsTaps = false
}
