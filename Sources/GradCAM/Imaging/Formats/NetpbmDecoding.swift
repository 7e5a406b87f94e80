import Graph

extension ImageCodec {
  static let netpbm = ImageCodec(
    name: "PNM", extensions: ["ppm", "pgm", "pbm", "pnm"], recognises: NetpbmFile.recognises,
    storedSize: { try NetpbmFile($0).size }, decode: { try NetpbmFile($0).picture() })
}

/// A file of Netpbm: PBM, PGM or PPM, in digits or in bytes; the first picture of several.
struct NetpbmFile {
  let size: PixelSize
  /// The number of channels, 1 or 3.
  private let channels: Int
  private let isBitmap, isText: Bool
  /// The sample of full brightness.
  private let white: Int
  private let bytes: [UInt8]
  private let dataStart: Int

  static func recognises(_ bytes: [UInt8]) -> Bool {
    bytes.count > 2 && bytes[0] == UInt8(ascii: "P") && (UInt8(ascii: "1")...UInt8(ascii: "6")).contains(bytes[1])
      && (isSpace(bytes[2]) || bytes[2] == UInt8(ascii: "#"))
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

  init(_ bytes: [UInt8]) throws {
    func failure(_ reason: String) -> GradCAMError { ImageCodec.unreadable("PNM", reason) }
    let kind = Int(bytes[1]) - 0x30
    (isText, isBitmap, channels) = (kind <= 3, kind % 3 == 1, kind % 3 == 0 ? 3 : 1)
    var head = NumberReader(ByteCursor(bytes, at: 2, else: failure("its head is cut off")))
    let width = try head.next(), height = try head.next()
    white = isBitmap ? 1 : try head.next()
    guard (1...1 << 31).contains(width), (1...1 << 31).contains(height), (1...65_535).contains(white) else {
      throw failure("\(width) x \(height) pixels of 0 to \(white)")
    }
    size = PixelSize(width: width, height: height)
    self.bytes = bytes
    dataStart = head.cursor.position
  }

  func picture() throws -> Picture {
    let isDeep = white > 255
    try Picture.checkDecoding(size, pixelSize: isDeep ? 6 : 3, fileSize: bytes.count)
    let rowCount = size.width * channels, count = rowCount * size.height
    let data = ByteCursor(bytes, at: dataStart, else: ImageCodec.damaged("PNM", "it ends too early"))
    let bytesOfRow = isBitmap ? (size.width + 7) / 8 : rowCount * (isDeep ? 2 : 1)
    try data.require(isText ? (isBitmap ? count : 2 * count - 1) : bytesOfRow * size.height)
    var numbers = NumberReader(data)
    /// The samples, in their order, up to `most` for white; a bit of 1 is black.
    func samples<Sample: FixedWidthInteger>(_ most: Sample) throws -> [Sample] {
      let levels = (0...white).map { level in
        Sample((Double(isBitmap ? 1 - level : level) / Double(white) * Double(most)).rounded(.toNearestOrEven))
      }
      var result: [Sample] = []
      result.reserveCapacity(3 * size.width * size.height)
      for index in 0..<count {
        let sample: Int
        if isText {
          sample = try isBitmap ? numbers.nextDigit() : numbers.next()
        } else {
          let row = dataStart + index / rowCount * bytesOfRow, place = index % rowCount
          sample =
            isBitmap
            ? Int(bytes[row + place / 8]) >> (7 - place % 8) & 1
            : isDeep ? Int(bytes[row + 2 * place]) << 8 | Int(bytes[row + 2 * place + 1]) : Int(bytes[row + place])
        }
        for _ in 0..<3 / channels { result.append(levels[min(sample, white)]) }
      }
      return result
    }
    return isDeep
      ? Picture(width: size.width, height: size.height, deepSamples: try samples(UInt16.max))
      : Picture(width: size.width, height: size.height, pixels: try samples(UInt8.max))
  }

  /// Reads numbers between white space and comments.
  private struct NumberReader {
    var cursor: ByteCursor

    init(_ cursor: ByteCursor) { self.cursor = cursor }

    /// The next number, with the one byte after it.
    mutating func next() throws -> Int {
      var number = try nextDigit(), isLast = false
      while !isLast, cursor.position < cursor.bytes.count {
        let byte = Int(try cursor.next()), digit = byte - 0x30
        isLast = !(0...9).contains(digit)
        if !isLast { number = min(number * 10 + digit, 1 << 40) }
        if isLast, !NetpbmFile.isSpace(UInt8(byte)) {
          guard byte == UInt8(ascii: "#") else { throw ImageCodec.damaged("PNM", "something else than a number") }
          try skipLine()
        }
      }
      return number
    }

    /// The next digit that stands for itself.
    mutating func nextDigit() throws -> Int {
      while true {
        let byte = UInt8(try cursor.next())
        if (0x30...0x39).contains(byte) { return Int(byte) - 0x30 }
        if byte == UInt8(ascii: "#") {
          try skipLine()
        } else if !NetpbmFile.isSpace(byte) {
          throw ImageCodec.damaged("PNM", "something else than a number")
        }
      }
    }

    private mutating func skipLine() throws { while ![0x0A, 0x0D].contains(try cursor.next()) {} }
  }
}
