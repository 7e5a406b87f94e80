import Synchronization

/// A progress bar with the time left, on standard error if that is a terminal.
///
/// Several threads may report to it at a time. It appears after 0.1 s, and is redrawn at most every 0.1 s.
final class ProgressBar: Sendable {
  private let count: Int?
  private let state: Mutex<State>

  private struct State {
    /// The number of pieces done.
    var done = 0
    /// The fraction done of each piece that has begun.
    var parts: [Int: Double] = [:]
    let start = ContinuousClock.now
    var drawn = ContinuousClock.now
  }

  /// - Parameter count: of pieces; nil if it is not known: then only the number done is shown.
  init(count: Int?) {
    self.count = count
    state = Mutex(State())
  }

  /// Reports the fraction done of a piece, from 0 to 1.
  func report(_ piece: Int, _ part: Double, _ name: String) {
    guard Console.showsProgress else { return }
    state.withLock { state in
      state.parts[piece] = part < 1 ? part : nil
      if part >= 1 { state.done += 1 }
      let now = ContinuousClock.now
      guard state.drawn.duration(to: now) >= .milliseconds(100), state.done < count ?? .max else { return }
      state.drawn = now
      guard let count else { return Console.drawProgress("\(state.done) done " + name.suffix(32)) }
      let share = (Double(state.done) + state.parts.values.reduce(0, +)) / Double(count)
      let pieces = count > 1 ? "\(state.done)/\(count) " : ""
      Console.drawProgress(Self.text(share, after: state.start.duration(to: now)) + " " + pieces + name.suffix(32))
    }
  }

  /// Runs something that writes lines, with the bar removed.
  func aside(_ body: () throws -> Void) rethrows {
    try state.withLock { _ in
      Console.clearProgress()
      try body()
    }
  }

  /// The bar, the percentage and, once it can be estimated, the time left.
  static func text(_ share: Double, after elapsed: Duration) -> String {
    let width = 28, filled = Int(Double(width) * share)
    let bar = String(repeating: "█", count: filled) + String(repeating: "·", count: width - filled)
    let percent = String(Int(share * 100))
    let shown = bar + String(repeating: " ", count: 4 - percent.count) + percent + "%"
    guard share > 0 else { return shown }
    let seconds = Int((elapsed / .seconds(1) * (1 - share) / share).rounded(.up))
    let minutes = String(seconds / 60 % 60), rest = (seconds % 60 < 10 ? ":0" : ":") + String(seconds % 60)
    guard seconds >= 3600 else { return "\(shown) \(minutes)\(rest) left" }
    return "\(shown) \(seconds / 3600):\(minutes.count < 2 ? "0" : "")\(minutes)\(rest) left"
  }
}
