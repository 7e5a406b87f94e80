import Graph

/// One image format: what its files begin with, how they are named, and the C functions that code them.
struct ImageCodec: Sendable {
  typealias ReadSize =
    @Sendable (
      UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<UInt32>?, UnsafeMutablePointer<UInt32>?,
      UnsafeMutablePointer<CChar>?
    ) -> Int32
  typealias Decode =
    @Sendable (
      UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<UInt8>?, UInt32, UInt32, UnsafeMutablePointer<CChar>?
    ) -> Int32
  typealias Encode =
    @Sendable (
      UnsafePointer<UInt8>?, UInt32, UInt32, _ quality: Int32, _ texts: [PictureText],
      UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?,
      UnsafeMutablePointer<Int>?, UnsafeMutablePointer<CChar>?
    ) -> Int32

  typealias DecodeDeep =
    @Sendable (
      UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<UInt16>?, UInt32, UInt32, UnsafeMutablePointer<CChar>?
    ) -> Int32

  let name: String
  let signature: [UInt8]
  let extensions: [String]
  let readSize: ReadSize
  let decodePixels: Decode
  let encodePixels: Encode
  /// Decodes samples of 16 bits; nil if the format has none.
  var decodeDeepPixels: DecodeDeep?
  /// Whether a file whose size was read has samples of 16 bits.
  var isDeep: @Sendable ([UInt8]) -> Bool = { _ in false }

  static let all = [png, jpeg]

  /// The format of a path's extension; nil if it is unknown.
  static func known(by path: String) -> ImageCodec? {
    let file = fileName(path)
    let suffix = file.lastIndex(of: ".").map { file[file.index(after: $0)...].lowercased() }
    return all.first { suffix.map($0.extensions.contains) ?? false }
  }

  static func forWriting(to path: String) throws -> ImageCodec {
    guard let codec = known(by: path) else {
      throw GradCAMError(
        .usage, at: path, problem: "the file name has no picture extension", advice: "end it in .png, .jpg or .jpeg")
    }
    return codec
  }

  /// The format of a file.
  ///
  /// Throws `badData` if it is empty, `unsupported` for an unknown format.
  static func known(by bytes: [UInt8]) throws -> ImageCodec {
    guard !bytes.isEmpty else {
      throw GradCAMError(.badData, problem: "the file is empty", advice: "give a PNG or JPEG file")
    }
    guard let codec = all.first(where: { bytes.starts(with: $0.signature) }) else {
      throw GradCAMError(
        .unsupported, problem: "the file is neither PNG nor JPEG", advice: "convert it to one of the two")
    }
    return codec
  }

  /// How a stored picture is turned to stand upright.
  func orientation(_ bytes: [UInt8]) -> ImageOrientation {
    name == Self.jpeg.name ? ImageOrientation(ofJPEG: bytes) : .upright
  }

  /// The width and height that are stored, from the file's first bytes: those before the pixels.
  func storedSize(_ bytes: [UInt8]) throws -> (width: UInt32, height: UInt32) {
    var (width, height) = (UInt32(0), UInt32(0))
    try report(.badData, problem: "not a readable \(name) file", advice: "save or fetch the picture again") {
      readSize(bytes, bytes.count, &width, &height, $0)
    }
    return (width, height)
  }

  func decode(_ bytes: [UInt8]) throws -> Picture {
    let (width, height) = try storedSize(bytes)
    let isDeep = decodeDeepPixels != nil && isDeep(bytes)
    try Picture.checkDecoding(width: width, height: height, isDeep: isDeep, fileSize: bytes.count)
    let count = 3 * Int(width) * Int(height)
    func decoded<Sample>(
      _ decode: (
        UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<Sample>?, UInt32, UInt32, UnsafeMutablePointer<CChar>?
      )
        -> Int32
    ) throws -> [Sample] {
      try [Sample](unsafeUninitializedCapacity: count) { buffer, initializedCount in
        try report(.badData, problem: "damaged or cut-off \(name) file", advice: "save or fetch the picture again") {
          decode(bytes, bytes.count, buffer.baseAddress, width, height, $0)
        }
        initializedCount = count
      }
    }
    if let decodeDeepPixels, isDeep {
      return Picture(width: Int(width), height: Int(height), deepSamples: try decoded(decodeDeepPixels))
    }
    return Picture(width: Int(width), height: Int(height), pixels: try decoded(decodePixels))
  }

  /// - Parameters:
  ///   - quality: 1 to 100; a format without loss ignores it.
  ///   - texts: a format without texts ignores them.
  func encode(_ picture: Picture, quality: Int, texts: [PictureText]) throws -> [UInt8] {
    var encoded: UnsafeMutablePointer<UInt8>?
    var count = 0
    try report(.unwritable, problem: "the picture cannot be encoded as \(name)", advice: "make it smaller") {
      encodePixels(
        picture.pixels, UInt32(picture.width), UInt32(picture.height), Int32(quality), texts, &encoded, &count, $0)
    }
    defer { free(encoded) }
    return [UInt8](UnsafeBufferPointer(start: encoded, count: count))
  }

  private func report(
    _ kind: GradCAMError.Kind, problem: String, advice: String, _ call: (UnsafeMutablePointer<CChar>?) -> Int32
  ) throws {
    try withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { message in
      message.initialize(repeating: 0)
      guard call(message.baseAddress) != 0 else { return }
      let reason = message.baseAddress.map { String(cString: $0) } ?? ""
      throw GradCAMError(kind, problem: "\(problem) (\(reason))", advice: advice)
    }
  }
}
