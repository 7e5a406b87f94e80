/// Attention rollout: how much of each token of the picture reaches the class token, if every layer keeps half of a token
/// and takes half by its attention, the mean over heads; the same for all classes.
///
/// Abnar and Zuidema, Quantifying Attention Flow in Transformers, 2020. Without a class token, the mean over the tokens
/// that the score is read from.
struct AttentionRollout: CAMMethod {
  var summary: String { "the product of all attentions, half of each token kept, for the whole network" }
  let scope = MapScope.network

  func passCount(at tap: Tap) -> Int { 1 }

  func map(of tap: Tap, probe: Probe) throws -> HeatMap {
    let name = "attention-rollout"
    return try probe.attentions(for: name).flow(for: name, kept: 0.5, added: 0.5) { weight, _ in weight }
  }
}
