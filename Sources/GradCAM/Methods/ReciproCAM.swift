import Graph

/// Recipro-CAM: the score of the feature map with only one position and, by a 3×3 Gaussian, its neighbours left.
///
/// The lowest score is subtracted, since the definition rescales without rectifying. Byun and Lee, Recipro-CAM: Fast
/// gradient-free visual explanations for convolutional neural networks, 2022.
struct ReciproCAM: CAMMethod {
  var summary: String { "positions weighted by the score of each one alone" }
  /// By the distance in rows, or in columns.
  private static let gaussian: [Float] = [0.5, 0.25]

  func passCount(at tap: Tap) -> Int { tap.plane }

  func map(of tap: Tap, probe: Probe) throws -> HeatMap {
    guard tap.size.rank == 2 else {
      throw GradCAMError(
        .unsupported, at: "\(.method, "recipro-cam")", problem: "is defined for the feature maps of pictures",
        advice: "choose ablationcam or scorecam, say")
    }
    let scores = try probe.scores(ofActivations: tap.plane) { position, activation in
      let (row, column) = (position / tap.width, position % tap.width)
      var mask = [Float](repeating: 0, count: tap.plane)
      for y in max(0, row - 1)...min(tap.height - 1, row + 1) {
        for x in max(0, column - 1)...min(tap.width - 1, column + 1) {
          mask[y * tap.width + x] = Self.gaussian[abs(y - row)] * Self.gaussian[abs(x - column)]
        }
      }
      for index in activation.indices { activation[index] *= mask[index % tap.plane] }
    }
    let lowest = scores.min() ?? 0
    return tap.map(scores.map { $0 - lowest })
  }
}
