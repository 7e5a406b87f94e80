/// A scale of 256 colours, equal to OpenCV's of the same name; `gray` is black to white.
public enum Colormap: String, CaseIterable, Sendable {
  /// Blue, cyan, yellow, red: the usual scale of Grad-CAM pictures.
  case jet
  /// Jet with even steps.
  case turbo
  /// Dark violet to yellow; even, and safe for colour-blind readers.
  case viridis
  /// Black to pale yellow by way of purple.
  case magma
  /// Black to pale yellow by way of red.
  case inferno
  /// Blue to yellow by way of purple.
  case plasma
  /// Dark blue to yellow; looks alike to colour-blind and other readers.
  case cividis
  /// Black, red, yellow, white.
  case hot
  /// Black to white with a blue tinge.
  case bone
  /// Black to white.
  case gray

  /// Red, green and blue of the 256 levels, one after another.
  public var colors: [UInt8] {
    switch self {
    case .jet: bytes(ofHexadecimal: ColormapTables.jet)
    case .turbo: bytes(ofHexadecimal: ColormapTables.turbo)
    case .viridis: bytes(ofHexadecimal: ColormapTables.viridis)
    case .magma: bytes(ofHexadecimal: ColormapTables.magma)
    case .inferno: bytes(ofHexadecimal: ColormapTables.inferno)
    case .plasma: bytes(ofHexadecimal: ColormapTables.plasma)
    case .cividis: bytes(ofHexadecimal: ColormapTables.cividis)
    case .hot: bytes(ofHexadecimal: ColormapTables.hot)
    case .bone: bytes(ofHexadecimal: ColormapTables.bone)
    case .gray: (0...255).flatMap { [$0, $0, $0] }
    }
  }
}

private func bytes(ofHexadecimal text: String) -> [UInt8] {
  let digits = text.utf8.map { $0 < UInt8(ascii: "a") ? $0 - UInt8(ascii: "0") : $0 - UInt8(ascii: "a") + 10 }
  return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

extension HeatMap {
  /// The map in colours: 0 as the first and 1 as the last of the scale, values beyond clamped; the slices of a volume one
  /// below the other.
  public func colored(with colormap: Colormap) -> Picture {
    let pixels = [UInt8](unsafeUninitializedCapacity: 3 * values.count) { target, initializedCount in
      HeatPaint(colormap).apply(values, to: target.baseAddress!, count: values.count)
      initializedCount = 3 * values.count
    }
    return Picture(width: width, height: values.count / width, pixels: pixels)
  }
}

/// The number of a value's colour: the whole part of 255 times it, clamped.
@inline(__always)
func colorLevel(_ value: Float) -> UInt8 { truncatedByte(255 * value) }
