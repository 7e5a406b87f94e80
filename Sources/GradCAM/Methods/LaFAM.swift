/// LaFAM: the mean of the activations over channels, whatever is explained.
///
/// Karjauv and Albayrak, LaFAM: Unsupervised Feature Attribution with Label-free Activation Maps, 2024.
struct LaFAM: TapWeightingMethod {
  var summary: String { "mean activation" }
  func weights(of tap: Tap) -> [Float] { [Float](repeating: 1 / Float(tap.channels), count: tap.channels) }
}
