import GradCAM
import Graph

/// A file that grows by whole lines, of one run at a time, and has its name once it is complete.
///
/// Until then it has that name with `.part` after it. It goes where `OutputFiles` sends it.
final class LineLog {
  private let path: String
  /// The path of the complete file, and of the one that grows; nil if it goes nowhere.
  private let place: (whole: String, part: String)?
  private let file: Int32
  /// Whether it has the name of a complete file.
  private(set) var isWhole: Bool
  /// Whether this run created it.
  private let isNew: Bool

  /// Opens a file for reading and appending, and locks it.
  ///
  /// - Parameter continues: whether the file, complete or not, may exist already.
  ///
  /// Throws `unwritable` if it cannot be opened or another run has locked it, `usage` if it exists and must not.
  init(_ path: String, continues: Bool) throws {
    self.path = path
    let place = try OutputFiles.place(of: path).map { (whole: $0, part: $0 + ".part") }
    self.place = place
    let hasPart = place.map { access($0.part, F_OK) == 0 } ?? false
    let isWhole = place.map { !hasPart && access($0.whole, F_OK) == 0 } ?? false, isNew = !hasPart && !isWhole
    (self.isWhole, self.isNew) = (isWhole, isNew)
    guard continues || isNew else {
      throw GradCAMError(
        .usage, at: isWhole ? path : "\(path).part",
        problem: isWhole ? "already exists" : "is that of an unfinished run",
        advice: "give --resume to continue it, or another name")
    }
    if hasPart, let place, access(place.whole, F_OK) == 0 {
      throw GradCAMError(
        .usage, at: path, problem: "exists, and so does \(path).part", advice: "remove one of the two")
    }
    let flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NONBLOCK | (isNew ? O_CREAT | O_EXCL : 0)
    file = place.map { open(isWhole ? $0.whole : $0.part, flags, 0o666) } ?? open_in_memory()
    guard file >= 0 else { throw failure(errno) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw GradCAMError(.unwritable, at: path, problem: "is not a regular file", advice: "give the name of a file")
    }
    // Some network file systems have no locks.
    guard flock(file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
      throw GradCAMError(
        .unwritable, at: path, problem: "is being written by another run",
        advice: "wait until it ends, or give another name")
    }
    // Another run may have completed it meanwhile.
    var named = stat()
    if let place, stat(isWhole ? place.whole : place.part, &named) != 0 || named.st_ino != status.st_ino {
      throw GradCAMError(
        .unwritable, at: path, problem: "was just completed by another run", advice: "give --resume to continue it")
    }
  }

  deinit {
    guard file >= 0 else { return }
    var status = stat()
    if isNew, !isWhole, let place, fstat(file, &status) == 0, status.st_size == 0 { unlink(place.part) }
    close(file)
  }

  /// Gives the file its name, after its contents are on the disk.
  ///
  /// Throws `unwritable` if that fails.
  func complete() throws {
    if let place, !isWhole {
      guard fsync(file) == 0 || errno == EINVAL, rename(place.part, place.whole) == 0 else { throw failure(errno) }
      syncFolder(of: place.whole)
      isWhole = true
    }
    guard OutputFiles.isRecording, let digest = FileDigest.ofDescriptor(file) else { return }
    OutputFiles.note(path, digest)
  }

  /// Takes the name of a complete file away, before the file changes.
  private func reopen() throws {
    guard let place, isWhole else { return }
    guard rename(place.whole, place.part) == 0 else { throw failure(errno) }
    isWhole = false
  }

  /// Appends text in a single write, or nothing.
  ///
  /// Throws `unwritable` if it cannot be written.
  func append(_ text: some Collection<UInt8>) throws {
    guard !text.isEmpty else { return }
    try reopen()
    let end = lseek(file, 0, SEEK_END)
    let code = writeAll(Array(text), to: file)
    guard code == 0 else {
      if end >= 0 { ftruncate(file, end) }
      throw failure(code)
    }
  }

  /// Truncates the file at a byte offset.
  ///
  /// Throws `unwritable` if that fails.
  func truncate(to position: Int) throws {
    try reopen()
    guard ftruncate(file, position) == 0 else { throw failure(errno) }
  }

  /// Reads the lines from a byte offset on.
  ///
  /// Throws `unwritable` if the file cannot be read, and `usage` if a line is too long.
  func forEachLine(from offset: Int = 0, _ body: (FileLine) throws -> Void) throws {
    let code = try FileLine.forEach(in: file, from: offset, body) {
      GradCAMError(
        .usage, at: path, problem: "has a line of more than \(FileLine.longest >> 20) MB, which no run wrote",
        advice: "give another name")
    }
    guard code == 0 else { throw failure(code) }
  }

  private func failure(_ code: Int32) -> GradCAMError {
    GradCAMError(
      .unwritable, at: path, problem: "cannot be written (\(String(cString: strerror(code))))",
      advice: "check its folder's permissions and space")
  }
}
