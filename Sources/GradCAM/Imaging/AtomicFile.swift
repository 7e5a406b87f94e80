import Graph
import Synchronization

/// Writes a file that appears whole or not at all.
///
/// An existing file is replaced, and its permissions are kept; a folder, device or pipe is not. Where the path is a link,
/// the file that it leads to is written.
///
/// - Throws: `GradCAMError` of kind `.unwritable`; nothing is left of the new file.
public func writeAtomically(_ bytes: [UInt8], to path: String) throws {
  let file = try AtomicFile(path)
  try file.append(bytes)
  try file.finish()
}

/// A file that is written piece by piece, and appears whole when it is finished or not at all.
///
/// Until then it has no name, where the file system can keep such files, so that nothing is left of it even if the
/// program is killed. Elsewhere it has a temporary one in the same folder.
///
/// It goes where `OutputFiles` sends it.
package final class AtomicFile {
  /// The path at which it appears.
  let path: String
  /// The path that it was named.
  private let name: String
  /// The digest of what it holds; nil if nobody asks for it.
  private var digest = OutputFiles.isRecording ? FileDigest() : nil
  /// The path with links followed.
  private let target: String
  /// The target's folder.
  private let folder: String
  /// The temporary name; nil if it has none.
  private var temporary: String?
  /// Negative once it is closed, or if it goes nowhere.
  private var file: Int32 = -1

  /// Creates a file without a name, or with a temporary one.
  ///
  /// - Throws: `GradCAMError` of kind `.unwritable`, also for a path of a folder, device or pipe.
  package init(_ name: String) throws {
    self.name = name
    guard let path = try OutputFiles.place(of: name) else {
      (self.path, target, folder) = (name, name, "")
      return
    }
    func failure(_ problem: String, advice: String) -> GradCAMError {
      GradCAMError(.unwritable, at: path, problem: problem, advice: advice)
    }
    guard let target = followingLinks(path) else {
      throw failure("is a link that leads nowhere", advice: "remove it, or give another name")
    }
    var status = stat()
    let replaces = stat(target, &status) == 0
    if replaces {
      switch status.st_mode & S_IFMT {
      case S_IFREG: break
      case S_IFDIR: throw failure("is a folder", advice: "give the name of a file in it")
      default: throw failure("is not a regular file", advice: "give the name of a file")
      }
    }
    (self.path, self.target) = (path, target)
    folder = enclosingFolder(of: target)
    file = open_nameless(folder)
    // Its name will be given through /proc.
    if file >= 0, access("/proc/self/fd/\(file)", F_OK) != 0 {
      close(file)
      file = -1
    }
    if file < 0 {
      switch UnfinishedFiles.create(in: folder) {
      case .success(let created): (file, temporary) = (created.file, created.path)
      case .failure(let error):
        throw failure("cannot be written (\(error))", advice: "check that its folder exists and is writable")
      }
    }
    if replaces {
      // Only the superuser can keep another one's file.
      fchown(file, status.st_uid, status.st_gid)
      fchmod(file, status.st_mode & 0o777)
    }
  }

  deinit { discard() }

  /// Appends bytes.
  ///
  /// - Throws: `GradCAMError` of kind `.unwritable`; nothing is left of the file.
  package func append(_ bytes: [UInt8]) throws {
    digest?.add(bytes)
    if file >= 0 { try check(writeAll(bytes, to: file)) }
  }

  /// Puts the file into its place.
  ///
  /// - Throws: `GradCAMError` of kind `.unwritable`; nothing is left of the file.
  package func finish() throws {
    if file >= 0 { try putIntoPlace() }
    if let digest { OutputFiles.note(name, digest) }
  }

  private func putIntoPlace() throws {
    if OutputFiles.areDurable { try check(fsync(file) == 0 || errno == EINVAL ? 0 : errno) }
    // Closing any descriptor of a file reports the errors of writes that were delayed.
    try check(close(dup(file)) == 0 ? 0 : errno)
    if temporary == nil {
      let code = give_name(file, target)
      guard code != 0 else { return discard() }
      // A name that is taken can only be replaced by another name.
      guard code == EEXIST else { return try check(code) }
      switch UnfinishedFiles.name(in: folder, { give_name(file, $0) }) {
      case .success(let name): temporary = name
      case .failure(let error): try check(error.code)
      }
    }
    if let temporary {
      try check(rename(temporary, target) == 0 ? 0 : errno)
      UnfinishedFiles.forget(temporary)
    }
    discard()
  }

  private func check(_ code: Int32) throws {
    guard code != 0 else { return }
    discard()
    throw GradCAMError(
      .unwritable, at: path, problem: "cannot be written (\(systemMessage(code)))",
      advice: "check the space and permissions of its folder")
  }

  /// Closes the file, and removes the temporary name if it still has it.
  private func discard() {
    if file >= 0 { close(file) }
    file = -1
    if let temporary, UnfinishedFiles.forget(temporary) { unlink(temporary) }
  }
}

/// Puts the names in the folder of a file on the disk, where the file system can.
package func syncFolder(of path: String) {
  let folder = open(enclosingFolder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  guard folder >= 0 else { return }
  fsync(folder)
  close(folder)
}

/// The path that a path leads to; nil if its links lead in a circle.
package func followingLinks(_ path: String) -> String? {
  var path = path
  for _ in 0..<40 {
    var target = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(path, &target, target.count)
    guard count >= 0 else { return path }
    let bytes = target[..<count].map { UInt8(bitPattern: $0) }
    guard let next = String(validating: bytes, as: UTF8.self) else { return nil }
    path = next.hasPrefix("/") ? next : enclosingFolder(of: path) + "/" + next
  }
  return nil
}

/// The temporary names of files being written, for a program that is terminated meanwhile.
public enum UnfinishedFiles {
  private static let paths = Mutex<Set<String>>([])

  /// Removes them all, then ends the program with an exit code; no new one is created meanwhile.
  public static func exitWithoutThem(_ code: Int32) -> Never {
    paths.withLock { paths in
      for path in paths { unlink(path) }
      _exit(code)
    }
  }

  /// A new file in a folder, with its descriptor.
  fileprivate static func create(in folder: String) -> Result<(file: Int32, path: String), SystemError> {
    var file: Int32 = -1
    return name(in: folder) { path in
      file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      return file >= 0 ? 0 : errno
    }.map { (file, $0) }
  }

  /// A name in a folder that nothing had.
  ///
  /// - Parameter take: takes a name: 0, or the system's error code, EEXIST if something has it.
  fileprivate static func name(in folder: String, _ take: (String) -> Int32) -> Result<String, SystemError> {
    paths.withLock { paths in
      while true {
        let path = "\(folder)/.gradcam-\(String(UInt64.random(in: 0 ... .max), radix: 36)).tmp"
        let code = take(path)
        if code == EEXIST { continue }
        guard code == 0 else { return .failure(SystemError(code: code)) }
        paths.insert(path)
        return .success(path)
      }
    }
  }

  /// Whether it was still known.
  @discardableResult
  fileprivate static func forget(_ path: String) -> Bool { paths.withLock { $0.remove(path) != nil } }
}

/// An error code of the system.
private struct SystemError: Error, CustomStringConvertible {
  let code: Int32

  var description: String { systemMessage(code) }
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
