import Graph

/// The score of a class, or its probability, summed over some positions of a segmentation network's output.
struct SegmentationTarget: Target {
  let name, description: String
  private let classTarget: ClassTarget
  private let scores: PositionScores
  /// Positions of the output, row by row.
  private let positions: [Int]

  /// - Parameter place: where the positions are, in words.
  init(_ classTarget: ClassTarget, _ scores: PositionScores, positions: [Int], place: String) {
    (self.classTarget, self.scores, self.positions) = (classTarget, scores, positions)
    name = classTarget.name
    description = "\(classTarget.description), summed over \(place) (\(positions.count) of \(scores.count) positions)"
  }

  var subject: Int? { classTarget.index }

  func score(_ contents: [Float]) -> Float {
    Float(positions.reduce(0.0) { $0 + Double(classTarget.score(scores.logits(contents, at: $1))) })
  }

  func gradient(_ contents: [Float]) -> [Float] {
    var gradient = [Float](repeating: 0, count: contents.count)
    for position in positions {
      let slopes = classTarget.gradient(scores.logits(contents, at: position))
      for (channel, slope) in slopes.enumerated() { gradient[scores.index(channel, position)] = slope }
    }
    return gradient
  }
}

/// How a value holds the scores of all classes at every position of the picture.
struct PositionScores: Sendable {
  private let layout: FeatureMapLayout

  /// Nil if the value has no positions, or only one.
  init?(_ layout: FeatureMapLayout?) {
    guard let layout, layout.positions > 1, layout.extraTokens == 0, layout.region == .whole else {
      return nil
    }
    self.layout = layout
  }

  var size: PixelSize { layout.size }
  /// The number of positions.
  var count: Int { layout.positions }
  var channels: Int { layout.channels }

  /// Where a channel's number lies in the value.
  func index(_ channel: Int, _ position: Int) -> Int { layout.index(channel, position) }

  /// The raw scores at a position, as `ScoreHead` reads them.
  func logits(_ contents: [Float], at position: Int) -> [Float] {
    (0..<layout.channels).map { contents[index($0, position)] }
  }

  /// The positions of each class that has the best score somewhere on the picture.
  func positionsByTopClass(
    _ contents: [Float], _ head: ScoreHead, in geometry: PreprocessingGeometry
  ) -> [Int: [Int]] {
    let shown = (0..<count).filter { position in
      !geometry.isPadded
        || geometry.originalPixel(row: position / layout.width, column: position % layout.width, of: size) != nil
    }
    return Dictionary(grouping: shown) { position in
      let scores = head.classScores(logits(contents, at: position))
      return scores.indices.dropFirst().reduce(0) { scores[$1] > scores[$0] ? $1 : $0 }
    }
  }
}

extension Explainer {
  /// The score of a class of a segmentation network, summed over a part of an image.
  ///
  /// - Parameters:
  ///   - topClass: without a mask, the class that has the best score in the part; nil means the same class.
  ///   - mask: a picture whose white pixels are the part: of the original picture's size, or of the output's; nil
  ///     means where `topClass` has the best score.
  ///   - maskName: the name of the mask in messages.
  ///
  /// A position of the output counts if the mask's pixel under its centre is brighter than half.
  ///
  /// Throws `unsupported` if the model is not a segmentation network, `usage` if there is no such class, it has the
  /// best score nowhere, or the mask has another size or no white pixel under a centre.
  public func segmentationTarget(
    classIndex: Int, score: ScoreKind = .logit, topClass: Int? = nil, mask: Picture? = nil, maskName: String = "mask",
    of observation: Observation
  ) throws -> any Target {
    let head = model.head, focus = observation.focus
    guard let scores = focus.catalogue.positionScores, focus.explained == head.logits else {
      throw planner.noClassScores(focus)
    }
    try focus.catalogue.checkClass(classIndex)
    let classTarget = ClassTarget(classIndex, label: labels[classIndex], kind: score, head: head)
    if let mask {
      guard scores.size.rank == 2 else {
        throw GradCAMError(
          .unsupported, at: "\(.mask)", problem: "is a picture, but the scores are those of \(scores.size.text) places",
          advice: "leave it out, or pick elements with \(.target, as: "'OUTPUT[…]'")")
      }
      let positions = try located(maskName) { try mask.whitePositions(of: scores.size, in: observation.image.geometry) }
      return SegmentationTarget(classTarget, scores, positions: positions, place: maskName)
    }
    let topClass = topClass ?? classIndex, topName = labels[topClass] ?? "class \(topClass)"
    let found = scores.positionsByTopClass(observation.contents, head, in: observation.image.geometry)
    guard let positions = found[topClass] else {
      let best = found.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }.prefix(4)
        .map { labels[$0.key] ?? "\($0.key)" }
      throw GradCAMError(
        .usage, at: "\(.class, labels[topClass] ?? "\(topClass)")", problem: "is the top class nowhere in the image",
        advice: "give \(.mask), or choose from \(best.joined(separator: ", "))")
    }
    return SegmentationTarget(classTarget, scores, positions: positions, place: "where \(topName) is the top class")
  }
}

extension Picture {
  /// The positions of a grid over the network's input under whose centres this picture is brighter than half.
  fileprivate func whitePositions(of grid: PixelSize, in geometry: PreprocessingGeometry) throws -> [Int] {
    let brightness = luminance
    guard size == geometry.original || size == grid else {
      throw GradCAMError(
        .usage, at: "\(.mask)", problem: "is \(size), but the picture is \(geometry.original) and the output \(grid)",
        advice: "give a mask of either size")
    }
    let positions = (0..<grid.width * grid.height).filter { position in
      let (row, column) = (position / grid.width, position % grid.width)
      guard size == geometry.original else { return brightness[position] > 127 }
      guard let (x, y) = geometry.originalPixel(row: row, column: column, of: grid) else { return false }
      return brightness[y * width + x] > 127
    }
    guard !positions.isEmpty else {
      throw GradCAMError(
        .usage, at: "\(.mask)",
        problem: "has no white pixel under the centre of a position of the output, which is \(grid)",
        advice: "paint the part to explain white; what the crop cuts off does not count")
    }
    return positions
  }
}
