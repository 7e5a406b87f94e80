import GradCAM
import Graph

/// A file that grows by whole lines.
final class LineLog {
  private let path: String
  private let file: Int32

  /// Opens a file for reading and appending.
  ///
  /// - Parameter continues: whether the file may exist already.
  ///
  /// Throws `unwritable` if it cannot be opened, `usage` if it exists and must not.
  init(_ path: String, continues: Bool) throws {
    self.path = path
    file = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | (continues ? 0 : O_EXCL), 0o666)
    guard file >= 0 else {
      throw errno == EEXIST
        ? GradCAMError(
          .usage, at: path, problem: "already exists", advice: "give --resume to continue it, or another --output")
        : failure(errno)
    }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(file)
      throw GradCAMError(.unwritable, at: path, problem: "is not a regular file", advice: "give the name of a file")
    }
  }

  deinit { close(file) }

  /// Appends lines in a single write.
  ///
  /// Throws `unwritable` if they cannot be written.
  func append(_ lines: [String]) throws {
    let code = writeAll(Array(lines.map { $0 + "\n" }.joined().utf8), to: file)
    guard code == 0 else { throw failure(code) }
  }

  /// Truncates the file at a byte offset.
  ///
  /// Throws `unwritable` if that fails.
  func truncate(to position: Int) throws { guard ftruncate(file, position) == 0 else { throw failure(errno) } }

  /// Reads the complete lines, a piece of the file at a time.
  ///
  /// - Parameter body: receives a line and the byte offset at which it begins.
  func forEachLine(_ body: (_ line: String, _ start: Int) throws -> Void) throws {
    var position = 0, start = 0, pending: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = piece.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, position) }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw failure(errno) }
      guard count > 0 else { return }
      position += count
      pending += piece[..<count]
      var rest = pending[...]
      while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
        try body(String(decoding: rest[..<end], as: UTF8.self), start)
        start += end + 1 - rest.startIndex
        rest = rest[(end + 1)...]
      }
      pending = Array(rest)
    }
  }

  private func failure(_ code: Int32) -> GradCAMError {
    GradCAMError(
      .unwritable, at: path, problem: "cannot be written (\(String(cString: strerror(code))))",
      advice: "check its folder's permissions and space")
  }
}
