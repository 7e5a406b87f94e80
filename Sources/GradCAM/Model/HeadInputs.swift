import Graph

extension ComputeGraph {
  /// The values that every part of a result depends on, up to the inputs of the last learned layers before it.
  ///
  /// If parts are concatenated, such as the boxes of a detector's feature maps, only what all of them depend on counts;
  /// if values are combined otherwise, what any of them depends on.
  /// - Parameters:
  ///   - among: the values between the image and the result.
  ///   - isShared: whether all concatenated parts have to depend on a value, instead of any.
  func valuesBeforeHead(of result: ValueID, among values: Set<ValueID>, isShared: Bool = true) -> Set<ValueID> {
    let producers = producers
    func sources(of value: ValueID) -> [ValueID] {
      producers[value].map { nodes[$0].reads.filter(values.contains) } ?? []
    }
    func ancestors(of value: ValueID) -> Set<ValueID> {
      var found: Set = [value], open = [value]
      while let next = open.popLast() {
        for source in sources(of: next) where found.insert(source).inserted { open.append(source) }
      }
      return found
    }
    var known: [ValueID: Set<ValueID>] = [:]
    func before(_ value: ValueID) -> Set<ValueID> {
      if let known = known[value] { return known }
      guard let producer = producers[value] else { return [] }
      let node = nodes[producer], sources = sources(of: value)
      var result: Set<ValueID> = []
      if [.convolution, .product].contains(node.role), sources.count == 1 {
        result = ancestors(of: sources[0])
      } else if isShared, node.role == .concatenation, let first = sources.first {
        result = sources.dropFirst().reduce(before(first)) { $0.intersection(before($1)) }
      } else {
        for source in sources { result.formUnion(before(source)) }
      }
      known[value] = result
      return result
    }
    return before(result)
  }
}
