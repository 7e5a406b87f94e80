import Graph

/// The text of a file in UTF-8, without a byte order mark.
///
/// Throws what reading its bytes throws, and `badData` with an advice if it is no such text.
func textOfFile(at path: String, advice: String) throws -> String {
  var bytes = try contentsOfFile(at: path)[...]
  if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
  guard let text = String(validating: bytes, as: UTF8.self) else {
    throw GradCAMError(.badData, at: path, problem: "is not text in UTF-8", advice: "\(advice)")
  }
  return text
}

/// The bytes of a regular file of at most 2 GiB, or the first of them.
///
/// - Throws: `GradCAMError` of kind `.unreadable`.
package func contentsOfFile(at path: String, upTo limit: Int = .max) throws -> [UInt8] {
  func failure(_ problem: String, advice: String? = nil) -> GradCAMError {
    GradCAMError(.unreadable, at: path, problem: problem, advice: advice)
  }
  // O_NONBLOCK: opening a pipe that nobody writes to would block forever.
  let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard file >= 0 else {
    throw failure("cannot be opened (\(systemMessage(errno)))", advice: "check the path and its permissions")
  }
  defer { close(file) }
  var status = stat()
  guard fstat(file, &status) == 0 else { throw failure("cannot be read (\(systemMessage(errno)))") }
  switch status.st_mode & S_IFMT {
  case S_IFREG: break
  case S_IFDIR: throw failure("is a folder", advice: "name a file in it")
  default: throw failure("is not a regular file", advice: "copy it to a file first")
  }
  guard status.st_size <= 1 << 31 else { throw failure("is larger than 2 GiB", advice: "give a smaller file") }

  let count = min(Int(status.st_size), limit)
  return try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
    while filled < count {
      let got = read(file, buffer.baseAddress.map { $0 + filled }, count - filled)
      if got < 0 && errno == EINTR { continue }
      guard got >= 0 else { throw failure("cannot be read (\(systemMessage(errno)))") }
      if got == 0 { break }
      filled += got
    }
  }
}

package func systemMessage(_ code: Int32) -> String { String(cString: strerror(code)) }
