import GradCAM
import Graph

/// The user's web browser.
enum WebBrowser {
  /// Opens an address; false if the system has no program for it.
  static func open(_ address: String) -> Bool {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] {
      posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
    }
    var words = ([program, address] as [String]).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var process = pid_t()
    return posix_spawnp(&process, program, &actions, nil, &words, environ) == 0
  }

  #if os(Linux)
    private static let program = "xdg-open"
  #else
    private static let program = "open"
  #endif
}

/// A file that leads to an address that must not stand in a list of arguments, which all users of a machine can read.
final class AddressFile: Sendable {
  /// The folder that holds nothing else.
  let folder: String
  var path: String { "\(folder)/open.html" }

  /// Nil if it cannot be written.
  init?(_ address: String) {
    let place = getenv("XDG_RUNTIME_DIR").map { String(cString: $0) } ?? "/tmp"
    var name = Array("\(place)/gradcam-XXXXXX".utf8CString)
    guard mkdtemp(&name) != nil else { return nil }
    folder = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let file = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { return nil }
    defer { close(file) }
    let text = "<!doctype html><meta http-equiv=\"refresh\" content=\"0;url=\(address)\">\n"
    guard writeAll(Array(text.utf8), to: file) == 0 else { return nil }
  }

  /// Removes file and folder; does nothing if they are gone.
  func remove() {
    unlink(path)
    rmdir(folder)
  }
}
