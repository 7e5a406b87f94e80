import Graph

/// Colours pixels, each by the value that a map has there.
protocol Paint: Sendable {
  /// Colours neighbouring pixels of three samples in place.
  func apply(_ values: UnsafePointer<Float>, to pixels: UnsafeMutablePointer<UInt8>, count: Int)
}

extension PixelRectangle {
  private var bandHeight: Int { max(64, (size.height + 63) / 64) }

  /// The number of bands that its rows are worked on in, at most 64.
  var bandCount: Int { (size.height + bandHeight - 1) / bandHeight }

  /// Calls `body` with the number and the rows of each band.
  ///
  /// - Parameter pool: the threads that share the work; nil for the calling one.
  func forEachBand(on pool: ThreadPool?, _ body: (_ band: Int, _ rows: Range<Int>) -> Void) {
    func run(_ band: Int) {
      let start = y + band * bandHeight
      body(band, start..<min(y + size.height, start + bandHeight))
    }
    if let pool { pool.parallelFor(bandCount) { band, _ in run(band) } } else { (0..<bandCount).forEach(run) }
  }
}

extension Canvas {
  /// Colours a part by a map of the canvas's size.
  ///
  /// - Parameter pool: the threads that share the work.
  mutating func paint(_ part: PixelRectangle, by map: HeatMap, with paint: some Paint, on pool: ThreadPool?) {
    withPixels { pixels in
      map.values.withUnsafeBufferPointer { values in
        part.forEachBand(on: pool) { _, rows in
          for y in rows {
            let start = y * map.width + part.x
            paint.apply(values.baseAddress! + start, to: pixels + 3 * start, count: part.size.width)
          }
        }
      }
    }
  }
}

/// A scale's colours in place of the picture's.
struct HeatPaint: Paint {
  private let colors: [UInt8]

  init(_ colormap: Colormap) { colors = colormap.colors }

  func apply(_ values: UnsafePointer<Float>, to pixels: UnsafeMutablePointer<UInt8>, count: Int) {
    for index in 0..<count {
      let color = 3 * Int(colorLevel(values[index]))
      for channel in 0..<3 { pixels[3 * index + channel] = colors[color + channel] }
    }
  }
}

/// The picture, the darker the less the map is; black where it is 0.
struct MaskPaint: Paint {
  func apply(_ values: UnsafePointer<Float>, to pixels: UnsafeMutablePointer<UInt8>, count: Int) {
    for index in 0..<count {
      let value = values[index], weight = value > 0 ? min(value, 1) : 0
      for i in 3 * index..<3 * index + 3 { pixels[i] = truncatedByte(Float(pixels[i]) * weight + 0.5) }
    }
  }
}
