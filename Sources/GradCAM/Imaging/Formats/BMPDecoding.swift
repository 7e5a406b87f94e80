import Graph

extension ImageCodec {
  static let bmp = ImageCodec(
    name: "BMP", extensions: ["bmp", "dib"], recognises: BMPFile.recognises,
    storedSize: { try BMPFile($0).size }, decode: { try BMPFile($0).picture() })
}

/// A bitmap file of Windows or OS/2, without JPEG or PNG inside.
struct BMPFile {
  let size: PixelSize
  private let bytes: [UInt8]
  private let bits: Int
  private let isTopDown: Bool
  private let compression: Compression
  private let dataStart: Int
  /// Where red, green and blue lie in a pixel of 16 or 32 bits.
  private var masks = [0xFF0000, 0xFF00, 0xFF]
  private var palette: [[UInt8]] = []

  private enum Compression: Int { case none, runs8, runs4, masks, alphaMasks = 6 }

  private static let headSizes = [12, 16, 40, 52, 56, 64, 108, 124]

  static func recognises(_ bytes: [UInt8]) -> Bool {
    bytes.starts(with: Array("BM".utf8)) && bytes.count >= 18 && bytes[15...17].allSatisfy { $0 == 0 }
      && headSizes.contains(Int(bytes[14]))
  }

  init(_ bytes: [UInt8]) throws {
    var head = ByteCursor(bytes, at: 10, else: ImageCodec.unreadable("BMP", "its head is cut off"))
    self.bytes = bytes
    let start = try head.little(4), headSize = try head.little(4), isOld = headSize == 12
    func signed(_ number: Int) -> Int { isOld ? number : Int(Int32(truncatingIfNeeded: number)) }
    let width = signed(try head.little(isOld ? 2 : 4)), height = signed(try head.little(isOld ? 2 : 4))
    try head.skip(2)
    bits = try head.little(2)
    let kind = headSize > 16 ? try head.little(4) : 0
    // In OS/2's longer heads, the other numbers mean something else.
    guard let compression = Compression(rawValue: kind), headSize != 64 || kind <= 2 else {
      throw GradCAMError(
        .unsupported, problem: "the BMP file's compression \(kind) is not read", advice: "convert it to PNG")
    }
    guard width > 0, height != 0, [1, 2, 4, 8, 16, 24, 32].contains(bits),
      compression != .runs8 || bits == 8, compression != .runs4 || bits == 4
    else { throw ImageCodec.unreadable("BMP", "\(width) x \(height) pixels of \(bits) bits, compression \(kind)") }
    size = PixelSize(width: width, height: abs(height))
    (isTopDown, self.compression) = (height < 0, compression)
    var colorCount = 0
    if headSize >= 40 {
      try head.skip(12)
      colorCount = try head.little(4)
      try head.skip(4)
    }
    if bits == 16 { masks = [0x7C00, 0x3E0, 0x1F] }
    if [.masks, .alphaMasks].contains(compression), bits >= 16 {
      masks = try (0..<3).map { _ in try head.little(4) }
      if headSize == 40, compression == .alphaMasks { try head.skip(4) }
    }
    head.position = max(head.position, 14 + headSize)
    if bits <= 8 {
      let entry = isOld ? 3 : 4, room = ((start > 0 ? min(start, bytes.count) : bytes.count) - head.position) / entry
      let count = min(colorCount > 0 ? colorCount : 1 << bits, 1 << bits, max(room, 0))
      palette = (0..<count).map { index in
        let place = head.position + entry * index
        return [bytes[place + 2], bytes[place + 1], bytes[place]]
      }
      head.position += entry * count
    }
    dataStart = start > 0 ? start : head.position
  }

  func picture() throws -> Picture {
    try Picture.checkDecoding(size, fileSize: bytes.count)
    let (width, height) = (size.width, size.height)
    var data = ByteCursor(bytes, at: min(dataStart, bytes.count), else: ImageCodec.damaged("BMP", "it ends too early"))
    let isRuns = compression == .runs8 || compression == .runs4
    let rowSize = (width * bits + 31) / 32 * 4
    // The padding of the last row may be missing.
    if !isRuns { try data.require(rowSize * (height - 1) + (width * bits + 7) / 8) }
    let indices = isRuns ? try unpackedRuns(&data) : []
    let colors = (palette + [[UInt8]](repeating: [0, 0, 0], count: 256 - palette.count)).flatMap { $0 }
    let channels = masks.map { mask in
      let shift = mask == 0 ? 0 : mask.trailingZeroBitCount
      return (mask: mask, shift: shift, most: max(mask >> shift, 1))
    }
    let isBytes = bits == 24 || bits == 32 && masks == [0xFF0000, 0xFF00, 0xFF]
    let pixels = [UInt8](unsafeUninitializedCapacity: 3 * width * height) { target, count in
      bytes.withUnsafeBufferPointer { source in
        for row in 0..<height {
          var to = 3 * width * (isTopDown ? row : height - 1 - row), from = data.position + row * rowSize
          for x in 0..<width {
            switch bits {
            case _ where isBytes:
              (target[to], target[to + 1], target[to + 2]) = (source[from + 2], source[from + 1], source[from])
              from += bits / 8
            case 16, 32:
              var pixel = Int(source[from]) | Int(source[from + 1]) << 8
              if bits == 32 { pixel |= Int(source[from + 2]) << 16 | Int(source[from + 3]) << 24 }
              for (place, channel) in channels.enumerated() {
                target[to + place] = UInt8((pixel & channel.mask) >> channel.shift * 255 / channel.most)
              }
              from += bits / 8
            default:
              let index: Int
              if isRuns {
                index = Int(indices[row * width + x])
              } else {
                let bit = x * bits
                index = Int(source[from + bit / 8]) >> (8 - bits - bit % 8) & (1 << bits - 1)
              }
              for channel in 0..<3 { target[to + channel] = colors[3 * index + channel] }
            }
            to += 3
          }
        }
      }
      count = 3 * width * height
    }
    return Picture(width: width, height: height, pixels: pixels)
  }

  /// The palette's indices in the order of the file's rows; 0 where no run comes.
  private func unpackedRuns(_ data: inout ByteCursor) throws -> [UInt8] {
    let (width, height) = (size.width, size.height), isHalf = compression == .runs4
    var indices = [UInt8](repeating: 0, count: width * height), x = 0, y = 0
    func put(_ value: Int, at place: Int) {
      guard x < width else { return }
      indices[y * width + x] = UInt8(isHalf ? value >> (place % 2 == 0 ? 4 : 0) & 15 : value)
      x += 1
    }
    while y < height {
      let count = try data.next(), value = try data.next()
      if count > 0 {
        for place in 0..<count { put(value, at: place) }
      } else if value == 0 {
        (x, y) = (0, y + 1)
      } else if value == 1 {
        break
      } else if value == 2 {
        x += try data.next()
        y += try data.next()
      } else {
        var byte = 0
        for place in 0..<value {
          if !isHalf || place % 2 == 0 { byte = try data.next() }
          put(byte, at: place)
        }
        if (isHalf ? (value + 1) / 2 : value) % 2 != 0 { try data.skip(1) }
      }
    }
    return indices
  }
}
