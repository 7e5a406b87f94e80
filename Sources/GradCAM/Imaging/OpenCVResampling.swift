extension Picture {
  /// OpenCV's fixed-point arithmetic: weights of 11 bits, the products of both passes rounded once.
  func resizedAsOpenCV(width newWidth: Int, height newHeight: Int) -> Picture {
    let columns = FixedTaps(LinearTaps(from: width, to: newWidth))
    let rows = FixedTaps(LinearTaps(from: height, to: newHeight))
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

  init(_ taps: LinearTaps) {
    func fixed(_ weight: Float) -> Int32 { Int32((weight * 2048).rounded(.toNearestOrEven)) }
    self.taps = taps
    weights = zip(taps.lowerWeight, taps.upperWeight).map { (fixed($0), fixed($1)) }
  }
}

extension HeatMap {
  /// The map at another size, as OpenCV's `resize` with `INTER_LINEAR` gives it: half-pixel centres, edges held, no
  /// averaging where it shrinks.
  ///
  /// - Precondition: `width` and `height` are positive.
  public func resized(width: Int, height: Int) -> HeatMap {
    if (width, height) == (self.width, self.height) { return self }
    return interpolated(
      columns: LinearTaps(from: self.width, to: width), rows: LinearTaps(from: self.height, to: height))
  }

  func interpolated(columns: LinearTaps, rows: LinearTaps) -> HeatMap {
    let (newWidth, newHeight) = (columns.lower.count, rows.lower.count)
    var widened = [Float](repeating: 0, count: newWidth * height)
    for y in 0..<height {
      for x in 0..<newWidth {
        widened[y * newWidth + x] =
          values[y * width + columns.lower[x]] * columns.lowerWeight[x]
          + values[y * width + columns.upper[x]] * columns.upperWeight[x]
      }
    }
    let result = [Float](unsafeUninitializedCapacity: newWidth * newHeight) { target, initializedCount in
      widened.withUnsafeBufferPointer { source in
        for y in 0..<newHeight {
          let (above, below) = (rows.lower[y] * newWidth, rows.upper[y] * newWidth)
          let (aboveWeight, belowWeight) = (rows.lowerWeight[y], rows.upperWeight[y])
          let row = y * newWidth
          for x in 0..<newWidth {
            target[row + x] = source[above + x] * aboveWeight + source[below + x] * belowWeight
          }
        }
      }
      initializedCount = newWidth * newHeight
    }
    return HeatMap(width: newWidth, height: newHeight, values: result)
  }
}
