import Graph

/// Writes a NumPy `.npz` file: a ZIP archive of `.npy` files, stored without compression.
///
/// The file appears whole when it is finished, or not at all. Source of the format: PKWARE, APPNOTE.TXT 6.3.3.
public final class NPZWriter {
  private let file: AtomicFile
  private var directory: [UInt8] = []
  private var count = 0
  private var position = 0

  /// Throws `unwritable` if the file cannot be created.
  public init(_ path: String) throws { file = try AtomicFile(path) }

  /// Adds an array, which `numpy.load(path)[name]` returns.
  ///
  /// Throws `unwritable` if it cannot be written or the archive would exceed 4 GB or 65,535 arrays.
  public func add(_ array: NPYArray, named name: String) throws {
    let bytes = array.encoded, path = Array((name + ".npy").utf8)
    guard position + bytes.count + path.count + 64 < 0xFFFF_FFFF, count < 0xFFFF else {
      throw GradCAMError(
        .unwritable, at: file.path, problem: "would hold more than 4 GB or 65,535 arrays",
        advice: "name a folder, for a file for each array")
    }
    let checksum = CRC32.checksum(of: bytes)
    // Version 2.0, names in UTF-8, stored, no time of day, 1 January 1980.
    let common: [UInt8] =
      number(20, 2) + number(0x0800, 2) + number(0, 2) + number(0, 2) + number(0x0021, 2) + number(checksum, 4)
      + number(bytes.count, 4) + number(bytes.count, 4) + number(path.count, 2) + number(0, 2)
    let header = number(0x0403_4B50, 4) + common + path
    directory += number(0x0201_4B50, 4) + number(20, 2) + common + number(0, 2) + number(0, 2) + number(0, 2)
    directory += number(0, 4) + number(position, 4) + path
    try file.append(header)
    try file.append(bytes)
    position += header.count + bytes.count
    count += 1
  }

  /// Completes the file.
  ///
  /// Throws `unwritable` if that fails.
  public func finish() throws {
    let end = number(0x0605_4B50, 4) + number(0, 4) + number(count, 2) + number(count, 2)
    try file.append(directory + end + number(directory.count, 4) + number(position, 4) + number(0, 2))
    try file.finish()
  }

  /// The bytes of a number, the lowest first.
  private func number(_ value: Int, _ bytes: Int) -> [UInt8] {
    (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}

/// The checksum of ZIP archives, with the polynomial 0x04C11DB7, reflected.
enum CRC32 {
  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 0 ? value >> 1 : value >> 1 ^ 0xEDB8_8320 }
  }

  static func checksum(of bytes: [UInt8]) -> Int {
    let table = table
    var value: UInt32 = 0xFFFF_FFFF
    for byte in bytes { value = value >> 8 ^ table[Int((value ^ UInt32(byte)) & 0xFF)] }
    return Int(value ^ 0xFFFF_FFFF)
  }
}
