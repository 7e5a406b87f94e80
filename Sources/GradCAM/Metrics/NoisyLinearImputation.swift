/// Replaces removed pixels of an image by the weighted mean of their neighbours, plus noise.
///
/// Direct neighbours weigh 1 ⁄ 6, diagonal ones 1 ⁄ 12, those outside the image nothing; if no pixel is known, all
/// become 0. Rong et al., A Consistent and Efficient Evaluation Strategy for Attribution Methods, 2022.
struct NoisyLinearImputation {
  var seed: UInt64
  /// The standard deviation of the noise.
  var noise: Float = 0.01

  /// The planes of an image with new values for unknown pixels.
  func imputed(_ planes: [[Float]], width: Int, where isKnown: [Bool]) -> [[Float]] {
    let means = isKnown.contains(true) ? NeighbourMeans(width: width, isUnknown: isKnown.map(!)) : nil
    // Four channels at a time.
    let groups = stride(from: 0, to: planes.count, by: 4).map { first -> [SIMD4<Float>] in
      let channels = planes[first..<min(first + 4, planes.count)]
      var pixels = isKnown.indices.map { pixel in
        channels.indices.reduce(into: SIMD4<Float>()) { $0[$1 - first] = isKnown[pixel] ? channels[$1][pixel] : 0 }
      }
      means?.solve(&pixels)
      return pixels
    }
    var draws = NormalNoise(seed: seed)
    return planes.enumerated().map { channel, plane in
      let pixels = groups[channel / 4]
      return isKnown.indices.map { isKnown[$0] ? plane[$0] : pixels[$0][channel % 4] + noise * draws.next() }
    }
  }
}

/// The equations by which unknown pixels are the weighted means of their neighbours, four channels at a time.
///
/// Solved by conjugate gradients, preconditioned by a multigrid cycle over grids of half the resolution each.
private final class NeighbourMeans {
  private let width, height: Int
  /// 1 for unknown pixels, 0 for others.
  private let mask: [Float]
  /// The sum of the weights of each pixel's neighbours inside the image.
  private let diagonal: [Float]
  /// What a damped Jacobi step multiplies a pixel's residual by: 0 for known pixels.
  private let step: [Float]
  /// The same equations on a grid of half the resolution; nil if too small or without unknown pixels.
  private let coarse: NeighbourMeans?

  private typealias Pixels = [SIMD4<Float>]

  private static let tolerance = 1e-5
  private static let damping: Float = 0.8

  init(width: Int, isUnknown: [Bool]) {
    let height = isUnknown.count / width
    self.width = width
    self.height = height
    mask = isUnknown.map { $0 ? Float(1) : 0 }
    diagonal = isUnknown.indices.map { pixel -> Float in
      func sides(_ index: Int, _ count: Int) -> Float { (index > 0 ? 1 : 0) + (index + 1 < count ? 1 : 0) }
      let row = sides(pixel % width, width), column = sides(pixel / width, height)
      return (2 * (row + column) + row * column) / 12
    }
    step = zip(mask, diagonal).map { $1 > 0 ? $0 * Self.damping / $1 : 0 }
    guard width > 2, height > 2 else {
      coarse = nil
      return
    }
    // A coarse pixel is unknown if all that it covers are.
    let halfWidth = (width + 1) / 2, halfHeight = (height + 1) / 2
    var isCoarseUnknown = [Bool](repeating: true, count: halfWidth * halfHeight)
    for pixel in isUnknown.indices where !isUnknown[pixel] {
      isCoarseUnknown[pixel / width / 2 * halfWidth + pixel % width / 2] = false
    }
    coarse = isCoarseUnknown.contains(true) ? NeighbourMeans(width: halfWidth, isUnknown: isCoarseUnknown) : nil
  }

  /// Fills in the unknown pixels, which are 0, from the known ones.
  func solve(_ pixels: inout [SIMD4<Float>]) {
    // What the known pixels add to the sums of the unknown ones.
    let zeros = Pixels(repeating: SIMD4(), count: mask.count)
    var residual = zeros
    forEachNeighbourSum(pixels) { pixel, sum in residual[pixel] = mask[pixel] * sum }
    let size = Self.product(residual, residual)
    guard size.max() > 0 else { return }
    var correction = cycle(residual), direction = correction, changed = zeros
    var product = Self.product(residual, correction)
    for _ in 0..<200 {
      apply(to: direction, into: &changed)
      let length = SIMD4<Float>(Self.quotient(product, Self.product(direction, changed)))
      for pixel in pixels.indices {
        pixels[pixel] += length * direction[pixel]
        residual[pixel] -= length * changed[pixel]
      }
      guard any(Self.product(residual, residual) .> Self.tolerance * Self.tolerance * size) else { return }
      correction = cycle(residual)
      let next = Self.product(residual, correction)
      let share = SIMD4<Float>(Self.quotient(next, product))
      product = next
      for pixel in direction.indices { direction[pixel] = correction[pixel] + share * direction[pixel] }
    }
  }

