import CTIFF
import Graph

extension ImageCodec {
  static let tiff = ImageCodec(
    name: "TIFF", extensions: ["tif", "tiff"],
    recognises: { bytes in
      [Array("II*\0".utf8), Array("MM\0*".utf8), Array("II+\0".utf8), Array("MM\0+".utf8)].contains {
        bytes.starts(with: $0)
      }
    },
    storedSize: { try TIFFPage($0).size }, decode: { try TIFFPage($0).picture() },
    orientation: { (try? TIFFPage($0).orientation) ?? .upright }, hasTail: true)
}

/// A page of a TIFF file, read by libtiff.
struct TIFFPage {
  private let bytes: [UInt8]
  /// Its number in the file, from 0.
  private let number: UInt32
  private let described: GradCAMTIFFPage

  /// What the library may take at once for anything but a strip or a tile.
  private static let usualAllocation = 1 << 28

  /// Reads what a page holds.
  ///
  /// Throws `badData` if there is no such page, or it cannot be read, and `unsupported` without the library.
  init(_ bytes: [UInt8], number: Int = 0) throws {
    (self.bytes, self.number) = (bytes, UInt32(clamping: number))
    var page = GradCAMTIFFPage()
    try Self.reporting(ImageCodec.unreadable) { [number = self.number] in
      gradcam_tiff_describe(bytes, bytes.count, number, Self.usualAllocation, &page, $0)
    }
    described = page
  }

  /// All pages of a file.
  ///
  /// Throws what reading one throws.
  static func all(of bytes: [UInt8]) throws -> [TIFFPage] {
    var pages = [try TIFFPage(bytes)]
    var page = GradCAMTIFFPage(), reason = [CChar](repeating: 0, count: 256)
    while gradcam_tiff_describe(bytes, bytes.count, UInt32(pages.count), usualAllocation, &page, &reason) != 2 {
      pages.append(try TIFFPage(bytes, number: pages.count))
    }
    return pages
  }

  var size: PixelSize { PixelSize(width: Int(described.width), height: Int(described.height)) }

  /// How it is turned to stand upright.
  var orientation: ImageOrientation { ImageOrientation(rawValue: Int(described.orientation)) ?? .upright }

  /// The number of samples of a pixel.
  var samples: Int { Int(described.samples) }
  private var bits: Int { Int(described.bits) }
  /// The number of bytes of a sample as it is read.
  private var sampleSize: Int { max(bits / 8, 1) }

  private static func reporting(
    _ error: (String, String) -> GradCAMError, _ call: (UnsafeMutablePointer<CChar>?) -> Int32
  ) throws {
    var status: Int32 = 0
    try ImageCodec.report({ ImageCodec.failure(status, $0, "TIFF", package: "libtiff6", else: error) }) {
      status = call($0)
      return status
    }
  }

