import GradCAM
import Graph

/// A file that grows by whole lines, of one run at a time.
///
/// It goes where `OutputFiles` sends it.
final class LineLog {
  private let path: String
  private let file: Int32

  /// A line has at most so many bytes.
  private static let longestLine = 1 << 26

  /// Opens a file for reading and appending, and locks it.
  ///
  /// - Parameter continues: whether the file may exist already.
  ///
  /// Throws `unwritable` if it cannot be opened or another run has locked it, `usage` if it exists and must not.
  init(_ path: String, continues: Bool) throws {
    self.path = path
    let flags = O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | (continues ? 0 : O_EXCL)
    file = try OutputFiles.place(of: path).map { open($0, flags, 0o666) } ?? open_in_memory()
    guard file >= 0 else {
      throw errno == EEXIST
        ? GradCAMError(
          .usage, at: path, problem: "already exists", advice: "give --resume to continue it, or another --output")
        : failure(errno)
    }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw GradCAMError(.unwritable, at: path, problem: "is not a regular file", advice: "give the name of a file")
    }
    // Some network file systems have no locks.
    guard flock(file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
      throw GradCAMError(
        .unwritable, at: path, problem: "is being written by another run",
        advice: "wait until it ends, or give another --output")
    }
  }

  deinit { if file >= 0 { close(file) } }

  /// Appends text in a single write, or nothing.
  ///
  /// Throws `unwritable` if it cannot be written.
  func append(_ text: some Collection<UInt8>) throws {
    let end = lseek(file, 0, SEEK_END)
    let code = writeAll(Array(text), to: file)
    guard code == 0 else {
      if end >= 0 { ftruncate(file, end) }
      throw failure(code)
    }
  }

  /// Tells `OutputFiles` what the file holds, if anybody asks.
  func note() {
    guard OutputFiles.isRecording, let digest = FileDigest.ofDescriptor(file) else { return }
    OutputFiles.note(path, digest)
  }

  /// Truncates the file at a byte offset.
  ///
  /// Throws `unwritable` if that fails.
  func truncate(to position: Int) throws { guard ftruncate(file, position) == 0 else { throw failure(errno) } }

  /// A piece of the file that ends with a line, or at the end of the file.
  struct Line {
    /// Without its line end.
    let bytes: ArraySlice<UInt8>
    /// The byte offset at which it begins.
    let start: Int
    /// Whether it has a line end.
    let isComplete: Bool
  }

  /// Reads the lines from a byte offset on, a piece of the file at a time.
  ///
  /// Throws `unwritable` if the file cannot be read, and `usage` if a line is too long.
  func forEachLine(from offset: Int = 0, _ body: (Line) throws -> Void) throws {
    var position = offset, start = offset, pending: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = piece.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, position) }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw failure(errno) }
      guard count > 0 else { break }
      position += count
      var from = 0
      while let end = Self.lineEnd(in: piece, from..<count) {
        pending += piece[from..<end]
        try body(Line(bytes: pending[...], start: start, isComplete: true))
        start += pending.count + 1
        pending = []
        from = end + 1
      }
      pending += piece[from..<count]
      guard pending.count <= Self.longestLine else {
        throw GradCAMError(
          .usage, at: path, problem: "has a line of more than \(Self.longestLine >> 20) MB, which no run wrote",
          advice: "give another --output")
      }
    }
    if !pending.isEmpty { try body(Line(bytes: pending[...], start: start, isComplete: false)) }
  }

  private static func lineEnd(in bytes: [UInt8], _ range: Range<Int>) -> Int? {
    bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return nil }
      return memchr(base + range.lowerBound, Int32(UInt8(ascii: "\n")), range.count).map { UnsafeRawPointer($0) - base }
    }
  }

  private func failure(_ code: Int32) -> GradCAMError {
    GradCAMError(
      .unwritable, at: path, problem: "cannot be written (\(String(cString: strerror(code))))",
      advice: "check its folder's permissions and space")
  }
}
