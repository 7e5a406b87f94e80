import GradCAM
import Graph
import Synchronization

/// The terminal that the program was started from, whatever its output is.
final class ControllingTerminal {
  private let file: Int32
  /// How long it may take to answer.
  private static let patience = Duration.milliseconds(200)

  /// Nil if there is none.
  init?() {
    file = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard file >= 0 else { return nil }
  }

  // Where the mode must still be restored, its descriptor is another one.
  deinit { close(file) }

  /// Its size in characters and pixels, of which it may leave out any; nil if it has none.
  var size: winsize? { Self.size(of: file) }

  static func size(of file: Int32) -> winsize? {
    var size = winsize()
    return ioctl(file, UInt(TIOCGWINSZ), &size) == 0 ? size : nil
  }

  /// What it answers; nil if it cannot be asked, because the program runs in the background, or does not answer in time.
  func answers(to query: TerminalQuery) -> TerminalAnswers? {
    guard tcgetpgrp(file) == getpgrp(), AnswerMode.enter(file) else { return nil }
    guard writeAll(query.bytes, to: file) == 0 else {
      AnswerMode.leave()
      return nil
    }
    let clock = ContinuousClock(), end = clock.now + Self.patience
    var bytes: [UInt8] = []
    while true {
      let left = (end - clock.now) / .milliseconds(1)
      var event = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
      // Late answers are neither shown nor left to the shell: the mode stays until the program ends.
      guard left > 0, poll(&event, 1, Int32(left.rounded(.up))) > 0 else { return nil }
      var part = [UInt8](repeating: 0, count: 1024)
      let count = read(file, &part, part.count)
      guard count > 0 else { return nil }
      bytes += part[..<count]
      let answers = TerminalAnswers(bytes)
      guard answers.isComplete else { continue }
      AnswerMode.leave()
      return answers
    }
  }
}

/// The mode in which a terminal's answers can be read: it neither shows them nor waits for the end of a line.
enum AnswerMode {
  private struct Changed {
    let file: Int32
    let mode: termios
  }

  private static let changed = Mutex<Changed?>(nil)

  /// Sets the mode, until `leave` or the end of the program; Ctrl-C still works.
  ///
  /// Returns whether it could be set.
  static func enter(_ terminal: Int32) -> Bool {
    changed.withLock { changed in
      var mode = termios()
      let file = fcntl(terminal, F_DUPFD_CLOEXEC, 3)
      guard changed == nil, file >= 0, tcgetattr(file, &mode) == 0 else { return false }
      let earlier = mode
      mode.c_lflag &= ~tcflag_t(ICANON | ECHO)
      withUnsafeMutableBytes(of: &mode.c_cc) {
        $0[Int(VMIN)] = 1; $0[Int(VTIME)] = 0
      }
      changed = Changed(file: file, mode: earlier)
      atexit { AnswerMode.leave(discardsInput: true) }
      return tcsetattr(file, TCSANOW, &mode) == 0
    }
  }

  /// Restores what was before, if that is still to be done; any thread may call it.
  ///
  /// - Parameter discardsInput: whether answers may have arrived that nobody reads.
  static func leave(discardsInput: Bool = false) {
    changed.withLock { changed in
      guard let (file, mode) = changed.map({ ($0.file, $0.mode) }) else { return }
      withUnsafePointer(to: mode) { _ = tcsetattr(file, discardsInput ? TCSAFLUSH : TCSANOW, $0) }
      close(file)
      changed = nil
    }
  }
}
