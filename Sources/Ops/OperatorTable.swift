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
      regionPoolingOperators,
      resizeOperators,
      runtimeAttentionOperators,
      runtimeFusions,
      runtimeProducts,
      samplingOperators,
      selectionOperators,
      softmaxOperators,
      topKOperators,
      unaryOperators,
      viewOperators,
    ].flatMap { $0 },
    rewrites: [
      MergeTransposes(), FoldPadIntoConvolution(), FoldBatchNormalization(), FuseResidualIntoConvolution(),
      FuseBiasIntoProduct(), FuseClamp(), FuseSelfGating(), FuseGelu(), FuseActivation(), FuseDepthwise(),
      SelectRowsFirst(),
    ],
    advice: Dictionary(
      uniqueKeysWithValues: ["com.microsoft.nchwc", "com.ms.internal.nhwc"].map {
        ($0, "ONNX Runtime optimised the file for one processor; give the file that it was made from")
      }),
    foreignSelections: foreignBoxSelections)
}
