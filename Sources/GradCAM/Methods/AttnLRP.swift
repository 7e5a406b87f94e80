import Graph

/// AttnLRP: layer-wise relevance propagation through a transformer, summed over colours.
///
/// A softmax gets x · (R − s ΣR), the factors of a product of two computed values half of what each of its terms
/// contributes, normalisation holds the deviation that it divides by, and all that is linear has the ε rule.
/// Achtibat et al., AttnLRP: Attention-Aware Layer-Wise Relevance Propagation for Transformers, 2024.
struct AttnLRP: CAMMethod {
  var summary: String { "relevance passed back through every attention to the picture" }
  let scope = MapScope.network
  let isFineGrained = true

  func passCount(at tap: Tap) -> Int { 1 }

  func map(of tap: Tap, probe: Probe) throws -> HeatMap {
    let name = "attnlrp"
    try probe.checkAttention(for: name)
    return try probe.relevance(for: name, by: RelevanceRules(convolution: .epsilon)).sum { _, relevance in relevance }
  }
}
