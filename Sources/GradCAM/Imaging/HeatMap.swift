/// A map of how much each place matters, in arbitrary units until it is rescaled.
///
/// Of a picture, rows from top to bottom; of a signal or of a volume, its places in order.
public struct HeatMap: Sendable, Equatable {
  /// The extents in positions, each at least 1.
  public let size: PixelSize
  /// As many values as places.
  public private(set) var values: [Float]
  /// The part of the network's input that the map covers.
  public internal(set) var region = MapRegion.whole
  /// The part of the map that shows something, for a map laid over a picture of which the network sees a part; nil if all
  /// of it does.
  public internal(set) var seen: PixelRectangle?
  /// Whether ½ stands for nothing: less speaks against, and more for what is explained.
  public internal(set) var isSigned = false

  /// A map of given values.
  ///
  /// - Precondition: `width` and `height` are positive and `values` holds `width * height` numbers.
  public init(width: Int, height: Int, values: [Float]) {
    self.init(PixelSize(width: width, height: height), values: values)
  }

  /// A map of given extents and values.
  ///
  /// - Precondition: all extents are positive, and there are as many values as places.
  public init(_ size: PixelSize, values: [Float]) {
    precondition(size.width > 0 && size.height > 0 && size.depth > 0 && values.count == size.count)
    (self.size, self.values) = (size, values)
  }

  /// The width in positions, at least 1.
  public var width: Int { size.width }
  /// The height in positions, at least 1; 1 for a signal.
  public var height: Int { size.height }

  /// The map with negative values and NaN set to 0.
  public func rectified() -> HeatMap { mapped { $0 > 0 ? $0 : 0 } }

  /// The map brought to 0…1: its minimum subtracted, then divided by its maximum plus epsilon; 0 if all are equal.
  public consuming func rescaled(epsilon: Float = 1e-7) -> HeatMap {
    // Eight values at a time, which a processor compares and divides at once; NaN is ignored.
    let whole = values.count / 8 * 8
    values.withUnsafeMutableBytes { bytes in
      var minima = SIMD8<Float>(repeating: .infinity), maxima = -minima
      for index in stride(from: 0, to: whole, by: 8) {
        let eight = bytes.loadUnaligned(fromByteOffset: index * 4, as: SIMD8<Float>.self)
        minima.replace(with: eight, where: eight .< minima)
        maxima.replace(with: eight, where: eight .> maxima)
      }
      var minimum = minima.min(), maximum = maxima.max()
      let floats = bytes.bindMemory(to: Float.self)
      for value in floats[whole...] {
        minimum = value < minimum ? value : minimum
        maximum = value > maximum ? value : maximum
      }
      let offset = minimum, range = max(epsilon + (maximum - minimum), .leastNormalMagnitude)
      for index in stride(from: 0, to: whole, by: 8) {
        let eight = bytes.loadUnaligned(fromByteOffset: index * 4, as: SIMD8<Float>.self)
        bytes.storeBytes(of: (eight - offset) / range, toByteOffset: index * 4, as: SIMD8<Float>.self)
      }
      for index in whole..<floats.count { floats[index] = (floats[index] - offset) / range }
    }
    return self
  }

  /// The map with its sign, as it is drawn: ½ + map ⁄ (2 · largest |map|); ½ for NaN.
  func aroundHalf() -> HeatMap {
    let largest = values.reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 }
    var map = mapped { $0.isFinite && largest > 0 ? 0.5 + $0 / (2 * largest) : 0.5 }
    map.isSigned = true
    return map
  }

  /// The rectified map, rescaled: the form in which a method's result is drawn.
  public func normalized() -> HeatMap { rectified().rescaled() }

  /// The place of the largest value, the first in reading order of several; nil if all values are NaN.
  public var argmax: (x: Int, y: Int)? {
    var best: Int?
    for (index, value) in values.enumerated() where !value.isNaN {
      if best.map({ value > values[$0] }) ?? true { best = index }
    }
    return best.map { ($0 % width, $0 / width) }
  }

  /// The part of the map in a rectangle.
  ///
  /// - Precondition: the rectangle lies inside and is not empty.
  public func cropped(to part: PixelRectangle) -> HeatMap {
    var map = HeatMap(
      width: part.size.width, height: part.size.height,
      values: (part.y..<part.y + part.size.height).flatMap { y in
        values[y * width + part.x..<y * width + part.x + part.size.width]
      })
    map.isSigned = isSigned
    return map
  }

  /// The map as a part of a larger one that shows nothing, and is not seen, elsewhere.
  ///
  /// - Precondition: the part has the map's size.
  func padded(to size: PixelSize, at part: PixelRectangle) -> HeatMap {
    precondition(part.size == self.size)
    guard part.size != size else { return self }
    var padded = [Float](repeating: isSigned ? 0.5 : 0, count: size.width * size.height)
    for y in 0..<height {
      let start = (part.y + y) * size.width + part.x
      padded.replaceSubrange(start..<start + width, with: values[y * width..<(y + 1) * width])
    }
    var map = HeatMap(width: size.width, height: size.height, values: padded)
    map.isSigned = isSigned
    map.seen =
      seen.map {
        PixelRectangle(x: part.x + $0.x, y: part.y + $0.y, width: $0.size.width, height: $0.size.height)
      } ?? part
    return map
  }

  func mapped(_ transform: (Float) -> Float) -> HeatMap {
    replacingValues(values.map(transform))
  }

  /// The map as one of a part of the network's input.
  func covering(_ region: MapRegion) -> HeatMap {
    var map = self
    map.region = region
    return map
  }

  private func replacingValues(_ values: [Float]) -> HeatMap {
    var map = HeatMap(size, values: values)
    (map.region, map.seen, map.isSigned) = (region, seen, isSigned)
    return map
  }
}

/// A part of the network's input, as shares of its width, height and depth.
public struct MapRegion: Sendable, Equatable {
  /// Where it starts.
  public var x, y: Double
  /// The shares that it covers.
  public var width, height: Double
  /// The same along a volume's depth.
  public var z = 0.0, depth = 1.0

  /// The whole input.
  public static let whole = MapRegion(x: 0, y: 0, width: 1, height: 1)

  /// Whether it is the whole input, or this and something around it.
  var holdsInput: Bool {
    [(x, width), (y, height), (z, depth)].allSatisfy { $0 <= 0 && $0 + $1 >= 1 }
  }
}
