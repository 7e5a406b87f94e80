import Graph
import Ops

/// KPCA-CAM: the first kernel principal component of the positions' activations, with the kernel tanh(x·y ⁄ C + 1).
///
/// Class-agnostic. The entry of largest magnitude is positive. Karmani et al., KPCA-CAM: Visual Explainability of Deep
/// Computer Vision Models using Kernel PCA, 2024.
struct KernelPCACAM: TapMethod {
  var summary: String { "the first principal component of a kernel of the activation, whatever the class" }
  /// A kernel of more positions would take more memory and time than its map is worth.
  private static let largestPlane = 4096

  func map(of tap: Tap) throws -> HeatMap {
    let count = tap.plane
    guard count <= Self.largestPlane else {
      throw GradCAMError(
        .unsupported, at: "\(.method, "kpca-cam")",
        problem: "compares every pair of \(tap.plane) positions",
        advice: "choose a node with a smaller feature map")
    }
    let matrix = CenteredMatrix(tap.activation, channels: tap.channels, plane: count)
    var kernel = matrix.product(overChannels: true).map { tanh($0 / Double(tap.channels) + 1) }
    let means = (0..<count).map { row in kernel[row * count..<(row + 1) * count].reduce(0, +) / Double(count) }
    let mean = means.reduce(0, +) / Double(count)
    for row in 0..<count {
      for column in 0..<count { kernel[row * count + column] += mean - means[row] - means[column] }
    }
    let (value, vector) = try largestEigenpair(of: kernel, size: count)
    let largest = vector.max { abs($0) < abs($1) } ?? 0
    let scale = max(value, 0).squareRoot() * (largest < 0 ? -1 : 1)
    return tap.map(vector.map { Float(scale * $0) })
  }
}
