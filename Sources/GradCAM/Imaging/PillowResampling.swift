import CKernels

extension Picture {
  /// Pillow's two passes with fixed-point weights, and 8-bit samples in between; equal bit for bit.
  func resizedAsPillow(width newWidth: Int, height newHeight: Int, _ interpolation: Interpolation) -> Picture {
    guard let filter = interpolation.filter else { return nearest(width: newWidth, height: newHeight) }
    let narrowed = newWidth == width ? pixels : resampledRows(to: newWidth, filter)
    guard newHeight != height else { return Picture(width: newWidth, height: newHeight, pixels: narrowed) }
    let windows = PillowWindows(filter, from: height, to: newHeight)
    let rowCount = 3 * newWidth
    let resized = [UInt8](unsafeUninitializedCapacity: rowCount * newHeight) { target, initializedCount in
      narrowed.withUnsafeBufferPointer { source in
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: rowCount) { sums in
          windows.weights.withUnsafeBufferPointer { weights in
            for y in 0..<newHeight {
              let range = windows.range(at: y)
              weigh_rows(
                source.baseAddress! + Int(windows.starts[y]) * rowCount, weights.baseAddress! + range.lowerBound,
                range.count, rowCount, sums.baseAddress!, target.baseAddress! + y * rowCount)
            }
          }
        }
      }
      initializedCount = rowCount * newHeight
    }
    return Picture(width: newWidth, height: newHeight, pixels: resized)
  }

  private func nearest(width newWidth: Int, height newHeight: Int) -> Picture {
    let columns = nearestPlaces(newWidth, among: width)
    let pixels = nearestPlaces(newHeight, among: height).flatMap { row in
      columns.flatMap { self.pixels[3 * (row * width + $0)..<3 * (row * width + $0) + 3] }
    }
    return Picture(width: newWidth, height: newHeight, pixels: pixels)
  }

  private func resampledRows(to newWidth: Int, _ filter: ResamplingFilter) -> [UInt8] {
    let windows = PillowWindows(filter, from: width, to: newWidth)
    return [UInt8](unsafeUninitializedCapacity: 3 * newWidth * height) { target, initializedCount in
      func resample(_ row: UnsafePointer<UInt8>, _ y: Int) {
        resample_pixels(
          row, windows.starts, windows.ends, windows.weights, newWidth, target.baseAddress! + 3 * newWidth * y)
      }
      pixels.withUnsafeBufferPointer { source in
        for y in 0..<height - 1 { resample(source.baseAddress! + 3 * width * y, y) }
      }
      // A byte after the row is read.
      resample(pixels.suffix(3 * width) + [0], height - 1)
      initializedCount = 3 * newWidth * height
    }
  }
}

/// The old samples under the centres of new ones, found by adding up the step as Pillow does.
func nearestPlaces(_ count: Int, among old: Int) -> [Int] {
  let step = Double(old) / Double(count)
  var place = step * 0.5
  return (0..<count).map { _ in
    defer { place += step }
    return min(Int(place), old - 1)
  }
}

/// For each output sample, a run of input samples and their weights in fixed point.
private struct PillowWindows {
  /// The first input sample of each.
  let starts: [Int32]
  /// Where the weights of each start among all, and where the last ones end.
  let ends: [Int32]
  let weights: [Int32]

  init(_ filter: ResamplingFilter, from inputCount: Int, to outputCount: Int) {
    let scale = Double(inputCount) / Double(outputCount)
    let windows = FilterWindows(
      filter, over: inputCount, centers: (0..<outputCount).map { (Double($0) + 0.5) * scale }, scale: scale)
    starts = windows.starts.map { Int32($0) }
    ends = [0] + (0..<outputCount).map { Int32(windows.range(at: $0).upperBound) }
    weights = windows.allWeights.map { Int32(($0 < 0 ? -0.5 : 0.5) + $0 * Double(1 << resampling_precision)) }
  }

  func range(at output: Int) -> Range<Int> { Int(ends[output])..<Int(ends[output + 1]) }
}
