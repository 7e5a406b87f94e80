extension Picture {
  /// OpenCV's fixed-point arithmetic: weights of 11 bits, the products of both passes rounded once.
  func resizedAsOpenCV(width newWidth: Int, height newHeight: Int) -> Picture {
    let columns = FixedTaps(from: width, to: newWidth)
    let rows = FixedTaps(from: height, to: newHeight)
    let resized = [UInt8](unsafeUninitializedCapacity: 3 * newWidth * newHeight) { target, initializedCount in
      pixels.withUnsafeBufferPointer { source in
        var to = 0
        for y in 0..<newHeight {
          let top = 3 * width * rows.taps.lower[y]
          let bottom = 3 * width * rows.taps.upper[y]
          let (topWeight, bottomWeight) = rows.weights[y]
          for x in 0..<newWidth {
            let left = 3 * columns.taps.lower[x]
            let right = 3 * columns.taps.upper[x]
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

private struct FixedTaps {
  let taps: LinearTaps
  let weights: [(Int32, Int32)]

  init(from inputCount: Int, to outputCount: Int) {
    func fixed(_ weight: Float) -> Int32 { Int32((weight * 2048).rounded(.toNearestOrEven)) }
    let scale = 1 / (Double(outputCount) / Double(inputCount))
    // OpenCV rounds the positions to Float here, though not when it resizes maps.
    taps = LinearTaps(from: inputCount, to: outputCount, covered: 0..<outputCount) {
      Double(Float((Double($0) + 0.5) * scale - 0.5)) + 0.5
    }
    weights = taps.fraction.map { (fixed(1 - $0), fixed($0)) }
  }
}

extension HeatMap {
  /// The map at another size, as in OpenCV's `resize` with `INTER_LINEAR`: half-pixel centres, clamped at the edges, no
  /// averaging when it shrinks.
  ///
  /// - Precondition: `width` and `height` are positive.
  public func resized(width: Int, height: Int) -> HeatMap {
    if (width, height) == (self.width, self.height) { return self }
    var map = interpolated(
      columns: LinearTaps(from: self.width, to: width), rows: LinearTaps(from: self.height, to: height))
    map.seen = seen?.scaled(from: PixelSize(width: self.width, height: self.height), to: map.size)
    return map
  }

  /// First along rows, then along columns; 0 where the map does not cover the output.
  func interpolated(columns: LinearTaps, rows: LinearTaps) -> HeatMap {
    let (newWidth, newHeight) = (columns.lower.count, rows.lower.count)
    var widened = [Float](repeating: 0, count: newWidth * height)
    for y in 0..<height {
      for x in columns.covered {
        widened[y * newWidth + x] = interpolate(
          values[y * width + columns.lower[x]], values[y * width + columns.upper[x]], columns.fraction[x])
      }
    }
    let result = [Float](unsafeUninitializedCapacity: newWidth * newHeight) { target, initializedCount in
      widened.withUnsafeBufferPointer { source in
        for y in 0..<newHeight {
          let row = y * newWidth
          guard rows.covered.contains(y) else {
            for x in 0..<newWidth { target[row + x] = 0 }
            continue
          }
          let (above, below) = (rows.lower[y] * newWidth, rows.upper[y] * newWidth)
          let fraction = rows.fraction[y]
          let from = (source.baseAddress! + above, source.baseAddress! + below), to = target.baseAddress! + row
          for x in 0..<newWidth { to[x] = interpolate(from.0[x], from.1[x], fraction) }
        }
      }
      initializedCount = newWidth * newHeight
    }
    return HeatMap(width: newWidth, height: newHeight, values: result)
  }
}

/// In Double, so that product and sum are rounded once, as OpenCV's fused instruction does.
@inline(__always)
private func interpolate(_ first: Float, _ second: Float, _ fraction: Float) -> Float {
  Float(Double(second - first) * Double(fraction) + Double(first))
}
