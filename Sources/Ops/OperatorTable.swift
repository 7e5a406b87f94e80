import Graph

extension OperatorSet {
  /// Every operator that is built in.
  public static let standard = OperatorSet(
    unaryOperators + castOperators + arithmeticOperators + logicOperators + reductionOperators + softmaxOperators
      + normalizationOperators + convolutionOperators + poolingOperators + matrixOperators)
}
