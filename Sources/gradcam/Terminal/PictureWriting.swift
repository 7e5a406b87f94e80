import GradCAM
import Graph
import Synchronization

/// The writing of what shows pictures, which can be interrupted without leaving the terminal inside an escape code.
enum PictureWriting {
  private enum State: UInt8, AtomicRepresentable { case idle, writing, interrupted, ended }

  private static let state = Atomic(State.idle)
  /// After so many bytes, an interruption is heeded.
  private static let part = 4096
  /// What ends a string of any kind, and colours.
  private static let end = Array("\u{1B}\\\u{1B}[0m\r\n".utf8)

  /// Writes what a `TerminalScreen` made to standard output; only one thread may call it at a time.
  ///
  /// Throws `unwritable` if it is closed or its disk is full.
  static func write(_ bytes: [UInt8]) throws {
    guard move(.idle, .writing) else { waitForTheEnd() }
    defer { move(.writing, .idle) }
    for start in stride(from: 0, to: bytes.count, by: part) {
      try Console.output(bytes: Array(bytes[start..<min(start + part, bytes.count)]))
      guard state.load(ordering: .acquiring) == .interrupted else { continue }
      try Console.output(bytes: end)
      state.store(.ended, ordering: .releasing)
      waitForTheEnd()
    }
  }

  /// Ends a picture that is partly written, and keeps any from being written from then on; waits for 0.1 s at most, because
  /// the terminal may take nothing more.
  static func interrupt() {
    if move(.idle, .ended) { return }
    move(.writing, .interrupted)
    for _ in 0..<100 where state.load(ordering: .acquiring) == .interrupted { usleep(1000) }
  }

  /// The thread that ends the program needs no help.
  private static func waitForTheEnd() -> Never { while true { pause() } }

  @discardableResult
  private static func move(_ old: State, _ new: State) -> Bool {
    state.compareExchange(expected: old, desired: new, ordering: .acquiringAndReleasing).exchanged
  }
}
