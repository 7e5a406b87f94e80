import Graph
import Synchronization

/// What `Picture.allow(pixelCount:)` set; 0 stands for the usual limits.
private let allowedPixelCount = Atomic<Int>(0)

/// A picture of sRGB: rows from top to bottom, pixels from left to right, red, green and blue together.
public struct Picture: Sendable, Equatable {
  /// The width in pixels, at least 1.
  public let width: Int
  /// The height in pixels, at least 1.
  public let height: Int
  /// `3 * width * height` samples of 8 bits: what is drawn on.
  public let pixels: [UInt8]
  /// The samples of a picture that was stored with 16 bits, 0 … 65,535, or as floating-point numbers, of which 1 is
  /// 65,535 here, in the order of `pixels`; nil for 8 bits.
  public let deepSamples: [Float]?
  /// Whether they were floating-point numbers, which may lie outside of 0 … 1.
  let isFloatingPoint: Bool

  /// The number of pixels above which a picture is refused rather than decoded or made: 2²⁸, unless another is allowed.
  public static var maximumPixelCount: Int {
    let allowed = allowedPixelCount.load(ordering: .relaxed)
    return allowed > 0 ? allowed : 1 << 28
  }

  /// Sets `maximumPixelCount` for the whole process.
  ///
  /// Files with as many pixels are then decoded however small they are. By default, a file of more than 2²⁶ pixels must
  /// have at least a byte for 128 of them, as photographs have.
  ///
  /// - Precondition: the count is positive and at most 2⁴⁰.
  public static func allow(pixelCount: Int) {
    precondition(0 < pixelCount && pixelCount <= 1 << 40)
    allowedPixelCount.store(pixelCount, ordering: .relaxed)
  }

  /// The quality of JPEG files, of 1 to 100, unless another is asked for.
  public static let usualJPEGQuality = 95

