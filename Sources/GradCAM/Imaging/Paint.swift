import Graph

/// Colours pixels, each by the value that a map has there.
protocol Paint: Sendable {
  /// Colours neighbouring pixels of three samples in place.
  func apply(_ values: UnsafePointer<Float>, to pixels: UnsafeMutablePointer<UInt8>, count: Int)
}

extension ThreadPool {
  /// No thread but the calling one.
  public static let single = ThreadPool(threadCount: 1)
}

extension PixelRectangle {
  /// The number of rows that a thread works on at a time: a part has at most 64 such bands.
  var bandHeight: Int { max(64, (size.height + 63) / 64) }
}

extension Canvas {
  /// Colours a part by a map of the canvas's size.
  ///
  /// - Parameter pool: the threads that share the work.
  mutating func paint(_ part: PixelRectangle, by map: HeatMap, with paint: some Paint, on pool: ThreadPool) {
    withPixels { pixels in
      map.values.withUnsafeBufferPointer { values in
        pool.parallelRanges(part.size.height, grain: part.bandHeight) { rows in
          for row in rows {
            let start = (part.y + row) * map.width + part.x
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
