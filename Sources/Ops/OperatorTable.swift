import Graph

extension OperatorSet {
  /// Every operator that is built in.
  public static let standard = OperatorSet(
    [
      arithmeticOperators,
      constantOperators,
      convolutionOperators,
      indexingOperators,
      matrixOperators,
      padOperators,
      poolingOperators,
      rearrangementOperators,
      resizeOperators,
      topKOperators,
      unaryOperators,
      viewOperators,
    ].flatMap { $0 })
}