  /// A picture of given samples.
  ///
  /// - Precondition: `width` and `height` are positive and `pixels` holds `3 * width * height` samples.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    self.init(width: width, height: height, pixels: pixels, deepSamples: nil)
  }

  init(width: Int, height: Int, pixels: [UInt8], deepSamples: [Float]?, isFloatingPoint: Bool = false) {
    precondition(width > 0 && height > 0 && pixels.count == 3 * width * height)
    precondition(deepSamples?.count ?? pixels.count == pixels.count)
    self.width = width
    self.height = height
    self.pixels = pixels
    self.deepSamples = deepSamples
    self.isFloatingPoint = isFloatingPoint
  }

  /// Decodes a file of one of `formats`, recognised by its content, as Pillow's `convert("RGB")` does.
  ///
  /// Grey is replicated, alpha dropped, a palette looked up, CMYK converted. 16-bit samples and floating-point numbers are
  /// kept as `deepSamples`; `pixels` has the eight highest bits that the picture uses. The orientation of a JPEG, a WebP
  /// and a TIFF is applied. Of several pictures, the first is taken.
  ///
  /// - Throws: `GradCAMError` of kind `.unreadable` if the file cannot be read, `.badData` if it is damaged or
  ///   larger than `maximumPixelCount`, `.unsupported` if it is of another format, or read by a library that is missing.
  public init(contentsOf path: String) throws {
    let bytes = try contentsOfFile(at: path)
    self = try located(path) { try Picture(decoding: bytes) }
  }

  /// Decodes the bytes of a picture file as `init(contentsOf:)` does.
  ///
  /// - Throws: `GradCAMError` of kind `.badData` or `.unsupported`.
  public init(decoding bytes: [UInt8]) throws {
    let codec = try ImageCodec.known(by: bytes)
    self = try codec.decode(bytes).oriented(by: codec.orientation(bytes))
  }

  /// The size that `init(contentsOf:)` gives a picture, read without its pixels.
  ///
  /// - Throws: `GradCAMError` of kind `.unreadable`, `.badData` or `.unsupported`.
  public static func size(ofFile path: String) throws -> PixelSize {
    let usual = 1 << 16, head = try contentsOfFile(at: path, upTo: usual)
    if head.count == usual, (try? ImageCodec.known(by: head))?.hasTail == false, let size = try? size(fromHead: head) {
      return size
    }
    // Profiles and previews before the pixels may be long.
    let bytes = head.count < usual ? head : try contentsOfFile(at: path)
    return try located(path) { try size(fromHead: bytes) }
  }

  /// The size that `init(decoding:)` gives a picture, read without its pixels, which may be missing.
  ///
  /// - Throws: `GradCAMError` of kind `.badData` or `.unsupported`.
  package static func size(fromHead bytes: [UInt8]) throws -> PixelSize {
    let codec = try ImageCodec.known(by: bytes), stored = try codec.storedSize(bytes)
    return codec.orientation(bytes).swapsSides ? PixelSize(width: stored.height, height: stored.width) : stored
  }

  /// Writes a PNG (`.png`) or JPEG (`.jpg`, `.jpeg`) file, by the extension of `path`.
  ///
  /// JPEG has halved chroma. The file appears whole or not at all.
  ///
  /// - Parameters:
  ///   - jpegQuality: 1 to 100.
  ///   - texts: what a PNG file says about the picture; at most 16.
  /// - Throws: `GradCAMError` of kind `.unwritable`, or `.usage` for an extension that names no format.
  public func write(to path: String, jpegQuality: Int = usualJPEGQuality, texts: [PictureText] = []) throws {
    let encode = try ImageCodec.encoder(for: path)
    try writeAtomically(try located(path) { try encode(self, jpegQuality, texts, .single) }, to: path)
  }

  /// The bytes of the file that `write(to:)` makes.
  ///
  /// - Parameter pool: the threads that share the work, if the format lets them.
  /// - Throws: `GradCAMError` of kind `.unwritable`, or `.usage` for an extension that names no format.
  public func encoded(
    for path: String, jpegQuality: Int = usualJPEGQuality, texts: [PictureText] = [], on pool: ThreadPool = .single
  ) throws -> [UInt8] {
    try ImageCodec.encoder(for: path)(self, jpegQuality, texts, pool)
  }

  /// Checks that a path's extension names a format that pictures are written in.
  ///
  /// - Throws: `GradCAMError` of kind `.usage`.
  public static func checkFormat(ofOutput path: String) throws { _ = try ImageCodec.encoder(for: path) }

  /// Whether a path's extension names a format that pictures are read in.
  public static func hasKnownExtension(_ path: String) -> Bool { ImageCodec.reads(path) }

  /// The given rectangle; pixels outside the picture have the given colour.
  ///
  /// - Throws: `GradCAMError` of kind `.usage` if the size is not positive or above `maximumPixelCount`.
  public func cropped(
    x left: Int, y top: Int, width: Int, height: Int, fill: PixelColor = .black
  ) throws -> Picture {
    try Picture.checkSize(width: width, height: height)
    if (left, top, width, height) == (0, 0, self.width, self.height) { return self }
    // Clamped first, so that no sum below can overflow.
    let left = min(max(left, -width), self.width)
    let top = min(max(top, -height), self.height)
    func part<Sample>(of samples: [Sample], fill: [Sample]) -> [Sample] {
      var cropped = [Sample](unsafeUninitializedCapacity: 3 * width * height) { target, count in
        count = 3 * width * height
        for pixel in stride(from: 0, to: count, by: 3) {
          for channel in 0..<3 { (target.baseAddress! + pixel + channel).initialize(to: fill[channel]) }
        }
      }
      let columns = max(left, 0)..<max(min(left + width, self.width), max(left, 0))
      for y in max(top, 0)..<max(min(top + height, self.height), max(top, 0)) where !columns.isEmpty {
        let source = 3 * (y * self.width + columns.lowerBound)
        let target = 3 * ((y - top) * width + columns.lowerBound - left)
        cropped.replaceSubrange(target..<target + 3 * columns.count, with: samples[source..<source + 3 * columns.count])
      }
      return cropped
    }
    return Picture(
      width: width, height: height, pixels: part(of: pixels, fill: fill.samples),
      deepSamples: deepSamples.map { part(of: $0, fill: fill.samples.map { 257 * Float($0) }) },
      isFloatingPoint: isFloatingPoint)
  }

  /// The ways to resample a picture.
  public enum ResizeFilter: Sendable {
    /// Pillow's `Image.resize`, which averages over what a shrunken pixel covers; equal bit for bit.
    case pillow(Interpolation)
    /// OpenCV's `resize` with `INTER_LINEAR`, which takes four neighbours whatever the scale.
    case openCVBilinear
  }

  /// The picture at another size.
  ///
  /// - Throws: `GradCAMError` of kind `.usage` if the size is not positive or above `maximumPixelCount`.
  public func resized(width: Int, height: Int, filter: ResizeFilter = .pillow(.bilinear)) throws -> Picture {
    try Picture.checkSize(width: width, height: height)
    if (width, height) == (self.width, self.height) { return self }
    let resized =
      switch filter {
      case .pillow(let interpolation): resizedAsPillow(width: width, height: height, interpolation)
      case .openCVBilinear: resizedAsOpenCV(width: width, height: height)
      }
    guard let deepSamples else { return resized }
    let deep = resizedDeep(deepSamples, width: width, height: height, filter)
    return Picture(
      width: width, height: height, pixels: resized.pixels, deepSamples: deep, isFloatingPoint: isFloatingPoint)
  }

  /// Checks that a file is not refused for its number of pixels.
  ///
  /// - Parameter pixelSize: the bytes of a pixel; one of more than three counts as several.
  static func checkDecoding(_ size: PixelSize, pixelSize: Int = 3, fileSize: Int) throws {
    let weight = (pixelSize + 2) / 3
    let (count, isLarge) = size.width.multipliedReportingOverflow(by: size.height)
    let (pixels, isLarger) = count.multipliedReportingOverflow(by: weight)
    let what = "a picture of \(size.width) x \(size.height) pixels\(weight > 1 ? " of \(pixelSize) bytes each" : "")"
    guard !isLarge, !isLarger, pixels <= maximumPixelCount else {
      throw GradCAMError(
        .badData, problem: "\(what) is too large",
        advice: "shrink it to at most \(maximumPixelCount / weight) pixels, or give \(.maxPixels, as: "N")")
    }
    guard allowedPixelCount.load(ordering: .relaxed) > 0 || pixels <= max(1 << 26, 128 * fileSize) else {
      throw GradCAMError(
        .badData, problem: "\(what) in a file of \(fileSize) bytes is unlikely to be one",
        advice: "give \(.maxPixels, "\(pixels)") if it is")
    }
  }

  static func checkSize(width: Int, height: Int) throws {
    guard width > 0, height > 0, hasAllowedPixelCount(width: width, height: height) else {
      throw GradCAMError(
        .usage, problem: "a picture cannot be \(width) x \(height) pixels",
        advice: "width and height must be positive and their product at most \(maximumPixelCount)")
    }
  }

  static func hasAllowedPixelCount(width: Int, height: Int) -> Bool {
    let (count, overflow) = width.multipliedReportingOverflow(by: height)
    return !overflow && count <= maximumPixelCount
  }
}
