import Foundation
import Testing

/// A terminal for the program: it answers what it is asked as it is made to, and keeps what is written to it.
final class PseudoTerminal {
  private let own, other: Int32
  private let path: String
  /// The flag of `posix_spawn` for a session of its own, which headers show only to GNU's programs.
  private static let setsid: Int16 = 0x80

  /// What happened in it.
  struct Outcome {
    let code: Int32
    /// What the program wrote, without the carriage returns that terminals add.
    let output: [UInt8]
    /// Whether the terminal shows what is typed and gives it out by lines, as before.
    let isRestored: Bool
    var text: String { String(decoding: output, as: UTF8.self) }
  }

  init(columns: Int, rows: Int, cell: (width: Int, height: Int) = (0, 0)) throws {
    var own: Int32 = -1, other: Int32 = -1
    var name = [CChar](repeating: 0, count: 256)
    var size = winsize(
      ws_row: UInt16(rows), ws_col: UInt16(columns), ws_xpixel: UInt16(columns * cell.width),
      ws_ypixel: UInt16(rows * cell.height))
    try #require(openpty(&own, &other, &name, nil, &size) == 0)
    (self.own, self.other) = (own, other)
    path = name.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
  }

  deinit {
    close(own)
    close(other)
  }

  /// Sends what is typed or answered.
  func type(_ text: String) { _ = text.withCString { write(own, $0, strlen($0)) } }

  /// Runs the program as if it were started from the terminal, with its own standard output elsewhere if a path is given.
  ///
  /// - Parameters:
  ///   - answer: what the terminal answers; it waits there from the start, so that no answer is late on a busy machine.
  ///   - trigger: what the program writes when something is done; by default, the last question.
  ///   - meanwhile: what is then done with the program's process and the terminal, while nothing that it writes is read.
  func run(
    _ arguments: [String], in folder: URL, environment: [String: String] = [:], output: String? = nil,
    answer: String = "", trigger: String = "\u{1B}[c", meanwhile: (pid_t, PseudoTerminal) -> Void = { _, _ in }
  ) throws -> Outcome {
    type(answer)
    var process = pid_t(), actions = posix_spawn_file_actions_t(), attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // The leader of a session gets the first terminal that it opens.
    posix_spawnattr_setflags(&attributes, Self.setsid)
    posix_spawn_file_actions_addopen(&actions, 0, path, O_RDWR, 0)
    if let output {
      posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o666)
    } else {
      posix_spawn_file_actions_adddup2(&actions, 0, 1)
    }
    posix_spawn_file_actions_adddup2(&actions, 0, 2)
    var variables = ProcessInfo.processInfo.environment
    for name in ["TMUX", "STY", "COLORTERM", "TERM_PROGRAM", "LC_TERMINAL", "WT_SESSION", "LINES", "COLUMNS"] {
      variables[name] = nil
    }
    variables.merge(["TERM": "xterm-256color", "GRADCAM_MODELS": ""]) { $1 }
    variables.merge(environment) { $1 }
    let shell = ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", folder.path, Workplace.built("gradcam").path]
    var words = (shell + arguments).map { strdup($0) } + [nil]
    var settings = variables.map { strdup("\($0)=\($1)") } + [nil]
    defer { for text in words + settings { free(text) } }
    try #require(posix_spawn(&process, shell[0], &actions, &attributes, &words, &settings) == 0)
    var written: [UInt8] = [], status: Int32 = 0, hasAsked = false
    while true {
      let hasEnded = waitpid(process, &status, WNOHANG) == process
      var event = pollfd(fd: own, events: Int16(POLLIN), revents: 0)
      while poll(&event, 1, hasEnded ? 0 : 10) > 0, event.revents & Int16(POLLIN) != 0 {
        // A program that something was done to has time to notice it before it is rid of the rest.
        if hasAsked { usleep(1000) }
        var part = [UInt8](repeating: 0, count: hasAsked ? 512 : 65536)
        let count = read(own, &part, part.count)
        guard count > 0 else { break }
        written += part[..<count]
        guard !hasAsked, written.firstRange(of: Array(trigger.utf8)) != nil else { continue }
        hasAsked = true
        meanwhile(process, self)
      }
      if hasEnded { break }
    }
    var mode = termios()
    tcgetattr(other, &mode)
    let isUsual = mode.c_lflag & tcflag_t(ICANON | ECHO | ISIG) == tcflag_t(ICANON | ECHO | ISIG)
    // Standard macros for the outcome of a process are not imported.
    let code = status & 0x7F == 0 ? status >> 8 & 0xFF : -(status & 0x7F)
    return Outcome(code: code, output: written.filter { $0 != 0x0D }, isRestored: isUsual)
  }
}
