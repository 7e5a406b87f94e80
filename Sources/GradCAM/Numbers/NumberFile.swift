import Graph

/// The numbers of a file: a NumPy array, a sound, a volume, or the samples of a TIFF file.
public struct NumberFile: Sendable {
  /// What dimension of a network's input a volume's axes x, y and z are.
  public enum VolumeAxes: String, Sendable, CaseIterable {
    /// Depth is x, height y and width z, as nibabel, MONAI and TorchIO have them.
    case xyz
    /// Depth is z, height y and width x, as SimpleITK has them.
    case zyx
  }

  /// What the dimensions count.
  enum Order: Sendable, Equatable {
    /// What those of the input do.
    case ofInput
    /// Channels and samples.
    case signal
    /// Channels, depth, height and width.
    case volume
    /// Samples of a pixel, pages, height and width.
    case pages
  }

  /// The extents, outermost first.
  let shape: [Int]
  /// As many numbers, row by row.
  let values: [Float]
  let order: Order
  /// What is known of the numbers besides.
  public let source: NumberSource

  /// Numbers in the order of a network's input.
  ///
  /// - Precondition: there are as many as the product of the extents.
  public init(shape: [Int], values: [Float]) {
    precondition(values.count == shape.reduce(1, *))
    self.init(shape: shape, values: values, order: .ofInput)
  }

  init(shape: [Int], values: [Float], order: Order, source: NumberSource = NumberSource()) {
    (self.shape, self.values, self.order, self.source) = (shape, values, order, source)
  }

  private enum Format: String, CaseIterable {
    case npy, wav, nii
    case niiGz = "nii.gz"
  }

  private static func format(_ path: String) -> Format? {
    let name = fileName(path).lowercased()
    return Format.allCases.first { name.hasSuffix(".\($0.rawValue)") }
  }

  /// Whether a path's extension names such a file.
  public static func isOne(_ path: String) -> Bool { format(path) != nil }

  /// Whether it is read as numbers for an input: also a TIFF file, for one that no picture is made into.
  public static func isOne(_ path: String, for input: ImageShape) -> Bool {
    isOne(path) || isTIFF(path) && !input.takesPictures
  }

  private static func isTIFF(_ path: String) -> Bool {
    let name = fileName(path).lowercased()
    return ImageCodec.tiff.extensions.contains { name.hasSuffix(".\($0)") }
  }

  /// The extensions of such files, for messages.
  public static let extensions = Format.allCases.map { ".\($0.rawValue)" }

  /// Reads a file, by its extension: `.npy`, `.wav`, `.nii` or `.nii.gz`, `.tif` or `.tiff`; any other as `.npy`.
  ///
  /// - Parameter axes: what a volume's axes are.
  /// - Throws: `GradCAMError` of kind `.unreadable`, `.badData` or `.unsupported`.
  public init(contentsOf path: String, axes: VolumeAxes = .xyz) throws {
    try self.init(decoding: contentsOfFile(at: path), of: path, axes: axes)
  }

  /// Decodes the bytes of a file, which is not read, as `init(contentsOf:axes:)` does.
  public init(decoding bytes: [UInt8], of path: String, axes: VolumeAxes = .xyz) throws {
    self = try located(path) {
      switch Self.format(path) {
      case .wav: try NumberFile(wav: bytes)
      case .nii: try NumberFile(nifti: bytes, isCompressed: false, axes: axes)
      case .niiGz: try NumberFile(nifti: bytes, isCompressed: true, axes: axes)
      case nil where Self.isTIFF(path): try NumberFile(tiff: bytes)
      case .npy, nil: try NPYArray(decoding: bytes).numbers
      }
    }
  }

  /// The size that the numbers have as the input of a network.
  ///
  /// Throws `badData` if it does not take them.
  public func size(for input: ImageShape) throws -> PixelSize { try arranged(for: input).size }

  /// The number of images of a run that they are.
  ///
  /// Throws `badData` if the network does not take them.
  public func count(for input: ImageShape) throws -> Int { try input.count(in: arranged(for: input).shape) }

  /// The numbers as they are stored.
  public func tensor(of type: ElementType) -> Tensor { NPYArray(shape: shape, values: values).tensor(of: type) }

  /// The numbers as the input of a network, repeated for all images of a run if they are those of one.
  ///
  /// Dimensions of the batch, and of one channel, may be missing in an array.
  ///
  /// Throws `badData` if it does not take them.
  func tensor(for input: ImageShape) throws -> Tensor {
    let (shape, size) = try arranged(for: input)
    guard order != .ofInput else {
      return NPYArray(shape: shape.dimensions, values: values).tensor(of: input.elementType)
    }
    var image = [Float](repeating: 0, count: values.count)
    image.withUnsafeMutableBufferPointer { image in
      input.elements(for: size).change(image) { _ = $0.update(fromContentsOf: values) }
    }
    return NPYArray(shape: shape.dimensions, values: input.images.repeating(image)).tensor(of: input.elementType)
  }

