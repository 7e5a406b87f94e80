import Graph

/// An input that stands for nothing to be seen, with which attributions compare the image.
public enum Baseline: Sendable {
  /// 0 everywhere in the network's input, Captum's default: where the preprocessing subtracts a mean colour, that colour.
  case zero
  /// The mean of each of the image's channels.
  case mean
  /// The image blurred by a Gaussian whose deviation is 1 ⁄ 16 of its extents.
  case blur
  /// Images as the network's input, at least one; the first, unless a method draws from all.
  case images([Tensor])
}

extension Probe {
  /// The baselines, each as the image's channels.
  ///
  /// Throws `badData` if one does not have the input's shape.
  func planes(of baseline: Baseline) throws -> [[[Float]]] {
    let size = inputSize
    switch baseline {
    case .zero: return [inputPlanes.map { [Float](repeating: 0, count: $0.count) }]
    case .mean:
      return [
        inputPlanes.map { plane in
          let mean = Float(plane.reduce(0) { $0 + Double($1) } / Double(plane.count))
          return [Float](repeating: mean, count: plane.count)
        }
      ]
    case .blur:
      let blur = GaussianBlur(
        size.extents.map { GaussianBlur.Window(deviation: max(1, Double($0) / 16), radius: max(1, $0 / 8)) })
      return [inputPlanes.map { blur.blurred($0, size) }]
    case .images(let tensors):
      return try tensors.map { tensor in
        guard let planes = inputPlanes(of: tensor) else {
          throw GradCAMError(
            .badData, at: "\(.baseline)", problem: "has the shape \(tensor.shape), which the image does not have",
            advice: "give pictures that are prepared as the image is")
        }
        return planes
      }
    }
  }

  /// Σ over channels of (x − x₀) · slope, which should add up to the score less that of the baseline x₀; how far they do
  /// is reported.
  ///
  /// - Parameter slopes: one for each element of the image, channels first.
  func attributions(_ slopes: [Float], from baseline: [[Float]]) throws -> HeatMap {
    let image = inputPlanes, differences = zip(image, baseline).flatMap { zip($0, $1).map { $0 - $1 } }
    let map = Tap(channels: image.count, size: inputSize, activation: differences, gradient: slopes).sum(*)
    let before = try scores(ofInputs: 1) { _, input in setInput(input, to: baseline) }[0]
    report(Completeness(of: map, explaining: Double(try score) - Double(before)))
    return map
  }
}
