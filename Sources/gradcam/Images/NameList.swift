import GradCAM
import Graph

/// A list of names, one a line, that is read as far as it is needed: a file, or standard input.
///
/// If there is a zero byte in the first lines, names end with zero bytes instead, as `find -print0` writes them.
final class NameList {
  /// What messages call it.
  let name: String
  private let file: Int32
  private var buffer: [UInt8] = []
  /// Where the next name begins in `buffer`.
  private var start = 0
  private var isAtEnd = false
  private var separator: UInt8?
  private var lineNumber = 0

  /// The path that stands for standard input.
  static let standardInput = "-"
  /// Names have fewer bytes than this, as the system's paths.
  private static let longestName = 1 << 12

  /// Throws `unreadable` if it cannot be opened.
  init(_ path: String) throws {
    let isInput = path == Self.standardInput
    name = isInput ? "standard input" : path
    file = isInput ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw failure("cannot be opened (\(systemMessage(errno)))") }
  }

  deinit { if file >= 0 { close(file) } }

  /// The next name, empty lines left out; nil at the end.
  ///
  /// Throws `unreadable` if the list cannot be read, and `badData` for a line that is no name.
  func next() throws -> String? {
    while let line = try line() {
      lineNumber += 1
      var bytes = line
      if separator == UInt8(ascii: "\n"), bytes.last == UInt8(ascii: "\r") { bytes = bytes.dropLast() }
      if bytes.isEmpty { continue }
      guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
        throw GradCAMError(
          .badData, at: name, problem: "line \(lineNumber) is not text in UTF-8", advice: "give one path a line")
      }
      return text
    }
    return nil
  }

  /// The bytes up to the next separator, or to the end.
  private func line() throws -> ArraySlice<UInt8>? {
    var searched = start
    while true {
      if separator == nil, buffer.contains(where: { $0 == 0 || $0 == UInt8(ascii: "\n") }) || isAtEnd {
        separator = buffer.contains(0) ? 0 : UInt8(ascii: "\n")
      }
      if let separator, let end = buffer[searched...].firstIndex(of: separator) {
        defer { start = end + 1 }
        return buffer[start..<end]
      }
      searched = buffer.count
      if isAtEnd {
        defer { start = buffer.count }
        return start < buffer.count ? buffer[start...] : nil
      }
      guard buffer.count - start < Self.longestName else {
        throw GradCAMError(
          .badData, at: name, problem: "line \(lineNumber + 1) has more than \(Self.longestName) bytes",
          advice: "give one path a line")
      }
      searched -= start
      try refill()
    }
  }

  /// Reads more, with what was taken removed.
  private func refill() throws {
    buffer.removeFirst(start)
    start = 0
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    let count = piece.withUnsafeMutableBytes { read(file, $0.baseAddress, $0.count) }
    if count < 0 && errno == EINTR { return }
    guard count >= 0 else { throw failure("cannot be read (\(systemMessage(errno)))") }
    isAtEnd = count == 0
    buffer += piece[..<count]
  }

  private func failure(_ problem: String) -> GradCAMError {
    GradCAMError(.unreadable, at: name, problem: problem, advice: "give a file with one path a line, or -")
  }
}
