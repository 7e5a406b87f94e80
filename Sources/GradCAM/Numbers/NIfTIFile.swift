import CGzip
import Graph

extension NumberFile {
  /// Decodes the volume of a NIfTI-1 file: channels × depth × height × width, scaled as its header says.
  ///
  /// A fourth or fifth dimension is that of the channels. Source: Cox et al., nifti1.h.
  ///
  /// - Parameters:
  ///   - isCompressed: whether the bytes are gzip data.
  ///   - axes: what x, y and z are.
  ///
  /// Throws `badData` if it is damaged, `unsupported` if its numbers are of another type.
  init(nifti bytes: [UInt8], isCompressed: Bool, axes: VolumeAxes) throws {
    let header = try NIfTIHeader(try isCompressed ? unzipped(bytes, upTo: NIfTIHeader.byteCount) : bytes, axes: axes)
    let type = try header.type, count = header.volume.count * header.channels, start = header.dataStart
    let end = start + count * type.size
    try MemoryLimit.check(end + 8 * count)
    let contents = isCompressed ? try unzipped(bytes, upTo: end) : bytes
    guard contents.count >= end else {
      throw NIfTIHeader.damaged("it ends before its \(count) numbers do")
    }
    let stored = ByteReader(contents, isBigEndian: header.isBigEndian).floats(type, count: count, from: start)
    let scaled = header.scaled(stored)
    var source = NumberSource()
    source.space = header
    self.init(
      shape: [header.channels] + header.size.extents, values: header.inOrder(scaled), order: .volume, source: source)
  }
}

/// The header of a NIfTI-1 file: where its volume lies in space, kept for maps that are written in the same place.
public struct NIfTIHeader: Sendable {
  fileprivate static let byteCount = 348

  private var bytes: [UInt8]
  fileprivate let isBigEndian: Bool
  private let axes: NumberFile.VolumeAxes
  /// The extents along x, y and z.
  fileprivate let volume: (x: Int, y: Int, z: Int, count: Int)
  /// The product of further extents.
  fileprivate let channels: Int

  fileprivate static func damaged(_ reason: String) -> GradCAMError {
    GradCAMError(.badData, problem: "not a valid NIfTI-1 file: \(reason)", advice: "save the volume again as NIfTI-1")
  }

  fileprivate init(_ contents: [UInt8], axes: NumberFile.VolumeAxes) throws {
    guard contents.count >= Self.byteCount else { throw Self.damaged("its header is cut off") }
    bytes = Array(contents[..<Self.byteCount])
    self.axes = axes
    let little = ByteReader(bytes, isBigEndian: false).integer(Int32.self, at: 0)
    let big = ByteReader(bytes, isBigEndian: true).integer(Int32.self, at: 0)
    guard little == 348 || big == 348 else {
      if little == 540 || big == 540 {
        throw GradCAMError(.unsupported, problem: "is a NIfTI-2 file", advice: "save the volume as NIfTI-1")
      }
      throw Self.damaged("its header does not begin with 348")
    }
    isBigEndian = big == 348
    guard bytes[344..<348].elementsEqual(Array("n+1\0".utf8)) else {
      throw GradCAMError(
        .unsupported, problem: "holds no volume beside its header, or is an Analyze file",
        advice: "save the volume as one .nii file")
    }
    let reader = ByteReader(bytes, isBigEndian: isBigEndian), rank = Int(reader.integer(Int16.self, at: 40))
    guard (1...7).contains(rank) else { throw Self.damaged("it has \(rank) dimensions") }
    let extents = (1...7).map { $0 <= rank ? Int(reader.integer(Int16.self, at: 40 + 2 * $0)) : 1 }
    guard extents.allSatisfy({ $0 > 0 }) else { throw Self.damaged("an extent is not above 0") }
    let shape = try Shape(checked: extents)
    channels = shape.count(3..<7)
    volume = (extents[0], extents[1], extents[2], shape.count / channels)
  }

  private var reader: ByteReader { ByteReader(bytes, isBigEndian: isBigEndian) }

