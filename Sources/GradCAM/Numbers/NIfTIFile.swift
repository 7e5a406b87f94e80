import CGzip
import Graph

extension NumberFile {
  /// Decodes the volume of a NIfTI file: channels × depth × height × width, scaled as its header says.
  ///
  /// A fourth or fifth dimension is that of the channels. Source: Cox et al., nifti1.h and nifti2.h.
  ///
  /// - Parameters:
  ///   - isCompressed: whether the bytes are gzip data.
  ///   - axes: what x, y and z are.
  ///
  /// Throws `badData` if it is damaged, `unsupported` if its numbers are of another type.
  init(nifti bytes: [UInt8], isCompressed: Bool, axes: VolumeAxes) throws {
    let start = try isCompressed ? unzipped(bytes, upTo: NIfTIHeader.largestByteCount) : bytes
    let header = try NIfTIHeader(start, axes: axes)
    let type = try header.type, count = header.volume.count * header.channels, dataStart = header.dataStart
    let end = dataStart + count * type.size
    try MemoryLimit.check(end + 8 * count)
    let contents = isCompressed ? try unzipped(bytes, upTo: end) : bytes
    guard contents.count >= end else {
      throw NIfTIHeader.damaged("it ends before its \(count) numbers do")
    }
    let stored = ByteReader(contents, isBigEndian: header.isBigEndian).floats(type, count: count, from: dataStart)
    let scaled = header.scaled(stored)
    var source = NumberSource()
    source.space = header
    self.init(
      shape: [header.channels] + header.size.extents, values: header.inOrder(scaled), order: .volume, source: source)
  }
}

/// The header of a NIfTI file: where its volume lies in space, kept for maps that are written in the same place.
public struct NIfTIHeader: Sendable {
  /// The forms of the header, by its size; the second has the fields of the first, most of them with more bytes.
  fileprivate enum Version: Int, CaseIterable {
    case one = 348
    case two = 540

    var magic: (text: String, place: Int) { self == .one ? ("n+1\0", 344) : ("n+2\0\r\n\u{1a}\n", 4) }
    /// Where numbers begin in a file with nothing between.
    var dataStart: Int { rawValue + 4 }
  }

  /// Fields that are numbers, by their places in both versions.
  fileprivate struct Field {
    let one, two: Int

    static let extents = Field(one: 40, two: 16), type = Field(one: 70, two: 12), bitCount = Field(one: 72, two: 14)
    static let lengths = Field(one: 76, two: 104), dataStart = Field(one: 108, two: 168)
    static let slope = Field(one: 112, two: 176), shift = Field(one: 116, two: 184)
    static let shownRange = Field(one: 124, two: 192)
    static let quaternion = Field(one: 256, two: 352), origin = Field(one: 268, two: 376)
    static let affine = Field(one: 280, two: 400)

    func place(_ index: Int, _ version: Version, size: Int) -> Int { (version == .one ? one : two) + size * index }
  }

  fileprivate static let largestByteCount = Version.two.rawValue

  private var bytes: [UInt8]
  private let version: Version
  fileprivate let isBigEndian: Bool
  private let axes: NumberFile.VolumeAxes
  /// The extents along x, y and z.
  fileprivate let volume: (x: Int, y: Int, z: Int, count: Int)
  /// The product of further extents.
  fileprivate let channels: Int

  fileprivate static func damaged(_ reason: String) -> GradCAMError {
    GradCAMError(.badData, problem: "not a valid NIfTI file: \(reason)", advice: "save the volume again as NIfTI-1")
  }

