extension Picture {
  /// A picture of 16-bit samples, drawn by the eight highest bits that it uses.
  init(width: Int, height: Int, deepSamples: [UInt16]) {
    let unused = deepSamples.reduce(0, |).leadingZeroBitCount
    let pixels = deepSamples.map { UInt8(truncatingIfNeeded: ($0 << unused) >> 8) }
    self.init(width: width, height: height, pixels: pixels, deepSamples: deepSamples.map { Float($0) })
  }

  /// A picture of finite floating-point numbers, drawn from 0 to 1, or from the least to the largest if these lie outside.
  init(width: Int, height: Int, floatSamples: [Float]) {
    let low = min(0, floatSamples.min()!), high = max(1, floatSamples.max()!)
    self.init(
      width: width, height: height,
      pixels: floatSamples.map { UInt8(255 * ($0 / (high - low) - low / (high - low)) + 0.5) },
      deepSamples: floatSamples.map { $0 * 65_535 }, isFloatingPoint: true)
  }

  /// 16-bit samples at another size, as Pillow and OpenCV resize images of floats, channel by channel.
  func resizedDeep(_ samples: [Float], width newWidth: Int, height newHeight: Int, _ filter: ResizeFilter) -> [Float] {
    let channels = (0..<3).map { channel in
      let plane = stride(from: channel, to: samples.count, by: 3).map { samples[$0] }
      let map = HeatMap(width: width, height: height, values: plane)
      return switch filter {
      case .pillow(let interpolation): map.resizedAsPillow(width: newWidth, height: newHeight, interpolation).values
      case .openCVBilinear: map.resized(width: newWidth, height: newHeight).values
      }
    }
    return (0..<newWidth * newHeight).flatMap { index in channels.map { $0[index] } }
  }
}

extension HeatMap {
  /// The map at another size, as in Pillow's `resize` of images of floats.
  func resizedAsPillow(width newWidth: Int, height newHeight: Int, _ interpolation: Interpolation) -> HeatMap {
    guard let filter = interpolation.filter else {
      let (columns, rows) = (nearestPlaces(newWidth, among: width), nearestPlaces(newHeight, among: height))
      return HeatMap(
        width: newWidth, height: newHeight, values: rows.flatMap { row in columns.map { values[row * width + $0] } })
    }
    func windows(_ count: Int, over old: Int) -> FilterWindows {
      let scale = Double(old) / Double(count)
      return FilterWindows(filter, over: old, centers: (0..<count).map { (Double($0) + 0.5) * scale }, scale: scale)
    }
    return resampled([windows(newHeight, over: height), windows(newWidth, over: width)])
  }
}
