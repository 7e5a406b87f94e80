import Graph

extension OperatorSet {
  /// Every operator that is built in.
  public static let standard = OperatorSet(
    [
      arithmeticOperators,
      castOperators,
      col2ImOperators,
      constantOperators,
      convolutionOperators,
      einsumOperators,
      imageScalerOperators,
      indexingOperators,
      logicOperators,
      matrixOperators,
      normalizationOperators,
      padOperators,
      poolingOperators,
      quantizationOperators,
      rearrangementOperators,
      reductionOperators,
      resizeOperators,
      samplingOperators,
      softmaxOperators,
      topKOperators,
      unaryOperators,
      viewOperators,
    ].flatMap { $0 },
    expansions: quantizedExpansions + activationExpansions,
    rewrites: [InlineConstants(), FuseClampIntoConvolution()])
}
