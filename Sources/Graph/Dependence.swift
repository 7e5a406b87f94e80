/// How the results of an operator depend on some of its inputs: what backward passes ask that share out contributions.
public enum Dependence {
  /// Each element of a result is one of an input, or a constant; which one does not depend on the inputs' contents.
  case moved
  /// Each element of a result is one of an input, which the contents choose.
  case chosen
  /// A function of one input's element at the same position.
  case elementwise
  /// Linear in all of these inputs together, apart from an addend.
  case linear
  /// Linear in each of these inputs for given others, apart from an addend: a sum of products.
  case multilinear
  /// Linear in the first input once a scale that is computed from the inputs is held, by the operator given: what is
  /// divided by its own deviation.
  case scaled(held: any DifferentiableOperator)
  /// A softmax.
  case competing
}
