import Graph

extension ComputeGraph {
  /// The values in which not only the class token can change the score.
  ///
  /// A network that reads its score from the class token alone ignores the other tokens after its last attention:
  /// their gradient is zero there. Followed back from the score, a selection of extra tokens leaves only those alive,
  /// until a product of two computed values mixes tokens.
  /// - Parameter dimensions: the dimensions of a value that depends on the image, nil for any other.
  /// - Returns: those values, and whether some others were left out.
  func valuesWithLivePositions(
    before score: ValueID, dimensions: (ValueID) -> [Dimension]?
  ) -> (live: Set<ValueID>, isPartial: Bool) {
    var needed: Set<ValueID> = [score], live: Set<ValueID> = [score]
    for node in nodes.reversed() {
      let outputs = node.results.filter(needed.contains)
      guard !outputs.isEmpty else { continue }
      let inputs = node.reads.filter { dimensions($0) != nil }
      needed.formUnion(inputs)
      let isAlive = outputs.contains(where: live.contains)
      let choosesTokens =
        inputs.count == 1 && dimensions(inputs[0])!.contains { $0.hasExtraTokens }
        && node.role == .selection && !(dimensions(outputs[0]) ?? []).contains { $0.isSpatial }
      let mixes = inputs.count > 1 && [.product, .attention].contains(node.role)
      if mixes || (isAlive && !choosesTokens) { live.formUnion(inputs) }
    }
    return (live, live.count < needed.count)
  }
}
