import CProtection
import Graph

/// A file's contents as memory that the system reads in on demand; unmapped when the last reference is released.
///
/// If another program cuts the file short while it is mapped, reading beyond its new end is a fault (SIGBUS), which a
/// program may turn into an error with `report_faults`.
final class MappedFile: MemoryOwner, @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer

  init(path: String) throws {
    // O_NONBLOCK: opening a pipe must not wait for a writer.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw MappedFile.systemError("cannot be opened") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw MappedFile.systemError("cannot be read") }
    guard status.st_mode & S_IFMT == S_IFREG else {
      let kind = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "not a regular file"
      throw GradCAMError(.unreadable, problem: "is \(kind)", advice: "give the path of a file")
    }
    let count = Int(status.st_size)
    guard count > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let base = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
      throw MappedFile.systemError("cannot be mapped into memory")
    }
    bytes = UnsafeRawBufferPointer(start: base, count: count)
    note_mapping(base, count, path)
  }

  deinit {
    guard let base = bytes.baseAddress else { return }
    forget_mapping(base)
    munmap(UnsafeMutableRawPointer(mutating: base), bytes.count)
  }

  /// Gives whole pages back to the system, which reads them in again when they are needed.
  func rest(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    let page = UInt(sysconf(Int32(_SC_PAGESIZE))), start = UInt(bitPattern: base)
    let first = (start + page - 1) / page * page, last = (start + UInt(bytes.count)) / page * page
    guard last > first else { return }
    madvise(UnsafeMutableRawPointer(bitPattern: first), Int(last - first), MADV_DONTNEED)
  }

  private static func systemError(_ problem: String) -> GradCAMError {
    GradCAMError(.unreadable, problem: "\(problem): \(String(cString: strerror(errno)))")
  }
}