  /// diagonal × pixel − Σ weight × neighbour at the unknown pixels, for pixels that are 0 elsewhere.
  private func apply(to pixels: Pixels, into result: inout Pixels) {
    forEachNeighbourSum(pixels) { pixel, sum in result[pixel] = mask[pixel] * (diagonal[pixel] * pixels[pixel] - sum) }
  }

  /// An approximate solution for a right-hand side: one V-cycle, which is symmetric.
  private func cycle(_ right: Pixels) -> Pixels {
    var solution = right, residual = right
    for pixel in solution.indices { solution[pixel] *= step[pixel] }
    guard let coarse else {
      for _ in 0..<8 { relax(&solution, right, scratch: &residual) }
      return solution
    }
    apply(to: solution, into: &residual)
    for pixel in residual.indices { residual[pixel] = right[pixel] - residual[pixel] }
    add(coarse.cycle(restricted(residual, to: coarse)), of: coarse, to: &solution)
    relax(&solution, right, scratch: &residual)
    return solution
  }

  /// A damped Jacobi step.
  private func relax(_ solution: inout Pixels, _ right: Pixels, scratch: inout Pixels) {
    apply(to: solution, into: &scratch)
    for pixel in solution.indices { solution[pixel] += step[pixel] * (right[pixel] - scratch[pixel]) }
  }

  /// The two coarse positions along an axis that a fine one lies between, the nearer first, clamped at the edge.
  private static func neighbours(_ index: Int, _ count: Int) -> (Int, Int) {
    let near = index / 2
    return (near, min(max(index % 2 == 0 ? near - 1 : near + 1, 0), count - 1))
  }

  /// Adds bilinearly interpolated values of a coarse grid at the unknown pixels.
  private func add(_ halves: Pixels, of coarse: NeighbourMeans, to solution: inout Pixels) {
    var row = Pixels(repeating: SIMD4(), count: coarse.width)
    for y in 0..<height {
      let (near, far) = Self.neighbours(y, coarse.height)
      for x in row.indices { row[x] = 0.75 * halves[near * coarse.width + x] + 0.25 * halves[far * coarse.width + x] }
      for x in 0..<width {
        let (near, far) = Self.neighbours(x, coarse.width), pixel = y * width + x
        solution[pixel] += mask[pixel] * (0.75 * row[near] + 0.25 * row[far])
      }
    }
  }

  /// The transpose of that interpolation.
  private func restricted(_ residual: Pixels, to coarse: NeighbourMeans) -> Pixels {
    var halves = Pixels(repeating: SIMD4(), count: coarse.mask.count),
      row = Pixels(repeating: SIMD4(), count: coarse.width)
    for y in 0..<height {
      for x in row.indices { row[x] = SIMD4() }
      for x in 0..<width {
        let (near, far) = Self.neighbours(x, coarse.width), value = residual[y * width + x]
        row[near] += 0.75 * value
        row[far] += 0.25 * value
      }
      let (near, far) = Self.neighbours(y, coarse.height)
      for x in row.indices {
        halves[near * coarse.width + x] += 0.75 * row[x]
        halves[far * coarse.width + x] += 0.25 * row[x]
      }
    }
    for pixel in halves.indices { halves[pixel] *= coarse.mask[pixel] }
    return halves
  }

  /// Calls `body` with Σ weight × neighbour of every pixel, of neighbours inside the image: (1 2 1) along both axes,
  /// less four times the pixel, over 12.
  @inline(__always)
  private func forEachNeighbourSum(_ pixels: Pixels, _ body: (_ pixel: Int, SIMD4<Float>) -> Void) {
    // (1 2 1) down the columns of a row, with a zero at each end.
    var columns = Pixels(repeating: SIMD4(), count: width + 2)
    for y in 0..<height {
      let start = y * width
      for x in 0..<width {
        let above = y > 0 ? pixels[start - width + x] : SIMD4()
        let below = y + 1 < height ? pixels[start + width + x] : SIMD4()
        columns[x + 1] = above + 2 * pixels[start + x] + below
      }
      for x in 0..<width {
        let sum = columns[x] + 2 * columns[x + 1] + columns[x + 2]
        body(start + x, (sum - 4 * pixels[start + x]) * Float(1.0 / 12))
      }
    }
  }

  private static func product(_ first: Pixels, _ second: Pixels) -> SIMD4<Double> {
    var sum = SIMD4<Double>()
    for pixel in first.indices { sum += SIMD4<Double>(first[pixel] * second[pixel]) }
    return sum
  }

  /// 0 if the divisor is 0: a channel that is solved.
  private static func quotient(_ dividend: SIMD4<Double>, _ divisor: SIMD4<Double>) -> SIMD4<Double> {
    (dividend / divisor).replacing(with: 0, where: divisor .== 0)
  }
}
