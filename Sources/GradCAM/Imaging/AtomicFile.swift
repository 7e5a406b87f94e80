import Graph
import Synchronization

private let temporaryFileCount = Atomic<Int>(0)

/// Writes a file through a temporary one in the same folder and a rename: it appears whole or not at all.
///
/// An existing file is replaced; a folder, device or pipe is not.
///
/// - Throws: `GradCAMError` of kind `.unwritable`; the temporary file is then gone.
public func writeAtomically(_ bytes: [UInt8], to path: String) throws {
  let file = try AtomicFile(path)
  try file.append(bytes)
  try file.finish()
}

/// A file that is written piece by piece, and appears whole when it is finished or not at all.
final class AtomicFile {
  /// The path at which it appears.
  let path: String
  private let temporary: String
  /// Negative once it is closed.
  private var file: Int32

  /// Creates a temporary file in the same folder.
  ///
  /// - Throws: `GradCAMError` of kind `.unwritable`, also for a path of a folder, device or pipe.
  init(_ path: String) throws {
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
    self.path = path
    temporary = "\(folder).gradcam-\(getpid())-\(number).tmp"
    file = UnfinishedFiles.create(temporary)
    guard file >= 0 else {
      throw failure(
        "cannot be written (\(systemMessage(errno)))", advice: "check that its folder exists and is writable")
    }
  }

  deinit { discard() }

  /// Appends bytes.
  ///
  /// - Throws: `GradCAMError` of kind `.unwritable`; the temporary file is then gone.
  func append(_ bytes: [UInt8]) throws { try check(writeAll(bytes, to: file)) }

  /// Puts the file into its place.
  ///
  /// - Throws: `GradCAMError` of kind `.unwritable`; the temporary file is then gone.
  func finish() throws {
    let closed = close(file) == 0 ? 0 : errno
    file = -1
    try check(closed)
    try check(rename(temporary, path) == 0 ? 0 : errno)
    UnfinishedFiles.forget(temporary)
  }

  private func check(_ code: Int32) throws {
    guard code != 0 else { return }
    discard()
    throw GradCAMError(
      .unwritable, at: path, problem: "cannot be written (\(systemMessage(code)))",
      advice: "check the space and permissions of its folder")
  }

  /// Removes the temporary file, if it is still there.
  private func discard() {
    if file >= 0 { close(file) }
    file = -1
    if UnfinishedFiles.forget(temporary) { unlink(temporary) }
  }
}

/// The temporary files of `writeAtomically`, for a program that is terminated while it writes.
public enum UnfinishedFiles {
  private static let paths = Mutex<Set<String>>([])

  /// Removes them all, then ends the program with an exit code; no new one is created meanwhile.
  public static func exitWithoutThem(_ code: Int32) -> Never {
    paths.withLock { paths in
      for path in paths { unlink(path) }
      _exit(code)
    }
  }

  /// The descriptor of a new file, negative if it cannot be created.
  fileprivate static func create(_ path: String) -> Int32 {
    paths.withLock { paths in
      let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if file >= 0 { paths.insert(path) }
      return file
    }
  }

  /// Whether it was still known.
  @discardableResult
  fileprivate static func forget(_ path: String) -> Bool { paths.withLock { $0.remove(path) != nil } }
}

/// Writes all bytes to a descriptor, in as many system calls as that takes.
///
/// - Returns: 0, or the system's error code.
package func writeAll(_ bytes: [UInt8], to file: Int32) -> Int32 {
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