  fileprivate init(_ contents: [UInt8], axes: NumberFile.VolumeAxes) throws {
    guard contents.count >= 4 else { throw Self.damaged("its header is cut off") }
    let orders = [false, true].map { ByteReader(contents, isBigEndian: $0).integer(Int32.self, at: 0) }
    guard let order = orders.firstIndex(where: { Version(rawValue: Int($0)) != nil }) else {
      throw Self.damaged("its header begins neither with 348 nor with 540")
    }
    (version, isBigEndian, self.axes) = (Version(rawValue: Int(orders[order]))!, order == 1, axes)
    guard contents.count >= version.rawValue else { throw Self.damaged("its header is cut off") }
    bytes = Array(contents[..<version.rawValue])
    let magic = version.magic
    guard bytes[magic.place...].starts(with: Array(magic.text.utf8)) else {
      throw GradCAMError(
        .unsupported, problem: "holds no volume beside its header, or is an Analyze file",
        advice: "save the volume as one .nii file")
    }
    let header = NIfTIFields(bytes, version, isBigEndian: isBigEndian), rank = header.extent(0)
    guard (1...7).contains(rank) else { throw Self.damaged("it has \(rank) dimensions") }
    let extents = (1...7).map { $0 <= rank ? header.extent($0) : 1 }
    guard extents.allSatisfy({ $0 > 0 }) else { throw Self.damaged("an extent is not above 0") }
    let shape = try Shape(checked: extents)
    channels = shape.count(3..<7)
    volume = (extents[0], extents[1], extents[2], shape.count / channels)
  }

  private var fields: NIfTIFields { NIfTIFields(bytes, version, isBigEndian: isBigEndian) }

  /// Throws `unsupported` for complex numbers, colours and 128-bit numbers.
  fileprivate var type: NumberType {
    get throws {
      let code = fields.code(.type)
      switch code {
      case 2: return .uint8
      case 4: return .int16
      case 8: return .int32
      case 16: return .float32
      case 64: return .float64
      case 256: return .int8
      case 512: return .uint16
      case 768: return .uint32
      case 1024: return .int64
      case 1280: return .uint64
      default:
        throw GradCAMError(
          .unsupported, problem: "numbers of NIfTI type \(code)", advice: "save the volume as float32, or as integers")
      }
    }
  }

  /// Where the numbers begin.
  fileprivate var dataStart: Int {
    let offset = fields.dataStart
    return offset.isFinite && offset >= Double(version.dataStart) && offset < 0x1p30 ? Int(offset) : version.dataStart
  }

  /// The numbers as the header says that they are meant.
  fileprivate func scaled(_ values: [Float]) -> [Float] {
    let slope = fields.number(.slope), shift = fields.number(.shift)
    guard slope.isFinite, slope != 0, shift.isFinite, slope != 1 || shift != 0 else { return values }
    return values.map { Float(Double($0) * slope + shift) }
  }

  /// The extents of the volume as a network's input has them.
  fileprivate var size: PixelSize {
    PixelSize(extents: axes == .xyz ? [volume.x, volume.y, volume.z] : [volume.z, volume.y, volume.x])
  }

  /// Stored numbers, x fastest, in the order of a network's input; and back, for the extents of a map.
  fileprivate func inOrder(_ values: [Float]) -> [Float] {
    guard axes == .xyz else { return values }
    return Self.reversed(values, from: [volume.z, volume.y, volume.x])
  }

  /// Reverses the order of three axes, in each block of that many values.
  private static func reversed(_ values: [Float], from extents: [Int]) -> [Float] {
    let (a, b, c) = (extents[0], extents[1], extents[2]), block = a * b * c
    var result = [Float](repeating: 0, count: values.count)
    for start in stride(from: 0, to: values.count, by: block) {
      for i in 0..<a {
        for j in 0..<b {
          for k in 0..<c { result[start + (k * b + j) * a + i] = values[start + (i * b + j) * c + k] }
        }
      }
    }
    return result
  }
}

// MARK: Maps in the same space

/// The files that maps of volumes are written as.
public enum VolumeOutput {
  /// Whether a path's extension names one: `.nii` or `.nii.gz`.
  public static func isOne(_ path: String) -> Bool { path.lowercased().hasSuffix(".nii") || isCompressed(path) }

  fileprivate static func isCompressed(_ path: String) -> Bool { path.lowercased().hasSuffix(".nii.gz") }
}

extension Explanation {
  /// A map of the input as a file that lies where the input's volume does.
  ///
  /// - Parameter path: a path whose extension is that of the file.
  ///
  /// Throws `usage` if the input came from no NIfTI file, `unsupported` if the map is no volume's.
  public func encoded(_ map: HeatMap, for path: String) throws -> [UInt8] {
    guard let space = shown[0].source.space else {
      throw GradCAMError(
        .usage, at: path, problem: "is a NIfTI file, but the input is none whose place in space it could have",
        advice: "give the input as .nii or .nii.gz, or save .npy")
    }
    return try located(path) { try space.encoded(map, isCompressed: VolumeOutput.isCompressed(path)) }
  }
}

