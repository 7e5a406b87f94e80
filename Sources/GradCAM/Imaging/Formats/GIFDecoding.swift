import Graph

extension ImageCodec {
  static let gif = ImageCodec(
    name: "GIF", extensions: ["gif"],
    recognises: { $0.starts(with: Array("GIF87a".utf8)) || $0.starts(with: Array("GIF89a".utf8)) },
    storedSize: { try GIFFile($0).size }, decode: { try GIFFile($0).picture() })
}

/// The first picture of a GIF file.
struct GIFFile {
  /// The size of the canvas, extended if the picture is larger.
  let size: PixelSize
  /// Where the picture lies on the canvas.
  private let frame: PixelRectangle
  private let isInterlaced: Bool
  private let colors: [UInt8]
  /// What the canvas holds around the picture.
  private let background: Int
  private let bytes: [UInt8]
  /// Where the compressed pixels start.
  private let dataStart: Int

  init(_ bytes: [UInt8]) throws {
    var head = ByteCursor(bytes, at: 6, else: ImageCodec.unreadable("GIF", "its head is cut off"))
    self.bytes = bytes
    let canvas = PixelSize(width: try head.little(2), height: try head.little(2))
    func table(_ flags: Int) throws -> [UInt8]? {
      guard flags & 0x80 != 0 else { return nil }
      let start = head.position
      try head.skip(6 << (flags & 7))
      return Array(bytes[start..<head.position])
    }
    let flags = try head.next()
    try head.skip(2)
    let common = try table(flags)
    var transparent: Int?
    blocks: while true {
      switch try head.next() {
      case 0: continue
      case 0x2C: break blocks
      case 0x21:
        let isControl = try head.next() == 0xF9
        let start = head.position
        while case let count = try head.next(), count > 0 { try head.skip(count) }
        if isControl, bytes[start] >= 4, bytes[start + 1] & 1 != 0 { transparent = Int(bytes[start + 4]) }
      default: throw ImageCodec.unreadable("GIF", "it holds no picture")
      }
    }
    let (x, y) = (try head.little(2), try head.little(2))
    let (width, height) = (try head.little(2), try head.little(2)), ownFlags = try head.next()
    guard width > 0, height > 0 else { throw ImageCodec.unreadable("GIF", "its picture has no pixels") }
    frame = PixelRectangle(x: x, y: y, width: width, height: height)
    size = PixelSize(width: max(canvas.width, x + width), height: max(canvas.height, y + height))
    isInterlaced = ownFlags & 0x40 != 0
    // Without a palette, an index is a shade of grey.
    let palette = try table(ownFlags) ?? common ?? (0...255).flatMap { [$0, $0, $0] }
    colors = palette + [UInt8](repeating: 0, count: 768 - palette.count)
    background = transparent ?? 0
    dataStart = head.position
  }

  func picture() throws -> Picture {
    try Picture.checkDecoding(size, fileSize: bytes.count)
    let indices = try unpacked(), (width, height) = (frame.size.width, frame.size.height)
    let around = Array(colors[3 * background..<3 * background + 3])
    var pixels = [UInt8](repeating: 0, count: 3 * size.width * size.height)
    if frame.size != size, around != [0, 0, 0] { for place in pixels.indices { pixels[place] = around[place % 3] } }
    let passes = isInterlaced ? [(0, 8), (4, 8), (2, 4), (1, 2)] : [(0, 1)]
    let rows = passes.flatMap { Array(stride(from: $0.0, to: height, by: $0.1)) }
    for (row, y) in rows.enumerated() {
      var to = 3 * ((frame.y + y) * size.width + frame.x)
      for index in indices[row * width..<(row + 1) * width] {
        for channel in 0..<3 { pixels[to + channel] = colors[3 * Int(index) + channel] }
        to += 3
      }
    }
    return Picture(width: size.width, height: size.height, pixels: pixels)
  }

  /// The palette's indices, by LZW with codes of growing length, in blocks of up to 255 bytes.
  private func unpacked() throws -> [UInt8] {
    let failure = ImageCodec.damaged("GIF", "it ends too early")
    var data = ByteCursor(bytes, at: dataStart, else: failure)
    let rootBits = try data.next()
    guard (1...8).contains(rootBits) else { throw ImageCodec.damaged("GIF", "codes of \(rootBits) bits") }
    let clear = 1 << rootBits, count = frame.size.width * frame.size.height
    // A code stands for that of its prefix and one index more.
    var prefixes = [Int](repeating: 0, count: 4096), lasts = [UInt8](repeating: 0, count: 4096)
    var firsts = lasts, lengths = prefixes
    for root in 0..<clear { (lasts[root], firsts[root], lengths[root]) = (UInt8(root), UInt8(root), 1) }
    var result = [UInt8](repeating: 0, count: count), done = 0
    var next = clear + 2, width = rootBits + 1, before: Int?
    var bits = 0, bitCount = 0, left = try data.next()
    while done < count {
      while bitCount < width {
        guard left > 0 else { throw failure }
        bits |= try data.next() << bitCount
        bitCount += 8
        left -= 1
        if left == 0 { left = try data.next() }
      }
      let code = bits & (1 << width - 1)
      (bits, bitCount) = (bits >> width, bitCount - width)
      if code == clear {
        (next, width, before) = (clear + 2, rootBits + 1, nil)
        continue
      }
      guard code != clear + 1 else { throw failure }
      guard code < (before == nil ? clear : min(next + 1, 4096)) else {
        throw ImageCodec.damaged("GIF", "a code that is not defined")
      }
      if let before, next < 4096 {
        (prefixes[next], firsts[next], lengths[next]) = (before, firsts[before], lengths[before] + 1)
        lasts[next] = firsts[code == next ? before : code]
        next += 1
        if next == 1 << width, width < 12 { width += 1 }
      }
      // From the last index to the first, without those that are too many.
      var place = done + lengths[code], from = code
      let end = place
      while place > done {
        place -= 1
        if place < count { result[place] = lasts[from] }
        from = prefixes[from]
      }
      (done, before) = (end, code)
    }
    return result
  }
}
