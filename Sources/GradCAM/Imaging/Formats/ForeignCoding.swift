import Graph

/// Formats that C functions read and write.
extension ImageCodec {
  typealias SizeReader = (
    UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<UInt32>?, UnsafeMutablePointer<UInt32>?,
    UnsafeMutablePointer<CChar>?
  ) -> Int32
  typealias Decoder<Sample> = (
    UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<Sample>?, UInt32, UInt32, UnsafeMutablePointer<CChar>?
  ) -> Int32
  typealias Encoder = (
    UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?, UnsafeMutablePointer<Int>?, UnsafeMutablePointer<CChar>?
  ) -> Int32

  /// - Parameter failure: makes the error of a reason; nil for that of a head that cannot be read.
  static func size(
    of bytes: [UInt8], _ name: String, failure: ((String) -> GradCAMError)? = nil, _ read: SizeReader
  ) throws -> PixelSize {
    var (width, height) = (UInt32(0), UInt32(0))
    try report({ failure?($0) ?? unreadable(name, $0) }) { read(bytes, bytes.count, &width, &height, $0) }
    return PixelSize(width: Int(width), height: Int(height))
  }

  /// Three samples for each pixel of a picture whose size was read.
  static func samples<Sample>(
    of bytes: [UInt8], _ size: PixelSize, _ name: String, _ decode: Decoder<Sample>
  ) throws -> [Sample] {
    try Picture.checkDecoding(size, pixelSize: 3 * MemoryLayout<Sample>.size, fileSize: bytes.count)
    let count = 3 * size.width * size.height
    return try [Sample](unsafeUninitializedCapacity: count) { buffer, initializedCount in
      try report({ damaged(name, $0) }) {
        decode(bytes, bytes.count, buffer.baseAddress, UInt32(size.width), UInt32(size.height), $0)
      }
      initializedCount = count
    }
  }

  static func decoded(
    _ bytes: [UInt8], _ size: PixelSize, _ name: String, _ decode: Decoder<UInt8>
  ) throws -> Picture {
    Picture(width: size.width, height: size.height, pixels: try samples(of: bytes, size, name, decode))
  }

  static func encoded(_ name: String, _ encode: Encoder) throws -> [UInt8] {
    var encoded: UnsafeMutablePointer<UInt8>?
    var count = 0
    try report({ reason in
      GradCAMError(
        .unwritable, problem: "the picture cannot be encoded as \(name) (\(reason))", advice: "make it smaller")
    }) { encode(&encoded, &count, $0) }
    defer { free(encoded) }
    return [UInt8](UnsafeBufferPointer(start: encoded, count: count))
  }

  /// The error of a C function that loads its library when it is called: 1 stands for one that is missing.
  static func failure(
    _ status: Int32, _ reason: String, _ name: String, package: String, else other: (String, String) -> GradCAMError
  ) -> GradCAMError {
    guard status == 1 else { return other(name, reason) }
    return GradCAMError(
      .unsupported, problem: "\(name) files are read by a library of the system that is missing (\(reason))",
      advice: "install Debian's package \(package), or convert the picture to PNG")
  }
}