extension NIfTIHeader {
  /// A map as the bytes of a NIfTI file of float32, of the same version, that lies where the volume does: a map of
  /// another resolution has larger voxels.
  ///
  /// Throws `unsupported` if it is no volume's, `unwritable` if it cannot be compressed.
  func encoded(_ map: HeatMap, isCompressed: Bool) throws -> [UInt8] {
    guard map.size.rank == 3, version == .two || map.size.extents.allSatisfy({ $0 <= Int(Int16.max) }) else {
      throw GradCAMError(
        .unsupported, problem: "a map of \(map.size.text) positions is no volume", advice: "save it as .npy")
    }
    var header = fields
    let isReversed = axes == .zyx
    func ofVolume<Number>(_ depth: Number, _ height: Number, _ width: Number) -> [Number] {
      isReversed ? [width, height, depth] : [depth, height, width]
    }
    let counts = ofVolume(map.size.depth, map.height, map.width), old = [volume.x, volume.y, volume.z]
    let starts = ofVolume(map.region.z, map.region.y, map.region.x)
    let shares = ofVolume(map.region.depth, map.region.height, map.region.width)
    // A voxel of the map covers this many of the volume's, and the first one's centre lies there among them.
    let steps = (0..<3).map { shares[$0] * Double(old[$0]) / Double(counts[$0]) }
    let origin = (0..<3).map { starts[$0] * Double(old[$0]) + (steps[$0] - 1) / 2 }
    for (index, extent) in ([3] + counts + [1, 1, 1, 1]).enumerated() { header.set(extent: extent, index) }
    header.set(code: 16, .type)
    header.set(code: 32, .bitCount)
    for axis in 0..<3 { header.set(fields.number(.lengths, axis + 1) * steps[axis], .lengths, axis + 1) }
    header.setDataStart()
    for (field, index) in [(NIfTIHeader.Field.slope, 0), (.shift, 0), (.shownRange, 0), (.shownRange, 1)] {
      header.set(0, field, index)
    }
    for (row, numbers) in affine.enumerated() {
      for axis in 0..<3 { header.set(numbers[axis] * steps[axis], .affine, 4 * row + axis) }
      header.set((0..<3).reduce(numbers[3]) { $0 + numbers[$1] * origin[$1] }, .affine, 4 * row + 3)
      let place = fields.number(.origin, row)
      header.set((0..<3).reduce(place) { $0 + rotation[row][$1] * origin[$1] }, .origin, row)
    }
    let values = isReversed ? map.values : Self.reversed(map.values, from: map.size.extents)
    let file = header.bytes + [0, 0, 0, 0] + header.stored(values)
    return isCompressed ? try zipped(file) : file
  }

  /// The first three rows of the matrix from indices to places.
  var affine: [[Double]] { (0..<3).map { row in (0..<4).map { fields.number(.affine, 4 * row + $0) } } }

