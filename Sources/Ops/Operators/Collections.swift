import Graph

/// Operators on sequences and optionals of tensors.
let collectionOperators: [OperatorEntry] = [
  collection("SequenceConstruct", since: 11, inputs: 0...Int.max) { inputs, _ in
    Expansion(.sequence(try inputs.indices.map { try inputs.tensor($0) }))
  },
  OperatorEntry("SequenceEmpty", since: 11, inputs: 0...0) { reader in
    reader.ignore("dtype")
    return CollectionFunction { _, _ in Expansion(.sequence([])) }
  },
  collection("SequenceAt", since: 11, inputs: 2...2) { inputs, tensors in
    let elements = try inputs.sequence(0), position = try tensors.requiredInteger(inputs.tensor(1))
    return Expansion(.tensor(elements[try place(position, in: elements.count)]))
  },
  collection("SequenceInsert", since: 11, inputs: 2...3) { inputs, tensors in
    var elements = try inputs.sequence(0)
    let position = try inputs.has(2) ? tensors.requiredInteger(inputs.tensor(2)) : elements.count
    elements.insert(
      try inputs.tensor(1), at: position == elements.count ? position : try place(position, in: elements.count))
    return Expansion(.sequence(elements))
  },
  collection("SequenceErase", since: 11, inputs: 1...2) { inputs, tensors in
    var elements = try inputs.sequence(0)
    let position = try inputs.has(1) ? tensors.requiredInteger(inputs.tensor(1)) : -1
    elements.remove(at: try place(position, in: elements.count))
    return Expansion(.sequence(elements))
  },
  collection("SequenceLength", since: 11, inputs: 1...1) { inputs, _ in
    try Expansion(constant: Tensor([Int64(inputs.sequence(0).count)], shape: []))
  },
  OperatorEntry("SplitToSequence", since: 11, inputs: 1...2) { reader in
    let axis = try reader.int("axis", default: 0), keepsDimension = try reader.flag("keepdims", default: true)
    return CollectionFunction { try splitToSequence($0, $1, axis: axis, keepsDimension: keepsDimension) }
  },
  OperatorEntry("ConcatFromSequence", since: 11, inputs: 1...1) { reader in
    guard let axis = try reader.int("axis") else {
      throw GradCAMError(.badData, at: "attribute 'axis'", problem: "is missing")
    }
    let isNew = try reader.flag("new_axis")
    return CollectionFunction { inputs, tensors in
      let elements = try inputs.sequence(0)
      guard let first = elements.first else { throw GradCAMError(.badData, problem: "the sequence is empty") }
      let shape = try tensors.required(first).shape
      let place = try (isNew ? Shape([1] + shape.dimensions) : shape).axis(axis)
      var expansion = Expansion(tensors)
      let parts = isNew ? elements.map { expansion.body.unsqueeze($0, axis: place) } : elements
      expansion.results = [.tensor(expansion.body.concatenate(parts, axis: place))]
      return expansion
    }
  },
  OperatorEntry("SequenceMap", since: 17, inputs: 1...Int.max) { reader in
    let inner = try reader.graph("body")
    return CollectionFunction { try sequenceMap($0, $1, inner) }
  },
  OperatorEntry("Optional", since: 15, inputs: 0...1) { reader in
    reader.ignore("type")
    return CollectionFunction { inputs, _ in Expansion(inputs.has(0) ? inputs[0]! : .empty) }
  },
  collection("OptionalHasElement", since: 15, inputs: 0...1) { inputs, _ in
    let isEmpty = if case .empty? = inputs.first ?? nil { true } else { !inputs.has(0) }
    return Expansion(constant: Tensor([!isEmpty], shape: []))
  },
  collection("OptionalGetElement", since: 15, inputs: 1...1) { inputs, _ in
    guard inputs.has(0) else { throw GradCAMError(.badData, problem: "input 0 is missing") }
    if case .empty = inputs[0]! { throw GradCAMError(.badData, problem: "the optional holds nothing") }
    return Expansion(inputs[0]!)
  },
]

/// What an operator on collections is replaced by.
private struct Expansion {
  var body: GraphBuilder
  var results: [CollectedValue]

  /// A result made of the inputs' tensors.
  init(_ result: CollectedValue) {
    // Values that come in need no more than their numbers.
    body = GraphBuilder(inputs: [Bool](repeating: true, count: (result.tensors.max() ?? -1) + 1))
    results = [result]
  }

  /// A body to be written for inputs of these tensors.
  init(_ tensors: NodeInputs, opsets: [String: Int] = ["": 23]) {
    body = GraphBuilder(inputs: [Bool](repeating: true, count: tensors.count), opsets: opsets)
    results = []
  }

  init(constant: Tensor) {
    body = GraphBuilder(inputs: [])
    results = [.tensor(body.constant(constant))]
  }
}

