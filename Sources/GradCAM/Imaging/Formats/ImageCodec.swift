import Graph

/// One format of pictures: what its files begin with, how they are named, read and written.
struct ImageCodec: Sendable {
  let name: String
  let extensions: [String]
  /// Whether a file begins like one of the format.
  let recognises: @Sendable ([UInt8]) -> Bool
  /// The width and height that are stored, from the file's first bytes: those before the pixels.
  ///
  /// Throws `badData` if they cannot be read, and `unsupported` if the library that reads them is missing.
  let storedSize: @Sendable ([UInt8]) throws -> PixelSize
  /// Decodes a file, as it is stored, if its size is allowed.
  let decode: @Sendable ([UInt8]) throws -> Picture
  /// How a stored picture is turned to stand upright.
  var orientation: @Sendable ([UInt8]) -> ImageOrientation = { _ in .upright }
  /// Whether what stands before the pixels may as well stand behind them.
  var hasTail = false
  /// Encodes a picture; nil if the format is only read.
  ///
  /// A format without loss ignores the quality, of 1 to 100, and one without texts ignores them. The file is the same
  /// whatever threads share the work.
  var encode: Encode?

  typealias Encode = @Sendable (Picture, _ quality: Int, [PictureText], ThreadPool) throws -> [UInt8]

  static let all = [png, jpeg, bmp, gif, webp, tiff, netpbm]

  private static func all(named path: String) -> [ImageCodec] {
    let file = fileName(path)
    let suffix = file.lastIndex(of: ".").map { file[file.index(after: $0)...].lowercased() }
    return all.filter { suffix.map($0.extensions.contains) ?? false }
  }

  /// Whether a path's extension is that of a format.
  static func reads(_ path: String) -> Bool { !all(named: path).isEmpty }

  /// What encodes pictures in the format of a path's extension.
  ///
  /// Throws `usage` if it names no format that is written.
  static func encoder(for path: String) throws -> Encode {
    guard let encode = all(named: path).compactMap(\.encode).first else {
      throw GradCAMError(
        .usage, at: path,
        problem: reads(path)
          ? "pictures of this format are read, but not written" : "the file name has no picture extension",
        advice: "end it in .png, .jpg or .jpeg")
    }
    return encode
  }

  /// The format of a file.
  ///
  /// Throws `badData` if it is empty, `unsupported` for an unknown format.
  static func known(by bytes: [UInt8]) throws -> ImageCodec {
    guard !bytes.isEmpty else {
      throw GradCAMError(.badData, problem: "the file is empty", advice: "give a picture")
    }
    guard let codec = all.first(where: { $0.recognises(bytes) }) else {
      throw GradCAMError(
        .unsupported, problem: "the file is no picture of a format that is read",
        advice: "the formats are \(Picture.formats)")
    }
    return codec
  }

  // MARK: Errors

  /// For a head that cannot be read.
  static func unreadable(_ name: String, _ reason: String) -> GradCAMError {
    GradCAMError(
      .badData, problem: "not a readable \(name) file (\(reason))", advice: "save or fetch the picture again")
  }

  /// For pixels that cannot be decoded.
  static func damaged(_ name: String, _ reason: String) -> GradCAMError {
    GradCAMError(
      .badData, problem: "damaged or cut-off \(name) file (\(reason))", advice: "save or fetch the picture again")
  }

  /// Throws the error of a reason if a C function does not return 0.
  static func report(_ failure: (String) -> GradCAMError, _ call: (UnsafeMutablePointer<CChar>?) -> Int32) throws {
    try withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { message in
      message.initialize(repeating: 0)
      guard call(message.baseAddress) != 0 else { return }
      throw failure(message.baseAddress.map { String(cString: $0) } ?? "")
    }
  }
}

extension Picture {
  /// The names of the formats that are read, for messages.
  package static let formats = "PNG, JPEG, WebP, TIFF, BMP, GIF, PPM, PGM and PBM"
  /// The extensions of files that are read, in lower case.
  package static let extensions = ImageCodec.all.flatMap(\.extensions)
}
