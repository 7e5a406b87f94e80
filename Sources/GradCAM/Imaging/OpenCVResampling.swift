extension Picture {
  /// OpenCV's fixed-point arithmetic: weights of 11 bits, the products of both passes rounded once.
  func resizedAsOpenCV(width newWidth: Int, height newHeight: Int) -> Picture {
    let columns = FixedTaps(from: width, to: newWidth, clampsWeights: true)
    let rows = FixedTaps(from: height, to: newHeight, clampsWeights: false)
    let resized = [UInt8](unsafeUninitializedCapacity: 3 * newWidth * newHeight) { target, initializedCount in
      pixels.withUnsafeBufferPointer { source in
        var to = 0
        for y in 0..<newHeight {
          let top = 3 * width * rows.lower[y]
          let bottom = 3 * width * rows.upper[y]
          let (topWeight, bottomWeight) = rows.weights[y]
          for x in 0..<newWidth {
            let left = 3 * columns.lower[x]
            let right = 3 * columns.upper[x]
            let (leftWeight, rightWeight) = columns.weights[x]
            for channel in 0..<3 {
              let above =
                Int32(source[top + left + channel]) &* leftWeight
                &+ Int32(source[top + right + channel]) &* rightWeight
              let below =
                Int32(source[bottom + left + channel]) &* leftWeight
                &+ Int32(source[bottom + right + channel]) &* rightWeight
              let sum = ((topWeight &* (above >> 4)) >> 16) &+ ((bottomWeight &* (below >> 4)) >> 16)
              target[to] = UInt8(truncatingIfNeeded: min((sum &+ 2) >> 2, 255))
              to += 1
            }
          }
        }
      }
      initializedCount = 3 * newWidth * newHeight
    }
    return Picture(width: newWidth, height: newHeight, pixels: resized)
  }
}

/// The two positions that an output lies between, and their weights of 11 bits.
private struct FixedTaps {
  private(set) var lower: [Int] = [], upper: [Int] = []
  private(set) var weights: [(Int32, Int32)] = []

  /// - Parameter clampsWeights: whether an output beyond the first or last centre takes that position alone; else it takes
  ///   it twice, which rounds twice.
  init(from inputCount: Int, to outputCount: Int, clampsWeights: Bool) {
    func fixed(_ weight: Float) -> Int32 { Int32((weight * 2048).rounded(.toNearestOrEven)) }
    let scale = 1 / (Double(outputCount) / Double(inputCount)), last = inputCount - 1
    for output in 0..<outputCount {
      // OpenCV rounds the positions to Float here, though not when it resizes maps.
      let position = Float((Double(output) + 0.5) * scale - 0.5)
      let center = clampsWeights ? min(max(position, 0), Float(last)) : position
      let place = center.rounded(.down), fraction = center - place
      lower.append(min(max(Int(place), 0), last))
      upper.append(min(max(Int(place) + 1, 0), last))
      weights.append((fixed(1 - fraction), fixed(fraction)))
    }
  }
}

extension HeatMap {
  /// The map at another size, as in OpenCV's `resize` with `INTER_LINEAR`: half-pixel centres, clamped at the edges, no
  /// averaging when it shrinks.
  ///
  /// - Precondition: `width` and `height` are positive, and the map is no volume's.
  public func resized(width: Int, height: Int) -> HeatMap { resized(to: PixelSize(width: width, height: height)) }

  /// The same for maps of any rank, as in PyTorch's `interpolate` without aligned corners: linear, bilinear or trilinear.
  ///
  /// Along outer axes that the map does not have it is the same throughout.
  ///
  /// - Precondition: all extents are positive, and there are as many as the map has, or more.
  public func resized(to size: PixelSize) -> HeatMap {
    if size == self.size { return self }
    let old = [self.size.depth, height, width].suffix(size.rank)
    var map = resampled(zip(old, size.extents).map { LinearTaps(from: $0, to: $1) })
    map.isSigned = isSigned
    map.seen = size.rank == 2 ? seen?.scaled(from: self.size, to: map.size) : nil
    return map
  }
}

extension LinearTaps: AxisResampling {
  var count: Int { lower.count }

  /// The values interpolated along one axis of outer × count × inner; 0 where they do not cover the output.
  func applied(to values: [Float], count: Int, outer: Int, inner: Int) -> [Float] {
    let newCount = self.count
    guard inner > 1 else {
      var result = [Float](repeating: 0, count: outer * newCount)
      for row in 0..<outer {
        for place in covered {
          result[row * newCount + place] = interpolate(
            values[row * count + lower[place]], values[row * count + upper[place]], fraction[place])
        }
      }
      return result
    }
    return [Float](unsafeUninitializedCapacity: outer * newCount * inner) { target, initializedCount in
      values.withUnsafeBufferPointer { source in
        for block in 0..<outer {
          for place in 0..<newCount {
            let to = target.baseAddress! + (block * newCount + place) * inner
            guard covered.contains(place) else {
              for index in 0..<inner { to[index] = 0 }
              continue
            }
            let first = source.baseAddress! + (block * count + lower[place]) * inner
            let second = source.baseAddress! + (block * count + upper[place]) * inner
            let fraction = fraction[place]
            for index in 0..<inner { to[index] = interpolate(first[index], second[index], fraction) }
          }
        }
      }
      initializedCount = outer * newCount * inner
    }
  }
}

/// In Double, so that product and sum are rounded once, as OpenCV's fused instruction does.
@inline(__always)
private func interpolate(_ first: Float, _ second: Float, _ fraction: Float) -> Float {
  Float(Double(second - first) * Double(fraction) + Double(first))
}
