import Graph
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

private let temporaryFileCount = Atomic<Int>(0)

/// Writes a file by way of a temporary one in the same folder and a rename: it appears whole or not at all.
///
/// A file that is there is replaced; a folder, device or pipe is not.
///
/// - Throws: `GradCAMError` of kind `.unwritable`; the temporary file is then gone.
public func writeAtomically(_ bytes: [UInt8], to path: String) throws {
  func failure(_ problem: String, advice: String) -> GradCAMError {
    GradCAMError(.unwritable, at: path, problem: problem, advice: advice)
  }
  var status = stat()
  if stat(path, &status) == 0 {
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw failure("is a folder", advice: "give the name of a file in it")
    default: throw failure("is not a regular file", advice: "give the name of a file")
    }
  }

  let number = temporaryFileCount.wrappingAdd(1, ordering: .relaxed).newValue
  let folder = path[..<(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)]
  let temporary = "\(folder).gradcam-\(getpid())-\(number).tmp"
  let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
  guard file >= 0 else {
    throw failure("cannot be written (\(systemMessage(errno)))", advice: "check that its folder exists and is writable")
  }
  var code = writeAll(bytes, to: file)
  if close(file) != 0 && code == 0 { code = errno }
  if code == 0 && rename(temporary, path) != 0 { code = errno }
  guard code == 0 else {
    unlink(temporary)
    throw failure("cannot be written (\(systemMessage(code)))", advice: "check the space and permissions of its folder")
  }
}

/// 0, or the system's error code.
private func writeAll(_ bytes: [UInt8], to file: Int32) -> Int32 {
  bytes.withUnsafeBytes { buffer in
    var rest = buffer[...]
    while !rest.isEmpty {
      let written = write(file, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if written < 0 && errno == EINTR { continue }
      if written < 0 { return errno }
      rest = rest.dropFirst(written)
    }
    return 0
  }
}
