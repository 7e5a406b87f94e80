import Graph

/// How maps are smoothed.
public enum Smoothing: String, Sendable, CaseIterable {
  /// The mean over augmented inputs: `Augmentation.all`.
  case aug
  /// The first principal component of weighted activations in place of their sum.
  case eigen
}

/// A change of the network's input whose map can be laid over the original input.
struct Augmentation {
  /// Whether left and right are swapped.
  let isMirrored: Bool
  /// What every number is multiplied by.
  let factor: Float

  var isNone: Bool { !isMirrored && factor == 1 }

  static let none = Augmentation(isMirrored: false, factor: 1)

  /// Those of pytorch-grad-cam's `aug_smooth`, the unchanged input first.
  static let all =
    [none]
    + [false, true].flatMap { isMirrored in
      [0.9, 1, 1.1].filter { isMirrored || $0 != 1 }.map { Augmentation(isMirrored: isMirrored, factor: $0) }
    }

  /// A changed input.
  ///
  /// Throws `unsupported` if it holds integers, or is a signal, which has no mirror image.
  func applied(to image: Tensor, _ input: ImageShape) throws -> Tensor {
    guard input.rank > 1 else {
      throw GradCAMError(
        .unsupported, at: "\(.smooth, "aug")", problem: "mirrors pictures left to right, and the model takes signals",
        advice: "leave it out")
    }
    guard image.elementType.storage == .float32 else {
      throw GradCAMError(
        .unsupported, at: "\(.smooth, "aug")",
        problem: "multiplies the image, but the model takes \(image.elementType)",
        advice: "leave it out, or export the model with its normalisation outside")
    }
    let shape = image.shape, last = shape.rank - 1
    let (width, depth) = input.layout == .nchw ? (shape[last], 1) : (shape[last - 1], shape[last])
    let values = image.floats, row = width * depth
    let changed = values.indices.map { index in
      guard isMirrored else { return factor * values[index] }
      let start = index / row * row, column = index % row / depth
      return factor * values[start + (width - 1 - column) * depth + index % depth]
    }
    return Tensor(changed, shape: shape, floatingType: image.elementType)
  }

  /// A map of the changed input, laid over the original input.
  func undone(_ map: HeatMap) -> HeatMap {
    guard isMirrored else { return map }
    return HeatMap(
      map.size,
      values: map.values.indices.map { map.values[$0 / map.width * map.width + map.width - 1 - $0 % map.width] })
  }
}
