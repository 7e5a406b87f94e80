import Graph

/// Rows that a node selects are selected before the nodes that compute each row on its own, if these multiply matrices:
/// of a transformer's last block, only the token that the head reads is computed.
struct SelectRowsFirst: GraphRewrite {
  func apply(to graph: inout ComputeGraph, knowing facts: RewriteFacts) {
    let producers = graph.producers
    for (index, node) in graph.nodes.enumerated() {
      guard let selection = RowSelection(node, facts.infos) else { continue }
      let part = RowwisePart(before: selection, in: graph, producers, facts)
      guard part.nodes.contains(where: { graph.nodes[$0.index].role == .product }) else { continue }
      let (body, inputs) = part.narrowed()
      (graph.nodes[index].operation, graph.nodes[index].inputs) = (FixedComposite(body), inputs)
    }
  }
}

/// What a node selects: a few indices along one axis of its first input.
private struct RowSelection {
  let value: ValueID
  let axis: Int
  let indices: [Int]
  /// The shape that takes the place of the axis in the result; nil if the axis stays.
  let shape: Shape?

  /// Nil if a node does anything else, or selects more than half of the indices.
  init?(_ node: Node, _ infos: [ValueID: ValueInfo]) {
    guard let input = node.inputs.first ?? nil, let before = infos[input]?.shape, node.results.count == 1,
      let after = infos[node.results[0]]?.shape
    else { return nil }
    switch (node.axes { infos[$0] }, node.operation) {
    case (.gathered(let axis, let indices, let shape), let gather as Gather):
      guard case .slices = gather.indexing else { return nil }
      (self.axis, self.indices, self.shape) = (axis, indices, shape)
    case (.sliced(let starts, let steps), is StridedSlice):
      let changed = before.dimensions.indices.filter { before[$0] != after[$0] }
      guard changed.count == 1, let axis = changed.first else { return nil }
      let indices = (0..<after[axis]).map { starts[axis] + $0 * steps[axis] }
      (self.axis, self.indices, shape) = (axis, indices, nil)
    default: return nil
    }
    value = input
    guard !indices.isEmpty, 2 * indices.count <= before[axis], indices.allSatisfy((0..<before[axis]).contains) else {
      return nil
    }
  }
}

/// The nodes before a selection of rows that compute nothing else than these rows need, each row on its own.
private struct RowwisePart {
  private let selection: RowSelection
  private let graph: ComputeGraph
  private let facts: RewriteFacts
  /// The nodes, from the last to the first, with the axis of the rows in the result, and in each input that has them.
  private(set) var nodes: [(index: Int, axis: Int, inputs: [Int?])] = []

  init(
    before selection: RowSelection, in graph: ComputeGraph, _ producers: [ValueID: Int], _ facts: RewriteFacts
  ) {
    (self.selection, self.graph, self.facts) = (selection, graph, facts)
    // Along which axes of values rows are needed, which values are needed as they are, and how often the nodes found so
    // far read each.
    var axes: [ValueID: Set<Int>] = [selection.value: [selection.axis]], whole: Set<ValueID> = []
    var reads: [ValueID: Int] = [selection.value: 1], open = Set([producers[selection.value]].compactMap { $0 })
    while let index = open.max() {
      open.remove(index)
      let node = graph.nodes[index]
      guard node.outputs.count == 1, let result = node.outputs[0], let wanted = axes[result], wanted.count == 1,
        let axis = wanted.first, !whole.contains(result), facts.readerCount(result) == reads[result],
        !facts.isShared(result), let inputs = rowAxes(of: node, result, axis)
      else { continue }
      nodes.append((index, axis, inputs))
      for (value, axis) in zip(node.inputs, inputs) {
        guard let value else { continue }
        if let axis { axes[value, default: []].insert(axis) } else { whole.insert(value) }
        if axis != nil, let producer = producers[value] { open.insert(producer) }
      }
      for value in node.reads { reads[value, default: 0] += 1 }
    }
  }

