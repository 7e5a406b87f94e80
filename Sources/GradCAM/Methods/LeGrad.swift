/// LeGrad: the positive gradients at every softmax attention, their mean over heads and queries at each key's place,
/// and the mean of that over all layers.
///
/// Bousselham et al., LeGrad: An Explainability Method for Vision Transformers via Feature Formation Sensitivity, 2024.
/// There, each layer's own tokens are passed to the classifier; here, every gradient is that of the network's score,
/// which needs nothing but the graph.
struct LeGrad: CAMMethod {
  var summary: String { "gradients above 0 at every attention, for the whole network" }
  let scope = MapScope.network

  func passCount(at tap: Tap) -> Int { 1 }

  func map(of tap: Tap, probe: Probe) throws -> HeatMap {
    let layers = try probe.attentions(for: "legrad").map { $0.mean { max($0, 0) } }
    let size = PixelSize.largest(of: layers.map(\.size))
    var mean = [Float](repeating: 0, count: size.count)
    for layer in layers {
      let values = layer.resized(to: size).values
      for index in mean.indices { mean[index] += values[index] / Float(layers.count) }
    }
    return HeatMap(size, values: mean)
  }
}