  /// The directions of x, y and z by the quaternion, each of a voxel's length.
  private var rotation: [[Double]] {
    let (b, c, d) = (fields.number(.quaternion, 0), fields.number(.quaternion, 1), fields.number(.quaternion, 2))
    let a = max(0, 1 - b * b - c * c - d * d).squareRoot()
    let rows = [
      [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
      [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
      [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
    ]
    let handedness: Double = fields.number(.lengths) < 0 ? -1 : 1
    let lengths = (0..<3).map { fields.number(.lengths, $0 + 1) * ($0 == 2 ? handedness : 1) }
    return rows.map { row in zip(row, lengths).map { $0 * $1 } }
  }
}

/// A header's numbers, in its own version and order of bytes.
private struct NIfTIFields {
  private(set) var bytes: [UInt8]
  private let version: NIfTIHeader.Version
  private let isBigEndian: Bool
  private var reader: ByteReader { ByteReader(bytes, isBigEndian: isBigEndian) }

  init(_ bytes: [UInt8], _ version: NIfTIHeader.Version, isBigEndian: Bool) {
    (self.bytes, self.version, self.isBigEndian) = (bytes, version, isBigEndian)
  }

  /// A number of 32 bits in the first version, of 64 in the second.
  func number(_ field: NIfTIHeader.Field, _ index: Int = 0) -> Double {
    version == .one
      ? Double(reader.float(at: field.place(index, version, size: 4)))
      : Double(bitPattern: UInt64(bitPattern: reader.integer(Int64.self, at: field.place(index, version, size: 8))))
  }

  mutating func set(_ number: Double, _ field: NIfTIHeader.Field, _ index: Int) {
    if version == .one {
      put(Float(number).bitPattern, at: field.place(index, version, size: 4))
    } else {
      put(number.bitPattern, at: field.place(index, version, size: 8))
    }
  }

  /// The number of dimensions, then their extents: of 16 bits in the first version, of 64 in the second.
  func extent(_ index: Int) -> Int {
    version == .one
      ? Int(reader.integer(Int16.self, at: NIfTIHeader.Field.extents.place(index, version, size: 2)))
      : Int(reader.integer(Int64.self, at: NIfTIHeader.Field.extents.place(index, version, size: 8)))
  }

  /// - Precondition: it fits into the version's bits.
  mutating func set(extent: Int, _ index: Int) {
    if version == .one {
      put(Int16(extent), at: NIfTIHeader.Field.extents.place(index, version, size: 2))
    } else {
      put(Int64(extent), at: NIfTIHeader.Field.extents.place(index, version, size: 8))
    }
  }

  /// A number of 16 bits in both versions.
  func code(_ field: NIfTIHeader.Field) -> Int { Int(reader.integer(Int16.self, at: field.place(0, version, size: 2))) }

  mutating func set(code: Int16, _ field: NIfTIHeader.Field) { put(code, at: field.place(0, version, size: 2)) }

  /// Where the numbers begin: a floating-point number in the first version, an integer in the second.
  var dataStart: Double {
    version == .one
      ? number(.dataStart)
      : Double(reader.integer(Int64.self, at: NIfTIHeader.Field.dataStart.place(0, version, size: 8)))
  }

  mutating func setDataStart() {
    if version == .one {
      set(Double(version.dataStart), .dataStart, 0)
    } else {
      put(Int64(version.dataStart), at: NIfTIHeader.Field.dataStart.place(0, version, size: 8))
    }
  }

  private mutating func put<Number: FixedWidthInteger>(_ number: Number, at place: Int) {
    let stored = withUnsafeBytes(of: isBigEndian ? number.bigEndian : number.littleEndian) { Array($0) }
    bytes.replaceSubrange(place..<place + stored.count, with: stored)
  }

  func stored(_ values: [Float]) -> [UInt8] {
    guard isBigEndian else { return values.withUnsafeBytes { Array($0) } }
    return values.map(\.bitPattern.bigEndian).withUnsafeBytes { Array($0) }
  }
}

/// The first bytes of gzip data, as many as there are up to a limit.
///
/// Throws `badData` if they are damaged.
private func unzipped(_ bytes: [UInt8], upTo limit: Int) throws -> [UInt8] {
  // Data cannot grow to more than about a thousand times their size.
  try [UInt8](unsafeUninitializedCapacity: min(limit, 1100 * bytes.count + 64)) { result, count in
    guard gradcam_gunzip(bytes, bytes.count, result.baseAddress, result.count, &count) == 0 else {
      throw GradCAMError(.badData, problem: "its compressed data are damaged", advice: "save or fetch the file again")
    }
  }
}

/// Throws `unwritable` if memory is missing.
private func zipped(_ bytes: [UInt8]) throws -> [UInt8] {
  var made: UnsafeMutablePointer<UInt8>?, count = 0
  guard gradcam_gzip(bytes, bytes.count, &made, &count) == 0 else {
    throw GradCAMError(.unwritable, problem: "the map cannot be compressed", advice: "save it as .nii")
  }
  defer { free(made) }
  return [UInt8](UnsafeBufferPointer(start: made, count: count))
}
