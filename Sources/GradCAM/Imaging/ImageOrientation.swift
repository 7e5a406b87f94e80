/// How a stored picture is turned to stand upright: EXIF's orientation, 1 to 8.
enum ImageOrientation: Int, CaseIterable {
  case upright = 1
  case mirrored, upsideDown, mirroredUpsideDown, transposed, turnedRight, transverse, turnedLeft

  /// The orientation in a JPEG file's EXIF segment, `upright` if there is none.
  init(ofJPEG bytes: [UInt8]) {
    self = ImageOrientation.exifSegment(of: bytes).flatMap { ImageOrientation(inTIFF: $0) } ?? .upright
  }

  /// Whether the upright picture is as wide as the stored one is high.
  var swapsSides: Bool { rawValue >= 5 }

  /// The TIFF structure inside the first EXIF segment.
  private static func exifSegment(of bytes: [UInt8]) -> ArraySlice<UInt8>? {
    var position = 2
    while position + 4 <= bytes.count, bytes[position] == 0xFF {
      let marker = bytes[position + 1]
      if marker == 0xFF {
        position += 1
        continue
      }
      let length = Int(bytes[position + 2]) << 8 | Int(bytes[position + 3])
      let end = position + 2 + length
      guard marker != 0xDA, marker != 0xD9, length >= 2, end <= bytes.count else { return nil }
      let segment = bytes[position + 4..<end]
      if marker == 0xE1, segment.starts(with: Array("Exif\0\0".utf8)) { return segment.dropFirst(6) }
      position = end
    }
    return nil
  }

  /// The orientation in the TIFF structure of EXIF; nil if there is none.
  init?(inTIFF tiff: ArraySlice<UInt8>) {
    let isBigEndian = tiff.starts(with: Array("MM".utf8))
    guard isBigEndian || tiff.starts(with: Array("II".utf8)) else { return nil }
    func number(at offset: Int, bytes count: Int) -> Int? {
      guard offset + count <= tiff.count else { return nil }
      let field = tiff[(tiff.startIndex + offset)...].prefix(count)
      return (isBigEndian ? Array(field) : field.reversed()).reduce(0) { $0 << 8 | Int($1) }
    }
    guard let directory = number(at: 4, bytes: 4), let entryCount = number(at: directory, bytes: 2) else { return nil }
    for entry in 0..<entryCount {
      let start = directory + 2 + 12 * entry
      guard let tag = number(at: start, bytes: 2) else { return nil }
      guard tag == 0x0112 else { continue }
      guard let found = number(at: start + 8, bytes: 2).flatMap(ImageOrientation.init) else { return nil }
      self = found
      return
    }
    return nil
  }
}

extension Picture {
  func oriented(by orientation: ImageOrientation) -> Picture {
    let (w, h) = (width, height)
    // The upright pixel (x, y) is the stored pixel first + x * across + y * down.
    let (first, across, down) =
      switch orientation {
      case .upright: (0, 1, w)
      case .mirrored: (w - 1, -1, w)
      case .upsideDown: (w * h - 1, -1, -w)
      case .mirroredUpsideDown: (w * (h - 1), 1, -w)
      case .transposed: (0, w, 1)
      case .turnedRight: (w * (h - 1), -w, 1)
      case .transverse: (w * h - 1, -w, -1)
      case .turnedLeft: (w - 1, w, -1)
      }
    if orientation == .upright { return self }
    let (newWidth, newHeight) = orientation.swapsSides ? (h, w) : (w, h)
    func turned<Sample>(_ samples: [Sample]) -> [Sample] {
      [Sample](unsafeUninitializedCapacity: samples.count) { target, initializedCount in
        samples.withUnsafeBufferPointer { source in
          // In tiles, since a walk down whole columns would miss the cache at every step.
          let side = 32
          for top in stride(from: 0, to: newHeight, by: side) {
            for left in stride(from: 0, to: newWidth, by: side) {
              for y in top..<min(top + side, newHeight) {
                var from = 3 * (first + left * across + y * down)
                var to = target.baseAddress! + 3 * (y * newWidth + left)
                for _ in left..<min(left + side, newWidth) {
                  to.initialize(to: source[from])
                  (to + 1).initialize(to: source[from + 1])
                  (to + 2).initialize(to: source[from + 2])
                  from += 3 * across
                  to += 3
                }
              }
            }
          }
        }
        initializedCount = samples.count
      }
    }
    return Picture(
      width: newWidth, height: newHeight, pixels: turned(pixels), deepSamples: deepSamples.map(turned),
      isFloatingPoint: isFloatingPoint)
  }
}
