import CDigest
import Graph

/// SHA-256, by which a reader can tell whether a file is the same.
///
/// Source: FIPS 180-4.
package struct FileDigest {
  private var state: [UInt32] = [
    0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB, 0x5BE0_CD19,
  ]
  /// What is not yet a whole block of 64 bytes.
  private var rest: [UInt8] = []
  /// How many bytes were added.
  package private(set) var byteCount = 0

  package init() {}

  /// The digest of bytes.
  package static func of(_ bytes: [UInt8]) -> FileDigest {
    var digest = FileDigest()
    digest.add(bytes)
    return digest
  }

  /// The size and the digest of a regular file; nil if it is none or cannot be read.
  package static func ofFile(_ path: String) -> FileDigest? {
    // O_NONBLOCK: opening a pipe that nobody writes to would block forever.
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { return nil }
    defer { close(file) }
    return ofDescriptor(file)
  }

  /// The same of an open file, from its first byte to where it ends now.
  package static func ofDescriptor(_ file: Int32) -> FileDigest? {
    // Some files of the system are regular, of size 0 and endless.
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    let size = Int(status.st_size)
    var digest = FileDigest(), piece = [UInt8](repeating: 0, count: 1 << 18)
    while digest.byteCount < size {
      let wanted = min(piece.count, size - digest.byteCount)
      let count = piece.withUnsafeMutableBytes { pread(file, $0.baseAddress, wanted, digest.byteCount) }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { break }
      digest.add(piece[..<count])
    }
    return digest
  }

  /// Adds bytes after those that were added before.
  package mutating func add(_ bytes: some Collection<UInt8>) {
    byteCount += bytes.count
    guard rest.count + bytes.count >= 64 else { return rest += bytes }
    // A block that was begun is completed first.
    let missing = rest.isEmpty ? 0 : 64 - rest.count
    if missing > 0 { addBlocks(rest + bytes.prefix(missing)) }
    let others = Array(bytes.dropFirst(missing))
    addBlocks(others)
    rest = Array(others.suffix(others.count % 64))
  }

  /// The digest as eight words.
  private var words: [UInt32] {
    var digest = self, end: [UInt8] = rest + [0x80]
    while end.count % 64 != 56 { end.append(0) }
    end += (0..<8).map { UInt8(truncatingIfNeeded: (byteCount * 8) >> (56 - 8 * $0)) }
    digest.addBlocks(end)
    return digest.state
  }

  /// The first 8 bytes of the digest as a big-endian number.
  package var leadingNumber: UInt64 {
    let words = words
    return UInt64(words[0]) << 32 | UInt64(words[1])
  }

  /// The digest in hexadecimal.
  package var hexadecimal: String {
    words.map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 8 - digits.count) + digits
    }.joined()
  }

  /// Adds the whole blocks of some bytes.
  private mutating func addBlocks(_ bytes: [UInt8]) { sha256_add(&state, bytes, bytes.count / 64) }
}
