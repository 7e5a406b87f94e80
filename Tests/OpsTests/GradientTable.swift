import Graph

@testable import Ops

/// The rows of every operator family, one file a family.
let gradientTable: [GradientCheck] = [
  arithmeticGradientChecks,
  attentionGradientChecks,
  audioGradientChecks,
  batchNormalizationGradientChecks,
  castGradientChecks,
  col2ImGradientChecks,
  collectionsGradientChecks,
  compositesGradientChecks,
  controlFlowGradientChecks,
  convTransposeGradientChecks,
  convolutionGradientChecks,
  deformConvGradientChecks,
  determinantGradientChecks,
  einsumGradientChecks,
  flexAttentionGradientChecks,
  imageScalerGradientChecks,
  indexingGradientChecks,
  logicGradientChecks,
  lossGradientChecks,
  machineLearningGradientChecks,
  matMulGradientChecks,
  normalizationGradientChecks,
  padGradientChecks,
  poolingGradientChecks,
  quantizationGradientChecks,
  rearrangementGradientChecks,
  recurrenceGradientChecks,
  reduceGradientChecks,
  regionPoolingGradientChecks,
  resizeGradientChecks,
  runtimeFusionGradientChecks,
  samplingGradientChecks,
  selectionGradientChecks,
  softmaxGradientChecks,
  topKGradientChecks,
  unaryGradientChecks,
  viewsGradientChecks,
].flatMap { $0 }

/// The operators that the rows name: the standard ones and, in the domain "test", those that only rewrites make.
let gradientTableOperators = OperatorSet.standard.joined(
  with: OperatorSet([
    OperatorEntry("FusedBatchNormalization", domain: "test", inputs: 5...5) { reader in
      var normalization = try BatchNormalization(&reader)
      if try reader.string("activation", default: "") == "Relu" { normalization.clamp = .rectifier }
      return normalization
    },
    OperatorEntry("BiasedMatMul", domain: "test", inputs: 3...3) { _ in MatMul() },
  ]))
