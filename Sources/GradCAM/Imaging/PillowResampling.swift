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
          for y in 0..<newHeight {
            sums.initialize(repeating: PillowWindows.half)
            for (offset, weight) in windows.weights(at: y).enumerated() {
              let row = UnsafeBufferPointer(rebasing: source[(windows.starts[y] + offset) * rowCount..<source.count])
              for i in 0..<rowCount { sums[i] &+= Int32(row[i]) &* weight }
            }
            let row = UnsafeMutableBufferPointer(rebasing: target[y * rowCount..<(y + 1) * rowCount])
            for i in 0..<rowCount { row[i] = PillowWindows.sample(sums[i]) }
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
      pixels.withUnsafeBufferPointer { source in
        var to = 0
        for y in 0..<height {
          for x in 0..<newWidth {
            var (red, green, blue) = (PillowWindows.half, PillowWindows.half, PillowWindows.half)
            var from = 3 * (y * width + windows.starts[x])
            for weight in windows.weights(at: x) {
              red &+= Int32(source[from]) &* weight
              green &+= Int32(source[from + 1]) &* weight
              blue &+= Int32(source[from + 2]) &* weight
              from += 3
            }
            target[to] = PillowWindows.sample(red)
            target[to + 1] = PillowWindows.sample(green)
            target[to + 2] = PillowWindows.sample(blue)
            to += 3
          }
        }
      }
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

/// The weights of one of Pillow's filters in 22-bit fixed point.
private struct PillowWindows {
  static let precision: Int32 = 22
  static let half: Int32 = 1 << (precision - 1)

  private let windows: FilterWindows
  private let fixed: [Int32]

  init(_ filter: ResamplingFilter, from inputCount: Int, to outputCount: Int) {
    let scale = Double(inputCount) / Double(outputCount)
    windows = FilterWindows(
      filter, over: inputCount, centers: (0..<outputCount).map { (Double($0) + 0.5) * scale }, scale: scale)
    fixed = windows.allWeights.map { Int32(($0 < 0 ? -0.5 : 0.5) + $0 * Double(1 << PillowWindows.precision)) }
  }

  var starts: [Int] { windows.starts }

  func weights(at output: Int) -> ArraySlice<Int32> { fixed[windows.range(at: output)] }

  @inline(__always)
  static func sample(_ sum: Int32) -> UInt8 { UInt8(truncatingIfNeeded: max(0, min(sum >> precision, 255))) }
}
