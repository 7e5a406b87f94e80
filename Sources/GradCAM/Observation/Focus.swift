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
  /// Whether targets are about a detector's boxes.
  let explainsBoxes: Bool
  /// Other values whose elements are needed.
  let kept: [ValueID]
  /// The values that every run keeps for its reports.
  let reported: [ValueID]
  /// The model's nodes, catalogued for the explained value.
  public let catalogue: NodeCatalogue
  /// Whether the taps are visited one by one, by `Observation.visit`, to have fewer gradients in memory at a time.
  var visitsTaps = false

  /// The indices of the taps of each map: several if they are fused into one, whatever the user says.
  var groups: [[Int]] {
    taps.indices.reduce(into: []) { groups, index in
      let query = taps[index].part?.query
      if query != nil, let last = groups.last?.last, taps[last].part?.query == query {
        groups[groups.count - 1].append(index)
      } else {
        groups.append([index])
      }
    }
  }

  /// The number of maps of one method and target.
  public var mapCount: Int { groups.count }

  /// How many nodes the first map is made of that is made of several; nil if each is of one.
  ///
  /// - Parameter fusion: how the maps of all nodes become one, if they do.
  public func fusedCount(_ fusion: Fusion?) -> Int? {
    if fusion != nil { return taps.count > 1 ? taps.count : nil }
    return groups.first { $0.count > 1 && taps[$0[0]].part?.query == .headInputs }?.count
  }

  /// The same with the taps that a target is about: of the feature maps that a detector reads boxes from, those of its
  /// own boxes, if any is known.
  func narrowed(to target: any Target) -> Focus {
    guard let sources = target.boxes?.sources else { return self }
    let narrowed = keeping { $0.part?.query != .auto || sources.contains($0.part!.source) }
    return narrowed.taps.isEmpty ? self : narrowed
  }

  /// The same with other taps, which are not visited one by one.
  func moved(to taps: [NodeCatalogue.Match]) -> Focus {
    Focus(
      explained: explained, explainedInfo: explainedInfo, taps: taps, explainsAllImages: explainsAllImages,
      explainsBoxes: explainsBoxes, kept: kept, reported: reported, catalogue: catalogue)
  }

  /// The same with some of the taps.
  func keeping(_ isKept: (NodeCatalogue.Match) -> Bool) -> Focus {
    Focus(
      explained: explained, explainedInfo: explainedInfo, taps: taps.filter(isKept),
      explainsAllImages: explainsAllImages, explainsBoxes: explainsBoxes, kept: kept, reported: reported,
      catalogue: catalogue,
      visitsTaps: visitsTaps)
  }

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
