import Graph

extension OperatorSet {
  /// Every operator that is built in.
  public static let standard = OperatorSet(
    unaryOperators + arithmeticOperators + convolutionOperators + poolingOperators + matrixOperators
      + viewOperators + constantOperators + rearrangementOperators + padOperators + indexingOperators + topKOperators
      + resizeOperators + einsumOperators + samplingOperators + col2ImOperators)
}
