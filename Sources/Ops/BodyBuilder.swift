import Graph

/// Writes the body of a composite operator, node by node.
struct BodyBuilder {
  private var graph: ComputeGraph
  private let inputs: NodeInputs
  /// The values that inlined graphs read from outside, by name.
  private var captures: [String: ValueID] = [:]

  /// Starts a body for the inputs of a node, of which there may be at most `limit`.
  init(_ inputs: NodeInputs, atMost limit: Int = .max, opsets: [String: Int] = ["": 23]) throws {
    try inputs.expect(atMost: limit)
    graph = ComputeGraph(opsets: opsets)
    self.inputs = inputs
    graph.values = (0..<inputs.count).map { Value(name: "input\($0)") }
    graph.inputs = Array(0..<inputs.count)
  }

  /// An input that may be left out.
  func optional(_ index: Int) -> ValueID? { inputs[index] == nil ? nil : index }

  /// An input that must be there, with what is known about it.
  func required(_ index: Int) throws -> (value: ValueID, info: ValueInfo) { (index, try inputs.required(index)) }

  /// Adds a node and returns its only output.
  mutating func callAsFunction(_ type: String, _ inputs: ValueID?..., with attributes: [String: Attribute] = [:])
    -> ValueID
  { node(type, inputs, attributes, outputCount: 1)[0] }

  /// Adds a node.
  mutating func node(
    _ type: String, _ inputs: [ValueID?], _ attributes: [String: Attribute] = [:], outputCount: Int
  ) -> [ValueID] {
    let outputs = (0..<outputCount).map { _ in newValue(nil) }
    graph.nodes.append(
      Node(name: "", operatorName: OperatorName(type: type), inputs: inputs, outputs: outputs, attributes: attributes))
    return outputs
  }

  private mutating func newValue(_ constant: Tensor?) -> ValueID {
    graph.values.append(Value(name: "\(graph.values.count)", constant: constant))
    return graph.values.count - 1
  }

  /// Adds a constant.
  mutating func constant(_ tensor: Tensor) -> ValueID { newValue(tensor) }

  /// Adds a list of integers.
  mutating func integers(_ values: [Int]) -> ValueID {
    newValue(Tensor(values.map(Int64.init), shape: [values.count]))
  }

  /// Adds numbers of a floating type.
  mutating func numbers(_ values: [Float], shape: Shape = [], type: ElementType) -> ValueID {
    newValue(Tensor(values, shape: shape, floatingType: type))
  }

  /// Adds the same number in every element of a shape, a scalar where none is given.
  mutating func number(_ value: Float, shape: Shape = [], type: ElementType) -> ValueID {
    numbers([Float](repeating: value, count: shape.count), shape: shape, type: type)
  }

  mutating func reshape(_ x: ValueID, _ extents: [Int]) -> ValueID {
    self("Reshape", x, integers(extents), with: ["allowzero": .int(1)])
  }

  mutating func transpose(_ x: ValueID, _ order: [Int]) -> ValueID {
    self("Transpose", x, with: ["perm": .ints(order.map(Int64.init))])
  }

  mutating func concatenate(_ parts: [ValueID], axis: Int) -> ValueID {
    node("Concat", parts, ["axis": .int(Int64(axis))], outputCount: 1)[0]
  }

  mutating func split(_ x: ValueID, into count: Int, axis: Int) -> [ValueID] {
    node("Split", [x], ["axis": .int(Int64(axis)), "num_outputs": .int(Int64(count))], outputCount: count)
  }

  mutating func slice(_ x: ValueID, _ range: Range<Int>, axis: Int, step: Int = 1) -> ValueID {
    self("Slice", x, integers([range.lowerBound]), integers([range.upperBound]), integers([axis]), integers([step]))
  }

  mutating func unsqueeze(_ x: ValueID, axis: Int) -> ValueID {
    if graph.opsets["", default: 23] < 13 { return self("Unsqueeze", x, with: ["axes": .ints([Int64(axis)])]) }
    return self("Unsqueeze", x, integers([axis]))
  }

  mutating func squeeze(_ x: ValueID, axis: Int) -> ValueID { self("Squeeze", x, integers([axis])) }

  mutating func cast(_ x: ValueID, to type: ElementType) -> ValueID {
    self("Cast", x, with: ["to": .int(Int64(type.onnxCode))])
  }

  /// Adds all that a graph holds, its inputs being given; the result is its outputs.
  mutating func inline(_ inner: ComputeGraph, _ arguments: [ValueID]) -> [ValueID] {
    var ids = Dictionary(zip(inner.inputs, arguments)) { first, _ in first }
    let own = Set(inner.nodes.flatMap { $0.outputs.compactMap { $0 } })
    for (id, value) in inner.values.enumerated() where ids[id] == nil {
      let isCapture = value.constant == nil && !own.contains(id)
      if isCapture, let known = captures[value.name] {
        ids[id] = known
        continue
      }
      graph.values.append(Value(name: isCapture ? value.name : "\(graph.values.count)", constant: value.constant))
      ids[id] = graph.values.count - 1
      if isCapture { captures[value.name] = ids[id] }
    }
    for var node in inner.nodes {
      node.inputs = node.inputs.map { $0.map { ids[$0]! } }
      node.outputs = node.outputs.map { $0.map { ids[$0]! } }
      node.captures = node.captures.mapValues { ids[$0]! }
      graph.nodes.append(node)
    }
    return inner.outputs.map { ids[$0]! }
  }

  /// The body with its outputs.
  mutating func returning(_ outputs: ValueID...) -> ComputeGraph { returning(outputs) }

  /// The body with its outputs.
  mutating func returning(_ outputs: [ValueID]) -> ComputeGraph {
    var graph = graph
    graph.outputs = outputs
    return graph
  }
}

/// A composite operator as a function of its inputs.
struct Composite: CompositeOperator {
  let build: @Sendable (NodeInputs) throws -> ComputeGraph

  func body(_ inputs: NodeInputs) throws -> ComputeGraph { try build(inputs) }
}
