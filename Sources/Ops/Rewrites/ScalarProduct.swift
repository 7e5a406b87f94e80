import Graph

/// A value written as a product: a number, times other values.
struct ScalarProduct {
  private(set) var number = 1.0
  private(set) var factors: [ValueID] = []

  /// Takes a value apart as far as private results of Mul, Div by a number and small whole powers go.
  init(_ value: ValueID, in graph: ComputeGraph, _ producers: [ValueID: Int], isPrivate: (ValueID) -> Bool) {
    multiply(by: value, in: graph, producers, isPrivate: isPrivate)
  }

  private mutating func multiply(
    by value: ValueID, in graph: ComputeGraph, _ producers: [ValueID: Int], isPrivate: (ValueID) -> Bool
  ) {
    if let number = graph.number(value) {
      self.number *= number
      return
    }
    guard isPrivate(value), let producer = producers[value], let (first, second) = graph.operands(of: producer) else {
      return factors.append(value)
    }
    switch graph.nodes[producer].operatorName.type {
    case "Mul":
      multiply(by: first, in: graph, producers, isPrivate: isPrivate)
      multiply(by: second, in: graph, producers, isPrivate: isPrivate)
    case "Div":
      guard let divisor = graph.number(second) else { return factors.append(value) }
      number /= divisor
      multiply(by: first, in: graph, producers, isPrivate: isPrivate)
    case "Pow":
      guard let exponent = graph.number(second), exponent == 2 || exponent == 3 else { return factors.append(value) }
      for _ in 0..<Int(exponent) { multiply(by: first, in: graph, producers, isPrivate: isPrivate) }
    default: factors.append(value)
    }
  }

  /// Whether the number is this one, known to five digits.
  func hasNumber(near number: Double) -> Bool { abs(self.number - number) <= 1e-5 * abs(number) }

  /// Whether this is about a number times the given values in some order.
  func isAbout(_ number: Double, times factors: [ValueID]) -> Bool {
    hasNumber(near: number) && self.factors.sorted() == factors.sorted()
  }
}

extension ComputeGraph {
  /// The number that a constant holds, where it does not change the rank of what it is multiplied with.
  func number(_ value: ValueID) -> Double? {
    guard let constant = values[value].constant, constant.elementType.isFloatingPoint, constant.shape.count == 1,
      constant.shape.rank <= 1
    else { return nil }
    return Double(constant.floats[0])
  }

  /// The inputs of a node of the standard domain that has two and no attributes.
  func operands(of node: Int) -> (ValueID, ValueID)? {
    let node = nodes[node]
    guard node.operatorName.domain.isEmpty, node.attributes.isEmpty, node.inputs.count == 2, let first = node.inputs[0],
      let second = node.inputs[1]
    else { return nil }
    return (first, second)
  }

  /// The input of the node of one input, and of no attributes but those named, that computes a private value.
  func argument(
    of type: String, attributes: [String] = [], giving value: ValueID, _ producers: [ValueID: Int],
    isPrivate: (ValueID) -> Bool
  ) -> ValueID? {
    guard isPrivate(value), let producer = producers[value] else { return nil }
    let node = nodes[producer]
    guard node.operatorName == OperatorName(type: type), node.inputs.count == 1,
      node.attributes.keys.allSatisfy(attributes.contains)
    else { return nil }
    return node.inputs[0]
  }
}
