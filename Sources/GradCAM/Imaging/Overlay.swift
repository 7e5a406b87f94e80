extension Picture {
  /// The heat of a map blended with a picture: `(1 - blend) * heat + blend * picture`, divided by its maximum.
  ///
  /// As pytorch-grad-cam's `show_cam_on_image` draws it. Values of the map outside 0…1 are clamped, and what is no
  /// number counts as 0; a map of another size than the picture's is resized first; `blend` is clamped to 0…1.
  public static func overlay(
    map: HeatMap, on picture: Picture, colormap: Colormap = .jet, blend: Float = 0.5
  ) -> Picture {
    let map = map.resized(width: picture.width, height: picture.height)
    let blend = blend > 0 ? min(blend, 1) : 0
    let heat = colormap.colors.map { (1 - blend) * (Float($0) / 255) }
    let (width, height) = (picture.width, picture.height)
    let levels = map.levels
    var mixed = [Float](repeating: 0, count: 3 * width)
    var maximum: Float = 0
    for y in 0..<height {
      mixRow(y, width, picture.pixels, levels, heat, blend, into: &mixed)
      maximum = max(maximum, maximumOfPositive(mixed, count: 3 * width))
    }
    let pixels = [UInt8](unsafeUninitializedCapacity: 3 * width * height) { target, initializedCount in
      for y in 0..<height {
        mixRow(y, width, picture.pixels, levels, heat, blend, into: &mixed)
        let row = target[3 * width * y..<3 * width * (y + 1)]
        normalize(mixed, by: maximum, into: UnsafeMutableBufferPointer(rebasing: row))
      }
      initializedCount = 3 * width * height
    }
    return Picture(width: width, height: height, pixels: pixels)
  }
}

// The loops below are functions of their own over plain pointers, which is what the vectoriser needs.

/// Heat plus weighted picture of row `y`, before normalisation.
private func mixRow(
  _ y: Int, _ width: Int, _ pixels: UnsafePointer<UInt8>, _ levels: UnsafePointer<UInt8>,
  _ heat: UnsafePointer<Float>, _ blend: Float, into mixed: UnsafeMutablePointer<Float>
) {
  for x in 0..<width {
    let color = 3 * Int(levels[y * width + x])
    mixed[3 * x] = heat[color]
    mixed[3 * x + 1] = heat[color + 1]
    mixed[3 * x + 2] = heat[color + 2]
  }
  let row = pixels + 3 * width * y
  for i in 0..<3 * width { mixed[i] += blend * (Float(row[i]) / 255) }
}

/// Floats that are not negative are ordered as their bits, which can be compared several at a time.
private func maximumOfPositive(_ values: UnsafePointer<Float>, count: Int) -> Float {
  var bits: Int32 = 0
  for i in 0..<count { bits = max(bits, Int32(bitPattern: values[i].bitPattern)) }
  return Float(bitPattern: UInt32(bitPattern: bits))
}

private func normalize(
  _ values: UnsafePointer<Float>, by maximum: Float, into target: UnsafeMutableBufferPointer<UInt8>
) {
  for i in target.indices { target[i] = truncatedByte(255 * values[i] / maximum) }
}
