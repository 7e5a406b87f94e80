import ArgumentParser
import GradCAM
import Graph

/// What is written besides results.
struct ConsoleOptions: ParsableArguments {
  @Flag(help: "Print only errors, and JSON if it is asked for.") var quiet = false

  mutating func validate() throws { Console.isQuiet = quiet }
}

/// Standard output and standard error.
///
/// Lines may hold names of any origin: control characters are shown as their escapes.
enum Console {
  /// Whether standard error is a terminal, where progress and colour make sense.
  static let isTerminal = isatty(STDERR_FILENO) == 1

  /// Whether only errors and what is asked for by an option are written; set before any thread starts.
  nonisolated(unsafe) static var isQuiet = false

  /// Whether standard output receives nothing at all; set before any thread starts.
  nonisolated(unsafe) static var isMuted = false

  /// Whether progress is shown.
  static var showsProgress: Bool { isTerminal && !isQuiet }

  /// Writes a line to standard output, unless it is to be quiet.
  ///
  /// Throws `unwritable` if it is closed or its disk is full.
  static func print(_ line: String) throws { if !isQuiet { try output(line) } }

  /// Writes a table to standard output, unless it is to be quiet.
  ///
  /// Throws `unwritable` if it is closed or its disk is full.
  static func print(_ table: Table) throws { if !isQuiet { try output(text: table.lines.joined(separator: "\n")) } }

  /// Writes a line that was asked for to standard output.
  ///
  /// Throws `unwritable` if it is closed or its disk is full.
  static func output(_ line: String) throws { try output(text: line.visible) }

  /// Writes lines that hold no control characters to standard output.
  ///
  /// Throws `unwritable` if it is closed or its disk is full.
  static func output(text: String) throws { try output(bytes: Array((text + "\n").utf8)) }

  /// Writes a part of what a `TerminalScreen` made to standard output.
  ///
  /// Throws `unwritable` if it is closed or its disk is full.
  static func output(bytes: [UInt8]) throws {
    guard !isMuted else { return }
    let code = writeAll(bytes, to: STDOUT_FILENO)
    guard code == 0 else {
      throw GradCAMError(
        .unwritable, at: "standard output", problem: "cannot be written (\(String(cString: strerror(code))))",
        advice: "check where it goes")
    }
  }

  /// Writes a line to standard error.
  static func note(_ line: String) { write(line.visible + "\n", to: STDERR_FILENO) }

  /// Writes a line of this program to standard error, unless it is to be quiet.
  static func say(_ text: String) {
    guard !isQuiet else { return }
    clearProgress()
    note("gradcam: \(text)")
  }

  /// Writes a warning to standard error.
  static func warn(_ message: Message) { say("warning: \(message.asOptions)") }

  /// Writes a warning or a note to standard error.
  ///
  /// - Parameter subject: what it is about, if its text does not say so.
  static func tell(_ warning: Warning, about subject: String = "") {
    let subject = subject.isEmpty ? "" : subject + ": "
    say("\(warning.code.isNote ? "note" : "warning"): \(subject)\(warning.text.asOptions)")
  }

  /// Ends the program with an error's line and exit code.
  static func fail(_ error: GradCAMError) -> Never {
    report(error)
    exit(error.kind.exitCode)
  }

  /// Writes an error's line to standard error.
  static func report(_ error: GradCAMError) {
    clearProgress()
    let hint = Sandbox.hint(error).map { "; \($0)" } ?? ""
    note("gradcam: error: \(error.message.asOptions)\(hint)")
  }

  /// Draws a progress bar if standard error is a terminal.
  static func progress(_ done: Int, of total: Int, _ what: String) {
    guard showsProgress, total > 1 else { return }
    let width = 28, filled = width * done / total
    let bar = String(repeating: "█", count: filled) + String(repeating: "·", count: width - filled)
    drawProgress("\(bar) \(done)/\(total) \(what)")
  }

  /// Writes a line that the next one replaces.
  static func drawProgress(_ line: String) { write("\r\(line.visible)\u{1B}[K", to: STDERR_FILENO) }

  static func clearProgress() { if isTerminal { write("\r\u{1B}[K", to: STDERR_FILENO) } }

  /// 0, or the system's error code.
  @discardableResult
  private static func write(_ text: String, to descriptor: Int32) -> Int32 {
    writeAll(Array(text.utf8), to: descriptor)
  }
}
