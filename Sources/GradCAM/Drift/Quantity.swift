import Graph

/// Numbers that a network computes, and the values of its graph that hold them: as computed, rounded to few bits, and
/// turned back.
struct Quantity: Sendable {
  /// The value that holds them first: of floating point, or of few bits if nothing computes them otherwise.
  let root: ValueID
  /// The node that computes it.
  let node: Int
  /// What they are rounded to and passed on as, in the graph's order.
  var quantized: [ValueID] = []
  /// What they are turned back to, of floating point, in the graph's order.
  var restored: [Restored] = []
  /// Whether the root itself is read, not only its rounded forms.
  var isReadItself = false

  /// A value that rounded numbers are turned back to.
  struct Restored: Sendable {
    let value: ValueID
    /// The node that does it.
    let node: Int
    /// The node that rounded them, if it is known.
    let rounding: Int?
    /// Whether the scale and the zero point are those that the numbers were rounded by, as far as that is known.
    let isFaithful: Bool
    /// The two scales, that of the rounding first, if both are known and each is one number.
    let scales: (rounding: Float, restoring: Float)?
    /// Whether the node is a part of one that reads the rounded numbers, such as QLinearConv.
    let isInReader: Bool
  }

  /// The value that the rest of the network reads; nil if it reads none of floating point.
  func value(in infos: [ValueID: ValueInfo]) -> ValueID? {
    let isFloating = infos[root]?.elementType.isFloatingPoint ?? false
    if isFloating, isReadItself || quantized.isEmpty { return root }
    return (restored.first { $0.isFaithful } ?? restored.first)?.value
  }

  /// The value that all readers depend on, if they read several.
  var whole: ValueID? { restored.count > 1 || (isReadItself && !restored.isEmpty) ? root : nil }

  /// All values that hold them in some form.
  var forms: [ValueID] { [root] + quantized + restored.map(\.value) }
}

extension ComputeGraph {
  /// The quantities of floating point that a network computes from its image, in the order of nodes.
  ///
  /// - Parameters:
  ///   - infos: type and extents of the values that are needed.
  ///   - isNeeded: whether a value depends on the image and the result depends on it.
  func quantities(_ infos: [ValueID: ValueInfo], where isNeeded: (ValueID) -> Bool) -> [Quantity] {
    var quantities: [Quantity] = [], places: [ValueID: Int] = [:]
    // The node that rounded a value of few bits.
    var roundings: [ValueID: Int] = [:]
    let composites = compositeNames
    for (index, node) in nodes.enumerated() {
      guard let result = node.outputs.first.flatMap({ $0 }), infos[result] != nil, isNeeded(result) else { continue }
      let source = node.inputs.first.flatMap { $0 }
      for read in node.reads where node.role != .quantization || read != source {
        if let place = places[read], quantities[place].root == read { quantities[place].isReadItself = true }
      }
      let place = source.flatMap { places[$0] }
      switch node.role {
      case .quantization:
        roundings[result] = index
        guard let place else { break }
        quantities[place].quantized.append(result)
        places[result] = place
        continue
      case .dequantization:
        guard let place, let source else { break }
        let rounding = roundings[source], isFaithful = rounding.map { haveSameScale($0, index, infos) } ?? true
        // Integer arithmetic leaves the scale for later: until then, the numbers are others.
        if !isFaithful, contents(scale(of: index, 1), infos) == [1] {
          quantities[place].isReadItself = true
          continue
        }
        let scales = rounding.flatMap { rounding in
          [rounding, index].compactMap { contents(scale(of: $0, 1), infos) }.flatMap { $0 }
        }
        quantities[place].restored.append(
          .init(
            value: result, node: index, rounding: rounding, isFaithful: isFaithful,
            scales: scales?.count == 2 ? (scales![0], scales![1]) : nil,
            isInReader: values[result].name.isInside(of: composites)))
        places[result] = place
        continue
      default:
        let passesOn: Set<OperatorRole> = [.identity, .rearrangement, .selection, .pooling]
        if let source, infos[result]?.elementType == infos[source]?.elementType, passesOn.contains(node.role) {
          roundings[result] = roundings[source]
        }
      }
      places[result] = quantities.count
      quantities.append(Quantity(root: result, node: index))
    }
    for output in outputs {
      if let place = places[output], quantities[place].root == output { quantities[place].isReadItself = true }
    }
    return quantities.filter { quantity in quantity.value(in: infos) != nil }
  }

  /// The names of composite nodes' results, which begin the names of what is inside of them.
  var compositeNames: Set<String> { Set(expanded.map { values[$0.result].name }) }

  /// Whether two nodes have the same scale and zero point, as far as their contents are known.
  private func haveSameScale(_ one: Int, _ other: Int, _ infos: [ValueID: ValueInfo]) -> Bool {
    (1...2).allSatisfy { position in
      let first = scale(of: one, position), second = scale(of: other, position)
      if first == second { return true }
      guard let left = contents(first, infos), let right = contents(second, infos) else { return false }
      return left == right
    }
  }

  /// The value that holds the scale of a node that quantises or dequantises, or at position 2 its zero point.
  private func scale(of node: Int, _ position: Int) -> ValueID? {
    let node = nodes[node], isFound = node.role == .quantization && node.inputs.count == 1
    let values = isFound ? node.outputs : node.inputs
    return position < values.count ? values[position] : nil
  }

  /// The contents of a scale or zero point, 0 if it is left out; nil if they are not known.
  private func contents(_ value: ValueID?, _ infos: [ValueID: ValueInfo]) -> [Float]? {
    guard let value else { return [0] }
    return (infos[value]?.constant ?? values[value].constant)?.floats
  }
}

extension String {
  /// Whether it is the name of a part of one of some composite nodes.
  func isInside(of composites: Set<String>) -> Bool {
    lastIndex(of: "/").map { composites.contains(String(self[..<$0])) } ?? false
  }
}
