/// The rows of every operator family, one file a family.
let gradientTable: [GradientCheck] = [
  arithmeticGradientChecks,
  compositeGradientChecks,
  controlFlowGradientChecks,
  convolutionGradientChecks,
  einsumGradientChecks,
  indexingGradientChecks,
  matrixProductGradientChecks,
  normalizationGradientChecks,
  padGradientChecks,
  poolingGradientChecks,
  rearrangementGradientChecks,
  reduceGradientChecks,
  resizeGradientChecks,
  samplingGradientChecks,
  unaryGradientChecks,
  viewGradientChecks,
].flatMap { $0 }
