extension Picture {
  /// Pillow's two passes with fixed-point weights, and 8-bit samples in between; equal bit for bit.
  func resizedAsPillow(width newWidth: Int, height newHeight: Int) -> Picture {
    let narrowed = newWidth == width ? pixels : resampledRows(to: newWidth)
    guard newHeight != height else { return Picture(width: newWidth, height: newHeight, pixels: narrowed) }
    let windows = PillowWindows(from: height, to: newHeight)
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

  private func resampledRows(to newWidth: Int) -> [UInt8] {
    let windows = PillowWindows(from: width, to: newWidth)
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

/// The weights of Pillow's triangle filter in 22-bit fixed point.
private struct PillowWindows {
  static let precision: Int32 = 22
  static let half: Int32 = 1 << (precision - 1)

  private let windows: FilterWindows
  private let fixed: [Int32]

  init(from inputCount: Int, to outputCount: Int) {
    let scale = Double(inputCount) / Double(outputCount)
    windows = FilterWindows(
      .triangle, over: inputCount, centers: (0..<outputCount).map { (Double($0) + 0.5) * scale }, scale: scale)
    fixed = windows.allWeights.map { Int32(0.5 + $0 * Double(1 << PillowWindows.precision)) }
  }

  var starts: [Int] { windows.starts }

  func weights(at output: Int) -> ArraySlice<Int32> { fixed[windows.range(at: output)] }

  @inline(__always)
  static func sample(_ sum: Int32) -> UInt8 { UInt8(truncatingIfNeeded: min(sum >> precision, 255)) }
}
