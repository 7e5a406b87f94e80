import Graph

/// A value written as the product of a number and other values.
struct FactoredValue {
  private(set) var number = 1.0
  private(set) var factors: [ValueID] = []

  /// Factors a value through Mul, Div by a number and small integer powers.
  ///
  /// - Parameter mayVanish: whether a value may be factored; by default, if it may vanish inside a fused node.
  init(_ value: ValueID, in graph: ComputeGraph, _ patterns: Patterns, mayVanish: ((ValueID) -> Bool)? = nil) {
    multiply(by: value, in: graph, patterns, mayVanish ?? patterns.facts.isPrivate)
  }

  private mutating func multiply(
    by value: ValueID, in graph: ComputeGraph, _ patterns: Patterns, _ mayVanish: (ValueID) -> Bool
  ) {
    func operands(of function: Binary.Function) -> (first: ValueID, second: ValueID)? {
      mayVanish(value) ? patterns.operands(of: function, giving: value, in: graph) : nil
    }
    if let number = graph.number(value) {
      self.number *= number
    } else if let (first, second) = operands(of: .multiply) {
      multiply(by: first, in: graph, patterns, mayVanish)
      multiply(by: second, in: graph, patterns, mayVanish)
    } else if let (first, second) = operands(of: .divide), let divisor = graph.number(second) {
      number /= divisor
      multiply(by: first, in: graph, patterns, mayVanish)
    } else if let (first, second) = operands(of: .power), let exponent = graph.number(second),
      [2, 3].contains(exponent)
    {
      for _ in 0..<Int(exponent) { multiply(by: first, in: graph, patterns, mayVanish) }
    } else {
      factors.append(value)
    }
  }

  /// Whether the number equals this one to five digits.
  func hasNumber(near number: Double) -> Bool { abs(self.number - number) <= 1e-5 * abs(number) }

  /// Whether this is approximately a number times the given values, in any order.
  func isAbout(_ number: Double, times factors: [ValueID]) -> Bool {
    hasNumber(near: number) && self.factors.sorted() == factors.sorted()
  }
}
