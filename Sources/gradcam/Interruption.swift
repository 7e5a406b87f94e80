import CSystem
import GradCAM

#if canImport(Glibc)
  import Glibc
#endif

/// Ends the program at once when it is asked to: by Ctrl-C, by kill, or by a terminal that goes away.
enum Interruption {
  /// Starts to watch for signals.
  ///
  /// What is written at that time does not appear. The exit code is 128 plus the signal's number: 130 for Ctrl-C.
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
        Console.clearProgress()
        UnfinishedFiles.exitWithoutThem(128 + Int32(signal))
      }, signals)
    guard status == 0 else { return }
    pthread_detach(thread)
    signalPipe = ends[1]
    // A shell has commands that run in its background ignore Ctrl-C.
    for signal in [SIGHUP, SIGINT, SIGTERM] where is_ignored(signal) == 0 {
      // Files may be removed in a thread, but not in the handler of a signal, which may stand anywhere.
      handle(signal) { signal in
        var number = UInt8(truncatingIfNeeded: signal)
        write(signalPipe, &number, 1)
      }
    }
  }
}

/// Where the numbers of signals are written to; set before a handler can run.
nonisolated(unsafe) private var signalPipe: Int32 = -1
