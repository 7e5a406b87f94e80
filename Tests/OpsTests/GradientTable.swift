/// The rows of every operator family, one file a family.
let gradientTable: [GradientCheck] =
  unaryGradientChecks + convolutionGradientChecks + poolingGradientChecks + matrixProductGradientChecks
  + viewGradientChecks + rearrangementGradientChecks + padGradientChecks + indexingGradientChecks
  + resizeGradientChecks + einsumGradientChecks + samplingGradientChecks
