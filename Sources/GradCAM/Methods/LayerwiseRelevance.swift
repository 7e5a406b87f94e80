import Graph

/// Layer-wise relevance propagation: what each pixel contributes to the score, passed back from layer to layer by rules
/// that conserve its sum but for the share of biases; summed over colours.
///
/// Bach et al., On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance Propagation, 2015;
/// the choices of rules, with their constants, are zennit's composites. Layers of attention, which these leave open, have
/// the rules of AttnLRP.
struct LayerwiseRelevance: CAMMethod {
  let name: String
  let rules: RelevanceRules
  let summary: String
  let scope = MapScope.network
  let isFineGrained = true

  /// ε in dense layers, α = 1 and β = 0 in convolutions.
  static let epsilonPlus = LayerwiseRelevance(
    name: "lrp", rules: RelevanceRules(convolution: .alphaBeta(1, 0)),
    summary: "relevance passed back to the picture, convolutions by what speaks for their results")

  /// ε in dense layers, γ = ¼ in convolutions, the first of which has the box rule.
  static let epsilonGammaBox = LayerwiseRelevance(
    name: "lrp-gamma-box", rules: RelevanceRules(convolution: .gamma(0.25), first: .box),
    summary: "lrp with gamma = 0.25 in convolutions and the range of pixels at the first")

  /// ε in dense layers, α = 2 and β = 1 in convolutions.
  static let epsilonAlpha2Beta1 = LayerwiseRelevance(
    name: "lrp-alpha2-beta1", rules: RelevanceRules(convolution: .alphaBeta(2, 1)),
    summary: "lrp with what speaks against convolutions' results, too: alpha = 2, beta = 1")

  func passCount(at tap: Tap) -> Int { 1 }

  func map(of tap: Tap, probe: Probe) throws -> HeatMap {
    try probe.relevance(for: name, by: rules).sum { _, relevance in relevance }
  }
}
