/// Transformer attribution: R ← R + Ā R from layer to layer, where Ā is the mean over heads of what of attention ×
/// gradient is above 0; the row of the class token, or the mean over the tokens that the score is read from.
///
/// Chefer et al., Generic Attention-model Explainability for Interpreting Bi-Modal and Encoder-Decoder Transformers,
/// 2021: its rule for self-attention.
struct TransformerAttribution: CAMMethod {
  var summary: String { "the product of all attentions, weighted by gradients above 0, for the whole network" }
  let scope = MapScope.network

  func passCount(at tap: Tap) -> Int { 1 }

  func map(of tap: Tap, probe: Probe) throws -> HeatMap {
    let name = "transformer-attribution"
    return try probe.attentions(for: name).flow(for: name, kept: 1, added: 1) { weight, gradient in
      max(weight * gradient, 0)
    }
  }
}
