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
  let (file, byteCount) = try openedRegularFile(at: path)
  defer { close(file) }
  guard byteCount <= largestContents else {
    throw GradCAMError(.unreadable, at: path, problem: "is larger than 2 GiB", advice: "give a smaller file")
  }
  return try [UInt8](unsafeUninitializedCapacity: min(byteCount, limit)) { buffer, filled in
    filled = try readBytes(of: file, at: path, into: UnsafeMutableRawBufferPointer(buffer))
  }
}

/// The most bytes of one file that are read into memory: 2 GiB.
let largestContents = 1 << 31

/// Opens a regular file for reading, whatever its size; the caller closes it.
///
/// - Throws: `GradCAMError` of kind `.unreadable`.
func openedRegularFile(at path: String) throws -> (file: Int32, byteCount: Int) {
  // O_NONBLOCK: opening a pipe that nobody writes to would block forever.
  let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard file >= 0 else {
    throw GradCAMError(
      .unreadable, at: path, problem: "cannot be opened (\(systemMessage(errno)))",
      advice: "check the path and its permissions")
  }
  do {
    var status = stat()
    guard fstat(file, &status) == 0 else { throw unreadable(path) }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return (file, Int(status.st_size))
    case S_IFDIR: throw GradCAMError(.unreadable, at: path, problem: "is a folder", advice: "name a file in it")
    default:
      throw GradCAMError(
        .unreadable, at: path, problem: "is not a regular file", advice: "copy it to a file first")
    }
  } catch {
    close(file)
    throw error
  }
}

/// Fills a buffer with the next bytes of an open file; fewer only at its end.
///
/// - Throws: `GradCAMError` of kind `.unreadable`.
/// - Returns: the number of bytes.
func readBytes(of file: Int32, at path: String, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
  var filled = 0
  while filled < buffer.count {
    let got = read(file, buffer.baseAddress.map { $0 + filled }, buffer.count - filled)
    if got < 0 && errno == EINTR { continue }
    guard got >= 0 else { throw unreadable(path) }
    if got == 0 { break }
    filled += got
  }
  return filled
}

/// What the system's last error says of a file.
func unreadable(_ path: String) -> GradCAMError {
  GradCAMError(.unreadable, at: path, problem: "cannot be read (\(systemMessage(errno)))")
}

package func systemMessage(_ code: Int32) -> String { String(cString: strerror(code)) }
