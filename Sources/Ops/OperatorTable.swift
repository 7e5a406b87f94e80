import Graph

extension OperatorSet {
  /// Every operator that is built in.
  public static let standard = OperatorSet(
    [
      arithmeticOperators,
      attentionOperators,
      castOperators,
      col2ImOperators,
      constantOperators,
      convolutionOperators,
      einsumOperators,
      indexingOperators,
      logicOperators,
      lossOperators,
      matrixOperators,
      normalizationOperators,
      padOperators,
      poolingOperators,
      rearrangementOperators,
      recurrenceOperators,
      reductionOperators,
      resizeOperators,
      samplingOperators,
      softmaxOperators,
      topKOperators,
      unaryOperators,
      viewOperators,
    ].flatMap { $0 },
    rewrites: [InlineConstants(), FuseClampIntoConvolution()])
}
