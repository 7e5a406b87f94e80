import CProtection
import GradCAM
import Graph

/// Ends the program at once on Ctrl-C, on kill, when its terminal closes, when a file that it reads is cut short,
/// or when memory runs out.
enum Interruption {
  /// Starts watching for signals.
  ///
  /// Files that are being written are discarded. The exit code is 128 plus the signal's number: 130 for Ctrl-C. If a
  /// mapped file was cut short, it is that of an unreadable file, and a line says which.
  static func watch() {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { return }
    let signals = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
    signals.pointee = ends[0]
    var thread = pthread_t()
    let status = pthread_create(
      &thread, nil,
      { signals in
        var signal: UInt8 = 0
        while read(signals!.load(as: Int32.self), &signal, 1) != 1 {}
        PictureWriting.interrupt()
        AnswerMode.leave(discardsInput: true)
        if Int32(signal) == SIGBUS, let path = faulty_path() {
          let error = GradCAMError(
            .unreadable, at: String(cString: path), problem: "was cut short while it was read, or its disk failed",
            advice: "try again when nothing writes it")
          Console.report(error)
          UnfinishedFiles.exitWithoutThem(error.kind.exitCode)
        }
        // The line is written already.
        if signal == OUT_OF_MEMORY_CODE { UnfinishedFiles.exitWithoutThem(Int32(signal)) }
        Console.clearProgress()
        UnfinishedFiles.exitWithoutThem(128 + Int32(signal))
      }, signals)
    guard status == 0 else { return }
    pthread_detach(thread)
    signalPipe = ends[1]
    report_faults(signalPipe)
    // A shell makes its background commands ignore Ctrl-C.
    for signal in [SIGHUP, SIGINT, SIGTERM] where is_ignored(signal) == 0 {
      // Files may be removed in a thread, but not in a signal handler, which may interrupt any code.
      handle(signal) { signal in
        var number = UInt8(truncatingIfNeeded: signal)
        write(signalPipe, &number, 1)
      }
    }
  }
}

/// The write end of the pipe for signal numbers; set before a handler can run.
nonisolated(unsafe) private var signalPipe: Int32 = -1
