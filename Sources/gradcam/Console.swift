import GradCAM
import Graph

/// Standard output and standard error.
enum Console {
  /// Whether standard error is a terminal, where progress and colour make sense.
  static let isTerminal = isatty(STDERR_FILENO) == 1

  /// Writes a line to standard output.
  ///
  /// Throws `unwritable` if it is closed or its disk is full.
  static func print(_ text: String) throws {
    let code = write(text + "\n", to: STDOUT_FILENO)
    guard code == 0 else {
      throw GradCAMError(
        .unwritable, at: "standard output", problem: "cannot be written (\(String(cString: strerror(code))))",
        advice: "check where it goes")
    }
  }

  /// Writes a line to standard error.
  static func note(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

  /// Writes a plugin's log line to standard error.
  static func say(_ text: String) {
    clearProgress()
    note("gradcam: \(text)")
  }

  /// Writes a warning to standard error.
  static func warn(_ message: Message) {
    clearProgress()
    note("gradcam: warning: \(message.asOptions)")
  }

  /// Ends the program with an error's line and exit code.
  static func fail(_ error: GradCAMError) -> Never {
    clearProgress()
    note("gradcam: error: \(error.message.asOptions.split(separator: "\n").joined(separator: " "))")
    exit(error.kind.exitCode)
  }

  /// Draws a progress bar if standard error is a terminal.
  static func progress(_ done: Int, of total: Int, _ what: String) {
    guard isTerminal, total > 1 else { return }
    let width = 28, filled = width * done / total
    let bar = String(repeating: "█", count: filled) + String(repeating: "·", count: width - filled)
    drawProgress("\(bar) \(done)/\(total) \(what)")
  }

  /// Writes a line that the next one replaces.
  static func drawProgress(_ line: String) { write("\r\(line)\u{1B}[K", to: STDERR_FILENO) }

  static func clearProgress() { if isTerminal { write("\r\u{1B}[K", to: STDERR_FILENO) } }

  /// 0, or the system's error code.
  @discardableResult
  private static func write(_ text: String, to descriptor: Int32) -> Int32 {
    writeAll(Array(text.utf8), to: descriptor)
  }
}
