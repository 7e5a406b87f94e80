import Graph
import Synchronization

/// Lets one computation run at a time, in the order in which they were asked for: each uses all threads.
final class Turns: Sendable {
  private struct Queue {
    var next = 0
    /// The computation that runs, then those that wait.
    var tickets: [Int] = []
  }

  private let queue = Mutex(Queue())

  /// Runs a body when it is its turn; not at all if it is no longer wanted before that.
  ///
  /// - Parameter isWanted: asked again and again while waiting.
  func wait(whileTrue isWanted: () -> Bool, _ body: () throws -> Void) rethrows {
    let ticket = queue.withLock { queue in
      queue.next += 1
      queue.tickets.append(queue.next)
      return queue.next
    }
    defer { queue.withLock { $0.tickets.removeAll { $0 == ticket } } }
    while queue.withLock({ $0.tickets[0] != ticket }) {
      guard isWanted() else { return }
      usleep(2000)
    }
    try body()
  }
}
