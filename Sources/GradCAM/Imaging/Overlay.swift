/// How a map is drawn.
public enum DrawingStyle: String, CaseIterable, Sendable {
  /// The coloured map blended with the picture.
  case overlay
  /// The coloured map alone.
  case heat
  /// The picture, and the overlay to its right.
  case sideBySide = "side-by-side"
  /// The picture darkened to black where the map is 0.
  case mask

  /// Draws a map of values in 0…1 at the size of the picture, twice as wide for `sideBySide`.
  ///
  /// A map of another size is resized first; values outside 0…1 are clamped, and what is no number counts as 0.
  /// `blend` is the weight of the picture against the heat, 0…1, in `overlay` and `sideBySide`.
  public func draw(
    _ map: HeatMap, on picture: Picture, colormap: Colormap = .jet, blend: Float = 0.5
  ) -> Picture {
    let map = map.resized(width: picture.width, height: picture.height)
    return switch self {
    case .overlay: Picture.overlay(map: map, on: picture, colormap: colormap, blend: blend)
    case .heat: map.colored(with: colormap)
    case .sideBySide:
      picture.beside(Picture.overlay(map: map, on: picture, colormap: colormap, blend: blend))
    case .mask: picture.masked(by: map)
    }
  }
}

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

    let pixels = [UInt8](unsafeUninitializedCapacity: picture.pixels.count) { target, initializedCount in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: 3 * width) { mixed in
        func mixRow(_ y: Int, _ pixels: UnsafeBufferPointer<UInt8>, _ values: UnsafeBufferPointer<Float>) {
          for x in 0..<width {
            let color = 3 * Int(truncatedByte(255 * values[y * width + x]))
            mixed[3 * x] = heat[color]
            mixed[3 * x + 1] = heat[color + 1]
            mixed[3 * x + 2] = heat[color + 2]
          }
          for i in 0..<3 * width { mixed[i] += blend * (Float(pixels[3 * width * y + i]) / 255) }
        }
        picture.pixels.withUnsafeBufferPointer { pixels in
          map.values.withUnsafeBufferPointer { values in
            // Floats that are not negative are ordered as their bits, which can be compared several at a time.
            var maximumBits: Int32 = 0
            for y in 0..<height {
              mixRow(y, pixels, values)
              for i in 0..<3 * width { maximumBits = max(maximumBits, Int32(bitPattern: mixed[i].bitPattern)) }
            }
            let maximum = Float(bitPattern: UInt32(bitPattern: maximumBits))
            for y in 0..<height {
              mixRow(y, pixels, values)
              for i in 0..<3 * width { target[3 * width * y + i] = truncatedByte(255 * mixed[i] / maximum) }
            }
          }
        }
      }
      initializedCount = picture.pixels.count
    }
    return Picture(width: width, height: height, pixels: pixels)
  }

  fileprivate func beside(_ right: Picture) -> Picture {
    var both: [UInt8] = []
    both.reserveCapacity(2 * pixels.count)
    for start in stride(from: 0, to: pixels.count, by: 3 * width) {
      both += pixels[start..<start + 3 * width]
      both += right.pixels[start..<start + 3 * width]
    }
    return Picture(width: 2 * width, height: height, pixels: both)
  }

  fileprivate func masked(by map: HeatMap) -> Picture {
    let masked = [UInt8](unsafeUninitializedCapacity: pixels.count) { target, initializedCount in
      for (index, value) in map.values.enumerated() {
        for i in 3 * index..<3 * index + 3 { target[i] = truncatedByte(Float(pixels[i]) * value + 0.5) }
      }
      initializedCount = pixels.count
    }
    return Picture(width: width, height: height, pixels: masked)
  }
}

extension HeatMap {
  /// The map in colours: 0 as the first and 1 as the last of the scale, values beyond clamped.
  public func colored(with colormap: Colormap) -> Picture {
    let colors = colormap.colors
    let pixels = [UInt8](unsafeUninitializedCapacity: 3 * values.count) { target, initializedCount in
      for (index, value) in values.enumerated() {
        let color = 3 * Int(truncatedByte(255 * value))
        for channel in 0..<3 { target[3 * index + channel] = colors[color + channel] }
      }
      initializedCount = 3 * values.count
    }
    return Picture(width: width, height: height, pixels: pixels)
  }
}

/// The whole part of a value, clamped to 0…255; 0 for what is no number.
///
/// Unlike `UInt8(value)` it has no branch, so that loops of it are vectorised.
@inline(__always)
private func truncatedByte(_ value: Float) -> UInt8 {
  let clamped = value > 0 ? (value < 255 ? value : 255) : 0
  let shift: Float = 8_388_608  // 2²³, above which a Float has no room for fractions
  let nearest = (clamped + shift) - shift
  let whole = nearest > clamped ? nearest - 1 : nearest
  return UInt8(truncatingIfNeeded: (whole + shift).bitPattern)
}
