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
    let colors = colormap.colors
    let levels = levels
    let pixels = [UInt8](unsafeUninitializedCapacity: 3 * levels.count) { target, initializedCount in
      for (index, level) in levels.enumerated() {
        for channel in 0..<3 { target[3 * index + channel] = colors[3 * Int(level) + channel] }
      }
      initializedCount = 3 * levels.count
    }
    return Picture(width: width, height: values.count / width, pixels: pixels)
  }

  /// The colour number of each value: the whole part of 255 times it, clamped.
  var levels: [UInt8] {
    [UInt8](unsafeUninitializedCapacity: values.count) { target, initializedCount in
      quantize(values, into: target)
      initializedCount = values.count
    }
  }
}

private func quantize(_ values: UnsafePointer<Float>, into target: UnsafeMutableBufferPointer<UInt8>) {
  for i in target.indices { target[i] = truncatedByte(255 * values[i]) }
}
