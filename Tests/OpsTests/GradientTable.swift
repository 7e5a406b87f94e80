/// The rows of every operator family, one file a family.
let gradientTable: [GradientCheck] =
  unaryGradientChecks + arithmeticGradientChecks + reduceGradientChecks + normalizationGradientChecks
  + convolutionGradientChecks + poolingGradientChecks + matrixProductGradientChecks
