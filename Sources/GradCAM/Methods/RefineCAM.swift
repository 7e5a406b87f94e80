/// RefineCAM: the product of the Grad-CAM++ maps of all nodes, each in 0 … 1 over the network's input.
///
/// As in pytorch-grad-cam, after arXiv 2605.14641.
struct RefineCAM: CAMMethod {
  var summary: String { "the product of gradcam++ over all nodes given" }
  let scope = MapScope.nodes

  func map(of tap: Tap, probe: Probe) throws -> HeatMap {
    let size = probe.inputSize, maps = try probe.taps.map { GradCAMPlusPlus().map(of: $0).covering(size).values }
    let product = maps.dropFirst().reduce(maps[0]) { product, map in zip(product, map).map { $0 * $1 } }
    return HeatMap(size, values: product)
  }
}
