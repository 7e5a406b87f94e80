import Graph

extension Picture {
  /// The heat of a map blended with a picture: `(1 - blend) * heat + blend * picture`, divided by its maximum.
  ///
  /// As in pytorch-grad-cam's `show_cam_on_image`. Values of the map outside 0…1 are clamped, and NaN counts as 0; a
  /// map of another size than the picture's is resized first; `blend` is clamped to 0…1.
  public static func overlay(
    map: HeatMap, on picture: Picture, colormap: Colormap = .jet, blend: Float = 0.5
  ) -> Picture {
    let map = map.resized(width: picture.width, height: picture.height), all = PixelRectangle(whole: map.size)
    var canvas = Canvas(picture)
    canvas.paint(all, by: map, with: OverlayPaint(map, over: picture, in: all, colormap, blend: blend), on: .single)
    return canvas.picture
  }
}

/// The heat of a map blended with a picture's part, by a table: the result for a sample depends only on its value, its
/// channel and the level of the map.
struct OverlayPaint: Paint {
  /// 256 results for each entry, three times a level plus the channel.
  private let table: [UInt8]

  /// - Parameters:
  ///   - blend: the weight of the picture, clamped to 0…1.
  ///   - pool: the threads that share the work.
  init(
    _ map: HeatMap, over picture: Picture, in part: PixelRectangle, _ colormap: Colormap, blend: Float,
    on pool: ThreadPool = .single
  ) {
    let blend = blend > 0 ? min(blend, 1) : 0
    let heat = colormap.colors.map { (1 - blend) * (Float($0) / 255) }
    let brightest = brightestSamples(picture, map, in: part, on: pool)
    func mixed(_ entry: Int, _ sample: Int) -> Float { heat[entry] + blend * (Float(sample) / 255) }
    let maximum = heat.indices.reduce(Float(0)) { brightest[$1] < 0 ? $0 : max($0, mixed($1, Int(brightest[$1]))) }
    var table = [UInt8](repeating: 0, count: 256 * heat.count)
    for entry in heat.indices where brightest[entry] >= 0 {
      for sample in 0..<256 { table[256 * entry + sample] = truncatedByte(255 * mixed(entry, sample) / maximum) }
    }
    self.table = table
  }

  func apply(_ values: UnsafePointer<Float>, to pixels: UnsafeMutablePointer<UInt8>, count: Int) {
    withLevels(of: values, count: count) { look(up: $0, in: table, replacing: pixels, count: count) }
  }
}

/// The largest sample of a part at each entry of the table; −1 if there is none.
private func brightestSamples(
  _ picture: Picture, _ map: HeatMap, in part: PixelRectangle, on pool: ThreadPool
) -> [Int32] {
  // Neighbours often share a level: in a single table, each update would wait for the one before. So each band has four,
  // whose elements for an entry lie side by side.
  let entryCount = 3 * 256, tableCount = 4, size = tableCount * entryCount, width = part.size.width
  let height = part.size.height, bandHeight = part.bandHeight
  var tables = [Int32](repeating: -1, count: (height + bandHeight - 1) / bandHeight * size)
  tables.withUnsafeMutableBufferPointer { tables in
    nonisolated(unsafe) let tables = tables.baseAddress!
    map.values.withUnsafeBufferPointer { values in
      picture.pixels.withUnsafeBufferPointer { pixels in
        pool.parallelRanges(height, grain: bandHeight) { rows in
          let own = tables + rows.lowerBound / bandHeight * size
          for row in rows {
            let start = (part.y + row) * map.width + part.x
            withLevels(of: values.baseAddress! + start, count: width) {
              raise(own, to: pixels.baseAddress! + 3 * start, $0, count: width)
            }
          }
        }
      }
    }
  }
  var brightest = [Int32](repeating: -1, count: entryCount)
  for index in tables.indices {
    let entry = index % size / tableCount
    brightest[entry] = max(brightest[entry], tables[index])
  }
  return brightest
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
  up levels: UnsafePointer<UInt8>, in table: UnsafePointer<UInt8>, replacing pixels: UnsafeMutablePointer<UInt8>,
  count: Int
) {
  for index in 0..<count {
    let entry = table + 768 * Int(levels[index])
    pixels[3 * index] = entry[Int(pixels[3 * index])]
    pixels[3 * index + 1] = entry[256 + Int(pixels[3 * index + 1])]
    pixels[3 * index + 2] = entry[512 + Int(pixels[3 * index + 2])]
  }
}

/// Calls `body` with the level of each value, all found at once: that is faster than one by one.
private func withLevels(of values: UnsafePointer<Float>, count: Int, _ body: (UnsafePointer<UInt8>) -> Void) {
  withUnsafeTemporaryAllocation(of: UInt8.self, capacity: count) { levels in
    quantize(values, into: levels.baseAddress!, count: count)
    body(levels.baseAddress!)
  }
}

private func quantize(_ values: UnsafePointer<Float>, into levels: UnsafeMutablePointer<UInt8>, count: Int) {
  for index in 0..<count { levels[index] = colorLevel(values[index]) }
}
