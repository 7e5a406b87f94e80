extension Picture {
  /// The heat of a map blended with a picture: `(1 - blend) * heat + blend * picture`, divided by its maximum.
  ///
  /// As in pytorch-grad-cam's `show_cam_on_image`. Values of the map outside 0…1 are clamped, and NaN counts as 0; a
  /// map of another size than the picture's is resized first; `blend` is clamped to 0…1.
  public static func overlay(
    map: HeatMap, on picture: Picture, colormap: Colormap = .jet, blend: Float = 0.5
  ) -> Picture {
    let map = map.resized(width: picture.width, height: picture.height)
    let blend = blend > 0 ? min(blend, 1) : 0
    let heat = colormap.colors.map { (1 - blend) * (Float($0) / 255) }
    // The result for a sample depends only on its value and its entry, the index of its heat.
    let levels = map.levels
    let brightest = brightestSamples(picture.pixels, levels)
    func mixed(_ entry: Int, _ sample: Int) -> Float { heat[entry] + blend * (Float(sample) / 255) }
    let maximum = heat.indices.reduce(Float(0)) { brightest[$1] < 0 ? $0 : max($0, mixed($1, Int(brightest[$1]))) }
    var table = [UInt8](repeating: 0, count: 256 * heat.count)
    for entry in heat.indices where brightest[entry] >= 0 {
      for sample in 0..<256 { table[256 * entry + sample] = truncatedByte(255 * mixed(entry, sample) / maximum) }
    }
    let pixels = [UInt8](unsafeUninitializedCapacity: picture.pixels.count) { target, initializedCount in
      look(up: picture.pixels, levels, in: table, into: target.baseAddress!, count: levels.count)
      initializedCount = picture.pixels.count
    }
    return Picture(width: picture.width, height: picture.height, pixels: pixels)
  }
}

/// The largest sample at each entry, three times a level plus the channel; −1 if there is none.
private func brightestSamples(_ pixels: [UInt8], _ levels: [UInt8]) -> [Int32] {
  // Neighbours often share a level: in a single table, each update would wait for the one before.
  let entryCount = 3 * 256
  var tables = [Int32](repeating: -1, count: 4 * entryCount)
  raise(&tables, to: pixels, levels, count: levels.count)
  return (0..<entryCount).map { entry in (0..<4).map { tables[4 * entry + $0] }.max()! }
}

private func raise(
  _ tables: UnsafeMutablePointer<Int32>, to pixels: UnsafePointer<UInt8>, _ levels: UnsafePointer<UInt8>, count: Int
) {
  for index in 0..<count {
    let entry = tables + 12 * Int(levels[index]) + (index & 3)
    entry[0] = max(entry[0], Int32(pixels[3 * index]))
    entry[4] = max(entry[4], Int32(pixels[3 * index + 1]))
    entry[8] = max(entry[8], Int32(pixels[3 * index + 2]))
  }
}

private func look(
  up pixels: UnsafePointer<UInt8>, _ levels: UnsafePointer<UInt8>, in table: UnsafePointer<UInt8>,
  into target: UnsafeMutablePointer<UInt8>, count: Int
) {
  for index in 0..<count {
    let entry = table + 768 * Int(levels[index])
    target[3 * index] = entry[Int(pixels[3 * index])]
    target[3 * index + 1] = entry[256 + Int(pixels[3 * index + 1])]
    target[3 * index + 2] = entry[512 + Int(pixels[3 * index + 2])]
  }
}
