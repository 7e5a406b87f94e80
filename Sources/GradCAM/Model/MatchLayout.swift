import Graph

extension NodeCatalogue {
  /// A match with the layout of its tensor, and notes on what is left out of it.
  ///
  /// - Parameter hint: what the tensor's dimensions are, if the graph does not say.
  ///
  /// Throws `usage` if the hint does not fit.
  func laidOut(_ match: Match, as hint: FeatureMapHint) throws -> Match {
    var match = match
    let info = infos[match.value]
    let read = info.flatMap {
      hint.dimensions(of: $0.shape, known: dimensions[match.value], places: places, imageCount: imageCount)
    }
    if let info, hint.describesDimensions, read == nil {
      throw GradCAMError(
        .usage, at: "\(.node, match.label)",
        problem: "its shape \(info.shape) does not match \(.grid) or \(.axis), or matches in several ways",
        advice: "leave them out, say both, or name a node with that many tokens")
    }
    // In a batch, an item is an image, which the observation knows.
    let item = imageCount > 1 ? nil : hint.item
    match.layout = read.flatMap { FeatureMapLayout($0, item: item) }
    match.itemCount = match.layout == nil || item != nil ? read.flatMap(\.itemCount) : nil
    if let item { match.notes.append(try note(onItem: item, match)) }
    if let layout = match.layout {
      if layout.region != .whole { match.notes.append(note(onRegion: layout.region, match)) }
      if layout.extraTokens > 0 {
        match.notes.append(note(onExtraTokens: layout, match))
      }
    }
    return match
  }

  /// Throws `usage` if the tensor has no such item.
  private func note(onItem item: Int, _ match: Match) throws -> String {
    guard let count = match.itemCount else {
      throw GradCAMError(
        .usage, at: "\(.node, match.label)", problem: "has no items along its first dimension",
        advice: "leave out \(.item)")
    }
    guard let layout = match.layout else {
      throw GradCAMError(
        .usage, at: "\(.item, item)", problem: "'\(match.label)' has \(count) items", advice: "use 0 to \(count - 1)")
    }
    let place = layout.region == .whole ? ", drawn over the whole input" : ""
    return "item \(item) of the \(count) of '\(match.label)' is shown\(place)"
  }

  private func note(onExtraTokens layout: FeatureMapLayout, _ match: Match) -> String {
    let count = layout.extraTokens
    guard layout.size.rank > 1 else {
      let extra = count == 1 ? "one entry" : "\(count) entries"
      return "\(layout.size.text) entries of '\(match.label)' stand for the signal; \(extra) at the ends left out"
    }
    let extra = count == 1 ? "the class token is" : "\(count) extra tokens are"
    return "the tokens of '\(match.label)' are read as a grid of \(Shape(layout.size.extents)); \(extra) left out"
  }

  private func note(onRegion region: MapRegion, _ match: Match) -> String {
    if region.holdsInput {
      return "'\(match.label)' sees padding around the input as well; the map lies where the input is"
    }
    func percent(_ start: Double, _ share: Double) -> String {
      "\(Int((100 * start).rounded())) to \(Int((100 * (start + share)).rounded()))%"
    }
    let width = percent(region.x, region.width), height = percent(region.y, region.height)
    let part =
      switch places.count {
      case 1: width + " of its length"
      case 2: "\(width) of its width, \(height) of its height"
      default: "\(width) of its width, \(height) of its height, \(percent(region.z, region.depth)) of its depth"
      }
    return "'\(match.label)' sees a part of the input: \(part); the map lies there"
  }
}
