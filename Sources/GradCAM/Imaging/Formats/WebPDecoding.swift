import CWebP
import Graph

extension ImageCodec {
  static let webp = ImageCodec(
    name: "WebP", extensions: ["webp"], recognises: WebPFile.recognises,
    storedSize: { try WebPFile($0).size }, decode: { try WebPFile($0).picture() },
    orientation: { (try? WebPFile($0).orientation) ?? .upright }, hasTail: true)
}

/// A WebP file, read by libwebp; of a film, the first picture, on black.
struct WebPFile {
  let size: PixelSize
  private let bytes: [UInt8]
  private let chunks: [(name: String, contents: Range<Int>)]

  static func recognises(_ bytes: [UInt8]) -> Bool {
    bytes.count >= 12 && bytes.starts(with: Array("RIFF".utf8)) && bytes[8..<12].elementsEqual("WEBP".utf8)
  }

  init(_ bytes: [UInt8]) throws {
    self.bytes = bytes
    size = try Self.size(of: bytes)
    chunks = Self.chunks(of: bytes, in: 12..<bytes.count)
  }

  private static func size(of bytes: [UInt8]) throws -> PixelSize {
    var status: Int32 = 0
    return try ImageCodec.size(
      of: bytes, "WebP",
      failure: { ImageCodec.failure(status, $0, "WebP", package: "libwebp7", else: ImageCodec.unreadable) }
    ) {
      status = gradcam_webp_size($0, $1, $2, $3, $4)
      return status
    }
  }

  private static func chunks(of bytes: [UInt8], in part: Range<Int>) -> [(name: String, contents: Range<Int>)] {
    var found: [(name: String, contents: Range<Int>)] = [], place = part.lowerBound
    while place + 8 <= part.upperBound {
      let count = bytes[place + 4..<place + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
      let name = String(decoding: bytes[place..<place + 4], as: UTF8.self)
      found.append((name, place + 8..<min(place + 8 + count, part.upperBound)))
      place += 8 + count + count % 2
    }
    return found
  }

  /// What the file's EXIF says.
  var orientation: ImageOrientation {
    guard let contents = chunks.first(where: { $0.name == "EXIF" })?.contents else { return .upright }
    let exif = bytes[contents]
    return ImageOrientation(
      inTIFF: exif.starts(with: Array("Exif\0\0".utf8)) ? exif.dropFirst(6) : exif) ?? .upright
  }

  func picture() throws -> Picture {
    guard let frame = chunks.first(where: { $0.name == "ANMF" })?.contents else { return try Self.decoded(bytes, size) }
    // Place, size, duration and flags, then the picture as in a file of its own.
    guard frame.count > 16,
      let picture = Self.chunks(of: bytes, in: frame.lowerBound + 16..<frame.upperBound).first(where: {
        ["VP8 ", "VP8L"].contains($0.name)
      })
    else { throw ImageCodec.damaged("WebP", "its first frame is none") }
    func number(_ offset: Int) -> Int {
      (0..<3).reduce(0) { $0 | Int(bytes[frame.lowerBound + offset + $1]) << (8 * $1) }
    }
    let stored = Array(bytes[picture.contents.lowerBound - 8..<picture.contents.upperBound])
    let shown = try Self.decoded(stored, Self.size(of: stored))
    return try shown.cropped(x: -2 * number(0), y: -2 * number(3), width: size.width, height: size.height)
  }

  private static func decoded(_ bytes: [UInt8], _ size: PixelSize) throws -> Picture {
    try ImageCodec.decoded(bytes, size, "WebP", gradcam_webp_decode)
  }
}
