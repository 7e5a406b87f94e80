import Graph

/// Building blocks for the bodies of composite operators.
extension GraphBuilder {
  /// Starts a body for a node.
  init(_ inputs: NodeInputs, opsets: [String: Int] = ["": 23]) {
    self.init(inputs: (0..<inputs.count).map(inputs.has), opsets: opsets)
  }

  /// Adds a list of integers.
  mutating func integers(_ values: [Int]) -> ValueID {
    constant(Tensor(values.map(Int64.init), shape: [values.count]))
  }

  /// Adds numbers of a type; those of another than a floating one are converted to it.
  mutating func numbers(_ values: [Float], shape: Shape = [], type: ElementType) -> ValueID {
    guard type.storage == .float32 else { return cast(constant(Tensor(values, shape: shape)), to: type) }
    return constant(Tensor(values, shape: shape, floatingType: type))
  }

  /// Adds a tensor filled with one number, by default a scalar.
  mutating func number(_ value: Float, shape: Shape = [], type: ElementType) -> ValueID {
    numbers([Float](repeating: value, count: shape.count), shape: shape, type: type)
  }

  /// Gives the elements of a value other extents, of which one may be -1: what is left for it.
  public mutating func reshape(_ x: ValueID, _ extents: [Int]) -> ValueID {
    self("Reshape", x, integers(extents), with: extents.contains(0) ? ["allowzero": .int(1)] : [:])
  }

  /// Puts the axes of a value in an order.
  public mutating func transpose(_ x: ValueID, _ order: [Int]) -> ValueID {
    self("Transpose", x, with: ["perm": .ints(order.map(Int64.init))])
  }

  /// Joins values along an axis.
  public mutating func concatenate(_ parts: [ValueID], axis: Int) -> ValueID {
    node("Concat", parts, ["axis": .int(Int64(axis))])[0]
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

  mutating func squeeze(_ x: ValueID, axis: Int) -> ValueID {
    if graph.opsets["", default: 23] < 13 { return self("Squeeze", x, with: ["axes": .ints([Int64(axis)])]) }
    return self("Squeeze", x, integers([axis]))
  }

  /// Adds a repetition of a graph that may read values from outside, and returns the last states and what is collected.
  ///
  /// - Parameter inputs: the first states, the sliced tensors and the other inputs of the graph.
  mutating func `repeat`(_ repetition: Repetition, _ inputs: [ValueID]) -> [ValueID] {
    var repetition = repetition
    let inputs = inputs + captures(of: &repetition.graph)
    return node(
      "Loop", inputs, operation: Repeating(repeated: repetition), outputCount: repetition.graph.outputs.count)
  }

  mutating func cast(_ x: ValueID, to type: ElementType) -> ValueID {
    self("Cast", x, with: ["to": .int(Int64(type.onnxCode))])
  }
}

/// A composite operator as a function of its inputs.
struct Composite: CompositeOperator {
  var axes = AxisMapping.unknown
  let build: @Sendable (NodeInputs) throws -> ComputeGraph

  func axes(_ inputs: NodeInputs) -> AxisMapping { axes }

  func body(_ inputs: NodeInputs) throws -> ComputeGraph { try build(inputs) }
}
