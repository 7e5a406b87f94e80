/// The rows of every operator family, one file a family.
let gradientTable: [GradientCheck] = [
  arithmeticGradientChecks,
  convTransposeGradientChecks,
  convolutionGradientChecks,
  einsumGradientChecks,
  indexingGradientChecks,
  matrixProductGradientChecks,
  normalizationGradientChecks,
  padGradientChecks,
  poolingGradientChecks,
  quantizationGradientChecks,
  rearrangementGradientChecks,
  reduceGradientChecks,
  resizeGradientChecks,
  samplingGradientChecks,
  unaryGradientChecks,
  viewGradientChecks,
].flatMap { $0 }