  /// The shape of the tensor, and the extents of an image in it.
  private func arranged(for input: ImageShape) throws -> (shape: Shape, size: PixelSize) {
    switch order {
    case .ofInput:
      for shape in input.completions(of: shape) { if let size = input.size(of: shape) { return (shape, size) } }
    case .pages:
      // One page of a picture's channels, a page for each, or the slices of a volume.
      let plane = Array(shape.dropFirst(2))
      let channels = shape[0] == 1 && input.rank == 2 ? shape[1] : shape[0]
      let size = PixelSize(extents: input.rank == 3 ? [shape[1]] + plane : plane)
      let isWhole = input.rank == 3 || shape[0] == 1 || shape[1] == 1
      if isWhole, input.channels == channels, input.admits(size) { return (input.shape(for: size), size) }
    case .signal, .volume:
      let size = PixelSize(extents: Array(shape.dropFirst()))
      if input.channels == shape[0], input.admits(size) { return (input.shape(for: size), size) }
    }
    throw GradCAMError(
      .badData, problem: "has shape \(description), but the model takes \(input)",
      advice: order == .ofInput
        ? "save an array of that shape"
        : "bring it to that shape, and save it as .npy in the order of the model's input")
  }

  private var description: String {
    let extents = Shape(shape).description
    switch order {
    case .ofInput: return extents
    case .signal: return "\(extents) (channels, samples)"
    case .volume: return "\(extents) (channels, depth, height, width)"
    case .pages: return "\(extents) (samples, pages, height, width)"
    }
  }
}

extension NPYArray {
  fileprivate var numbers: NumberFile { NumberFile(shape: shape, values: values, order: .ofInput) }
}

extension ImageShape {
  /// A shape, and what it is with the dimensions of the batch, or of one channel, that it lacks.
  fileprivate func completions(of shape: [Int]) -> [Shape] {
    let missing: [[Factor.Role]] = [[], [.batch]] + (channels == 1 ? [[.channels], [.batch, .channels]] : [])
    return missing.compactMap { missing in
      guard missing.allSatisfy(roles.contains), shape.count + missing.count == roles.count else { return nil }
      var rest = shape[...]
      return Shape(roles.map { missing.contains($0) ? 1 : rest.removeFirst() })
    }
  }
}

/// Bytes that are read one number after another, in either order.
struct ByteReader {
  private let bytes: [UInt8]
  let isBigEndian: Bool

  init(_ bytes: [UInt8], isBigEndian: Bool) { (self.bytes, self.isBigEndian) = (bytes, isBigEndian) }

  /// The number at a place.
  ///
  /// - Precondition: all of it is there.
  func integer<Number: FixedWidthInteger>(_ type: Number.Type = Number.self, at place: Int) -> Number {
    let stored = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: place, as: Number.self) }
    return isBigEndian ? Number(bigEndian: stored) : Number(littleEndian: stored)
  }

  func float(at place: Int) -> Float { Float(bitPattern: integer(UInt32.self, at: place)) }

  /// Numbers of a type, one after another.
  ///
  /// - Precondition: all of them are there.
  func floats(_ type: NumberType, count: Int, from start: Int) -> [Float] {
    func read<Number: FixedWidthInteger>(_: Number.Type, _ convert: (Number) -> Float) -> [Float] {
      (0..<count).map { convert(integer(Number.self, at: start + $0 * type.size)) }
    }
    return switch type {
    case .uint8: read(UInt8.self) { Float($0) }
    case .int8: read(Int8.self) { Float($0) }
    case .uint16: read(UInt16.self) { Float($0) }
    case .int16: read(Int16.self) { Float($0) }
    case .uint32: read(UInt32.self) { Float($0) }
    case .int32: read(Int32.self) { Float($0) }
    case .uint64: read(UInt64.self) { Float($0) }
    case .int64: read(Int64.self) { Float($0) }
    case .float32: read(UInt32.self) { Float(bitPattern: $0) }
    case .float64: read(UInt64.self) { Float(Double(bitPattern: $0)) }
    }
  }
}

/// A type of stored numbers.
enum NumberType {
  case uint8, int8, uint16, int16, uint32, int32, uint64, int64, float32, float64

  /// In bytes.
  var size: Int {
    switch self {
    case .uint8, .int8: 1
    case .uint16, .int16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    }
  }
}
