import Graph

extension OperatorSet {
  /// Every operator that is built in.
  public static let standard = OperatorSet(
    [
      arithmeticOperators,
      attentionOperators,
      audioOperators,
      bitCastOperators,
      castOperators,
      col2ImOperators,
      collectionOperators,
      compositeOperators,
      constantOperators,
      controlFlowOperators,
      convolutionOperators,
      determinantOperators,
      einsumOperators,
      fixedComposites,
      flexAttentionOperators,
      imageScalerOperators,
      indexingOperators,
      logicOperators,
      lossOperators,
      machineLearningOperators,
      matrixOperators,
      normalizationOperators,
      padOperators,
      poolingOperators,
      quantizationOperators,
      randomOperators,
      rearrangementOperators,
      recurrenceOperators,
      reductionOperators,
      resizeOperators,
      samplingOperators,
      selectionOperators,
      softmaxOperators,
      topKOperators,
      unaryOperators,
      viewOperators,
    ].flatMap { $0 },
    rewrites: [
      MergeTransposes(), FoldPadIntoConvolution(), FoldBatchNormalization(), FuseResidualIntoConvolution(),
      FuseBiasIntoProduct(), FuseClamp(), FuseSelfGating(), FuseGelu(), FuseActivation(),
    ])
}