  /// Decodes the page as it is stored: grey, RGB, a palette or CMYK of 1 to 8 bits, grey or RGB of 16 bits or of
  /// floating-point numbers, of which 1 is full brightness; what is left over in a pixel, such as alpha, is dropped.
  func picture() throws -> Picture {
    let photometric = Photometric(rawValue: Int(described.photometric))
    guard let photometric, samples >= photometric.channels else {
      throw ImageCodec.unreadable("TIFF", "\(samples) samples of colour kind \(described.photometric)")
    }
    let isFloat = described.format == 3
    guard
      isFloat ? [16, 32, 64].contains(bits) : [1, 2, 4, 8, 16].contains(bits) && [1, 4].contains(described.format),
      photometric.takesManyBits || bits <= 8
    else {
      let kind = [1: "unsigned", 2: "signed", 3: "floating-point"][described.format] ?? "other"
      throw GradCAMError(
        .unsupported, problem: "a TIFF picture of \(kind) samples of \(bits) bits is not read",
        advice: "convert it to 8 or 16 bits, or give its numbers as an array by \(.tensor)")
    }
    let pixelSize = samples * sampleSize
    try Picture.checkDecoding(size, pixelSize: max(pixelSize, isFloat ? 12 : 3), fileSize: bytes.count)
    let raw = try raw(count: size.width * size.height * pixelSize)
    if isFloat { return try floats(in: raw, samples, photometric) }
    if bits == 16 {
      let values = raw.withUnsafeBytes { buffer in
        colors(samples, photometric) { buffer.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self) }
      }
      return Picture(
        width: size.width, height: size.height,
        deepSamples: photometric == .whiteIsZero ? values.map { ~$0 } : values)
    }
    let most = UInt8(1 << bits - 1)
    let pixels: [UInt8]
    switch photometric {
    case .palette: pixels = try looked(up: raw, samples)
    case .separated:
      pixels = (0..<size.width * size.height).flatMap { index in
        let black = raw[index * samples + 3]
        return (0..<3).map { 255 - black - (255 - black).scaled(by: raw[index * samples + $0]) }
      }
    case .whiteIsZero: pixels = colors(samples, photometric) { (most - raw[$0]) * (255 / most) }
    default: pixels = colors(samples, photometric) { raw[$0] * (255 / most) }
    }
    return Picture(width: size.width, height: size.height, pixels: pixels)
  }

  /// TIFF's PhotometricInterpretation.
  private enum Photometric: Int {
    case whiteIsZero, blackIsZero, rgb, palette, separated = 5

    /// The least number of samples of a pixel.
    var channels: Int {
      switch self {
      case .rgb: 3
      case .separated: 4
      case .whiteIsZero, .blackIsZero, .palette: 1
      }
    }
    var takesManyBits: Bool { self != .palette && self != .separated }
  }

  /// Red, green and blue of all pixels, made of samples by their index.
  private func colors<Sample>(_ samples: Int, _ photometric: Photometric, _ sample: (Int) -> Sample) -> [Sample] {
    let channels = photometric.channels
    var result: [Sample] = []
    result.reserveCapacity(3 * size.width * size.height)
    for pixel in 0..<size.width * size.height {
      for channel in 0..<3 { result.append(sample(pixel * samples + (channels == 3 ? channel : 0))) }
    }
    return result
  }

  private func raw(count: Int) throws -> [UInt8] {
    let allocation = max(1 << 26, 2 * count)
    return try [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
      // Whatever the library leaves out is 0.
      buffer.initialize(repeating: 0)
      try Self.reporting(ImageCodec.damaged) { message in
        withUnsafePointer(to: described) {
          gradcam_tiff_read(bytes, bytes.count, number, allocation, $0, buffer.baseAddress, message)
        }
      }
      initializedCount = count
    }
  }

  /// The samples as they are stored, pixel by pixel.
  ///
  /// Throws `unsupported` for colours of a palette and for numbers of other types than integers of up to 32 bits and
  /// floating-point numbers.
  func numbers() throws -> [Float] {
    let kinds: [Int: [Int: NumberType]] = [
      1: [1: .uint8, 2: .uint8, 4: .uint8, 8: .uint8, 16: .uint16, 32: .uint32],
      2: [8: .int8, 16: .int16, 32: .int32], 3: [32: .float32, 64: .float64],
    ]
    let format = described.format == 4 ? 1 : Int(described.format)
    guard samples > 0, Photometric(rawValue: Int(described.photometric)) != .palette, let kind = kinds[format]?[bits]
    else {
      throw GradCAMError(
        .unsupported, problem: "samples of \(bits) bits, of format \(format), or of a palette are not read as numbers",
        advice: "save them as integers of up to 32 bits or as 32-bit floating-point numbers")
    }
    try Picture.checkDecoding(size, pixelSize: samples * sampleSize, fileSize: bytes.count)
    let count = size.count * samples
    return ByteReader(try raw(count: count * sampleSize), isBigEndian: false).floats(kind, count: count, from: 0)
  }

  private func looked(up raw: [UInt8], _ samples: Int) throws -> [UInt8] {
    var colors = [UInt16](repeating: 0, count: 3 * 256)
    try Self.reporting(ImageCodec.unreadable) {
      gradcam_tiff_palette(bytes, bytes.count, number, Self.usualAllocation, &colors, $0)
    }
    // Some programs write bytes.
    let shift = colors.allSatisfy { $0 < 256 } ? 0 : 8
    return stride(from: 0, to: raw.count, by: samples).flatMap { index in
      (0..<3).map { UInt8(truncatingIfNeeded: colors[3 * Int(raw[index]) + $0] >> shift) }
    }
  }

  private func floats(in raw: [UInt8], _ samples: Int, _ photometric: Photometric) throws -> Picture {
    let values = raw.withUnsafeBytes { buffer in
      colors(samples, photometric) { index -> Float in
        switch bits {
        case 16: Float(buffer.loadUnaligned(fromByteOffset: 2 * index, as: Float16.self))
        case 32: buffer.loadUnaligned(fromByteOffset: 4 * index, as: Float.self)
        default: Float(buffer.loadUnaligned(fromByteOffset: 8 * index, as: Double.self))
        }
      }
    }
    guard values.allSatisfy({ abs($0) <= .greatestFiniteMagnitude / 65_535 }) else {
      throw GradCAMError(
        .badData, problem: "the picture holds samples that are NaN, infinite or beyond 5e33",
        advice: "replace them, or give its numbers as an array by \(.tensor)")
    }
    return Picture(
      width: size.width, height: size.height,
      floatSamples: photometric == .whiteIsZero ? values.map { 1 - $0 } : values)
  }
}

extension UInt8 {
  /// The product with a share of 255, rounded.
  fileprivate func scaled(by share: UInt8) -> UInt8 {
    let product = Int(self) * Int(share) + 128
    return UInt8(((product >> 8) + product) >> 8)
  }
}