  /// Throws `unsupported` for complex numbers, colours and 128-bit numbers.
  fileprivate var type: NumberType {
    get throws {
      let code = reader.integer(Int16.self, at: 70)
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
    let offset = reader.float(at: 108)
    return offset.isFinite && offset >= 352 && offset < 0x1p30 ? Int(offset) : 352
  }

  /// The numbers as the header says that they are meant.
  fileprivate func scaled(_ values: [Float]) -> [Float] {
    let slope = reader.float(at: 112), shift = reader.float(at: 116)
    guard slope.isFinite, slope != 0, shift.isFinite, slope != 1 || shift != 0 else { return values }
    return values.map { Float(Double($0) * Double(slope) + Double(shift)) }
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
  /// A map as the bytes of a NIfTI-1 file of float32 that lies where the volume does: a map of another resolution has
  /// larger voxels.
  ///
  /// Throws `unsupported` if it is no volume's, `unwritable` if it cannot be compressed.
  func encoded(_ map: HeatMap, isCompressed: Bool) throws -> [UInt8] {
    guard map.size.rank == 3, map.size.extents.allSatisfy({ $0 <= Int(Int16.max) }) else {
      throw GradCAMError(
        .unsupported, problem: "a map of \(map.size.text) positions is no volume", advice: "save it as .npy")
    }
    var header = NIfTIWriter(bytes, isBigEndian: isBigEndian)
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
    header.set([3] + counts.map(Int16.init) + [1, 1, 1, 1], at: 40)
    header.set([16, 32], at: 70)
    for axis in 0..<3 { header.set(Float(Double(reader.float(at: 80 + 4 * axis)) * steps[axis]), at: 80 + 4 * axis) }
    header.set(Float(352), at: 108)
    for place in [112, 116, 124, 128] { header.set(Float(0), at: place) }
    for (row, numbers) in affine.enumerated() {
      let place = 280 + 16 * row, shift = (0..<3).reduce(numbers[3]) { $0 + numbers[$1] * origin[$1] }
      for axis in 0..<3 { header.set(Float(numbers[axis] * steps[axis]), at: place + 4 * axis) }
      header.set(Float(shift), at: place + 12)
      let rotated = (0..<3).reduce(Double(reader.float(at: 268 + 4 * row))) { $0 + rotation[row][$1] * origin[$1] }
      header.set(Float(rotated), at: 268 + 4 * row)
    }
    let values = isReversed ? map.values : Self.reversed(map.values, from: map.size.extents)
    let file = header.bytes + [0, 0, 0, 0] + header.stored(values)
    return isCompressed ? try zipped(file) : file
  }

  /// The first three rows of the matrix from indices to places.
  var affine: [[Double]] {
    (0..<3).map { row in (0..<4).map { Double(reader.float(at: 280 + 16 * row + 4 * $0)) } }
  }

  /// The directions of x, y and z by the quaternion, each of a voxel's length.
  private var rotation: [[Double]] {
    let (b, c, d) = (Double(reader.float(at: 256)), Double(reader.float(at: 260)), Double(reader.float(at: 264)))
    let a = max(0, 1 - b * b - c * c - d * d).squareRoot()
    let rows = [
      [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
      [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
      [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
    ]
    let handedness: Float = reader.float(at: 76) < 0 ? -1 : 1
    let lengths = (0..<3).map { Double(reader.float(at: 80 + 4 * $0) * ($0 == 2 ? handedness : 1)) }
    return rows.map { row in zip(row, lengths).map { $0 * $1 } }
  }
}

/// A header that is being changed, in its own order of bytes.
private struct NIfTIWriter {
  var bytes: [UInt8]
  let isBigEndian: Bool

  init(_ bytes: [UInt8], isBigEndian: Bool) { (self.bytes, self.isBigEndian) = (bytes, isBigEndian) }

  private func ordered<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    withUnsafeBytes(of: isBigEndian ? number.bigEndian : number.littleEndian) { Array($0) }
  }

  mutating func set(_ numbers: [Int16], at place: Int) {
    let stored = numbers.flatMap(ordered)
    bytes.replaceSubrange(place..<place + stored.count, with: stored)
  }

  mutating func set(_ number: Float, at place: Int) {
    bytes.replaceSubrange(place..<place + 4, with: ordered(number.bitPattern))
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
