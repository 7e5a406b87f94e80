import Graph

extension OperatorSet {
  /// Every operator that is built in.
  public static let standard = OperatorSet(
    [
      arithmeticOperators,
      castOperators,
      constantOperators,
      convolutionOperators,
      indexingOperators,
      logicOperators,
      matrixOperators,
      normalizationOperators,
      padOperators,
      poolingOperators,
      rearrangementOperators,
      reductionOperators,
      resizeOperators,
      softmaxOperators,
      topKOperators,
      unaryOperators,
      viewOperators,
    ].flatMap { $0 },
    rewrites: [InlineConstants(), FuseClampIntoConvolution()])
}
