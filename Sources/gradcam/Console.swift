import Graph

#if canImport(Glibc)
  import Glibc
#endif

/// Standard output and standard error.
enum Console {
  /// Whether standard error is a terminal, where progress and colour make sense.
  static let isTerminal = isatty(STDERR_FILENO) == 1

  /// Writes a line to standard error.
  static func note(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

  /// Writes a warning to standard error.
  static func warn(_ text: String) { note("gradcam: warning: \(text)") }

  /// Ends the program with an error's line and exit code.
  static func fail(_ error: GradCAMError) -> Never {
    clearProgress()
    note("gradcam: error: \(error.description.split(separator: "\n").joined(separator: " "))")
    exit(error.kind.exitCode)
  }

  /// Draws a progress bar on a terminal; elsewhere nothing.
  static func progress(_ done: Int, of total: Int, _ what: String) {
    guard isTerminal, total > 1 else { return }
    let width = 28, filled = width * done / total
    let bar = String(repeating: "█", count: filled) + String(repeating: "·", count: width - filled)
    write("\r\(bar) \(done)/\(total) \(what)\u{1B}[K", to: STDERR_FILENO)
  }

  /// Removes the progress bar.
  static func clearProgress() {
    if isTerminal { write("\r\u{1B}[K", to: STDERR_FILENO) }
  }

  private static func write(_ text: String, to descriptor: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }
}