private struct CollectionFunction: CollectionOperator {
  let function: @Sendable ([CollectedValue?], NodeInputs) throws -> Expansion

  func axes(_ inputs: NodeInputs) -> AxisMapping { .unknown }

  func expand(_ inputs: [CollectedValue?], _ tensors: NodeInputs) throws -> (
    body: ComputeGraph, results: [CollectedValue]
  ) {
    let expansion = try function(inputs, tensors)
    return (expansion.body.graph, expansion.results)
  }
}

/// An operator without attributes.
private func collection(
  _ type: String, since: Int, inputs: ClosedRange<Int>,
  _ function: @escaping @Sendable ([CollectedValue?], NodeInputs) throws -> Expansion
) -> OperatorEntry { OperatorEntry(type, since: since, inputs: inputs) { _ in CollectionFunction(function: function) } }

extension [CollectedValue?] {
  fileprivate func has(_ index: Int) -> Bool { index < count && self[index] != nil }

  fileprivate func tensor(_ index: Int) throws -> ValueID {
    guard has(index), case .tensor(let tensor) = self[index]! else {
      throw GradCAMError(.badData, problem: "input \(index) is not a tensor")
    }
    return tensor
  }

  fileprivate func sequence(_ index: Int) throws -> [ValueID] {
    guard has(index), case .sequence(let elements) = self[index]! else {
      throw GradCAMError(.badData, problem: "input \(index) is not a sequence")
    }
    return elements
  }
}

/// The position in a sequence of a possibly negative index.
private func place(_ index: Int, in count: Int) throws -> Int {
  let place = index < 0 ? index + count : index
  guard (0..<count).contains(place) else {
    throw GradCAMError(.badData, problem: "position \(index) does not exist in a sequence of \(count)")
  }
  return place
}

/// Slices along an axis, of one length or of given ones.
private func splitToSequence(
  _ inputs: [CollectedValue?], _ tensors: NodeInputs, axis: Int, keepsDimension: Bool
) throws -> Expansion {
  let tensor = try inputs.tensor(0), shape = try tensors.required(tensor).shape, axis = try shape.axis(axis)
  var lengths: [Int]
  if inputs.has(1) {
    let split = try inputs.tensor(1), values = try tensors.requiredIntegers(split)
    lengths = values
    if try tensors.required(split).shape.rank == 0 {
      guard values[0] > 0 else { throw GradCAMError(.badData, problem: "parts of length \(values[0])") }
      let length = Swift.min(values[0], Swift.max(shape[axis], 1))
      try Plan.checkExpansion((shape[axis] + length - 1) / length, of: 1)
      lengths = stride(from: 0, to: shape[axis], by: length).map { Swift.min(length, shape[axis] - $0) }
    }
  } else {
    try Plan.checkExpansion(shape[axis], of: 1)
    lengths = [Int](repeating: 1, count: shape[axis])
  }
  try Plan.checkExpansion(lengths.count, of: 1)
  guard lengths.allSatisfy({ (0...shape[axis]).contains($0) }), lengths.reduce(0, +) == shape[axis] else {
    throw GradCAMError(
      .badData, problem: "parts of lengths \(lengths) do not make up \(shape[axis]) along axis \(axis)")
  }
  var expansion = Expansion(tensors)
  var start = 0
  let parts = lengths.map { length -> ValueID in
    defer { start += length }
    let part = expansion.body.slice(tensor, start..<start + length, axis: axis)
    return keepsDimension || inputs.has(1) ? part : expansion.body.squeeze(part, axis: axis)
  }
  expansion.results = [.sequence(parts)]
  return expansion
}

/// A graph run for each element of some sequences; tensors go to every run.
private func sequenceMap(
  _ inputs: [CollectedValue?], _ tensors: NodeInputs, _ inner: ComputeGraph
) throws -> Expansion {
  let count = try inputs.sequence(0).count
  guard inner.inputs.count == inputs.count else {
    throw GradCAMError(.badData, problem: "has \(inputs.count) inputs, but the body has \(inner.inputs.count)")
  }
  let arguments = try inputs.indices.map { index in
    if case .tensor(let tensor)? = inputs[index] { return [ValueID](repeating: tensor, count: count) }
    let elements = try inputs.sequence(index)
    guard elements.count == count else { throw GradCAMError(.badData, problem: "the sequences differ in length") }
    return elements
  }
  try Plan.checkExpansion(count, of: inner.nodes.count)
  var expansion = Expansion(tensors, opsets: inner.opsets)
  var collected = [[ValueID]](repeating: [], count: inner.outputs.count)
  for round in 0..<count {
    let results = expansion.body.splice(inner, inputs: arguments.map { $0[round] })
    for (index, result) in results.enumerated() { collected[index].append(result) }
  }
  expansion.results = collected.map { .sequence($0) }
  return expansion
}