  /// For each input of a node, the axis along which it has the rows of its result, nil if each row needs all of it; nil
  /// if the node does not compute each row on its own.
  private func rowAxes(of node: Node, _ result: ValueID, _ axis: Int) -> [Int?]? {
    guard node.captures.isEmpty, let operation = node.operation, let shape = facts.infos[result]?.shape,
      node.inputs.allSatisfy({ $0 == nil || facts.infos[$0!] != nil })
    else { return nil }
    let count = shape[axis]
    func aligned(_ value: ValueID?) -> Int? {
      guard let input = value.map({ facts.infos[$0]!.shape }) else { return nil }
      let own = axis - shape.rank + input.rank
      return own >= 0 && input[own] == count ? own : nil
    }
    switch operation {
    case is Unary, is Binary, is Variadic, is Clip, is Softmax, is RowNormalization:
      guard case .elementwise = node.axes({ facts.infos[$0] }), operation.mixedAxes(of: shape)?.contains(axis) != true
      else { return nil }
      return node.inputs.map(aligned)
    case is MatMul, is Gemm, is Transpose:
      guard case .labelled(let labels, let ofResult) = node.axes({ facts.infos[$0] }), ofResult.count == shape.rank,
        !(operation.role == .product && axis == shape.rank - 1)
      else { return nil }
      return node.inputs.enumerated().map { position, value in
        guard position < labels.count else { return aligned(value) }
        return labels[position].firstIndex(of: ofResult[axis]).flatMap { own in
          facts.infos[value!]!.shape[own] == count ? own : nil
        }
      }
    case is any ViewOperator:
      guard case .reshaped = node.axes({ facts.infos[$0] }), let input = facts.infos[node.inputs[0]!]?.shape,
        let own = input.dimensions.indices.first(where: {
          input[$0] == count && input.count(0..<$0) == shape.count(0..<axis)
        })
      else { return nil }
      return node.inputs.indices.map { $0 == 0 ? own : nil }
    default: return nil
    }
  }

  /// The graph that computes the selected rows, and its inputs.
  func narrowed() -> (ComputeGraph, inputs: [ValueID?]) {
    var builder = GraphBuilder(), outside: [ValueID: ValueID] = [:], inputs: [ValueID] = []
    var selected: [ValueID: [Int: ValueID]] = [:]
    let count = selection.indices.count
    let indices = builder.constant(Tensor(selection.indices.map { Int64($0) }, shape: [count]))
    func whole(_ value: ValueID) -> ValueID {
      if let known = outside[value] { return known }
      outside[value] = builder.input(graph.values[value].name)
      inputs.append(value)
      return outside[value]!
    }
    func rows(of value: ValueID, along axis: Int) -> ValueID {
      if let known = selected[value]?[axis] { return known }
      let gather = Gather(indexing: .slices(axis: axis))
      selected[value, default: [:]][axis] = builder.node("Gather", [whole(value), indices], operation: gather)
      return selected[value]![axis]!
    }
    for (index, axis, axes) in nodes.reversed() {
      var node = graph.nodes[index]
      let result = node.outputs[0]!
      let needed = zip(node.inputs, axes).map { value, axis -> ValueID? in
        value.map { value in axis.map { rows(of: value, along: $0) } ?? whole(value) }
      }
      if node.operation is any ViewOperator {
        var shape = facts.infos[result]!.shape.dimensions
        shape[axis] = count
        selected[result, default: [:]][axis] = builder.reshape(needed[0]!, shape)
        continue
      }
      (node.inputs, node.outputs) = (needed, [builder.value(graph.values[result].name)])
      builder.add(node)
      selected[result, default: [:]][axis] = node.outputs[0]
    }
    var found = rows(of: selection.value, along: selection.axis)
    if let shape = selection.shape {
      let all = builder.constant(Tensor((0..<count).map { Int64($0) }, shape: shape))
      found = builder.node("Gather", [found, all], operation: Gather(indexing: .slices(axis: selection.axis)))
    }
    return (builder.returning(found), inputs)
  }
}
