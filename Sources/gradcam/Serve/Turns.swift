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

  /// Runs a body when it is its turn, and ends the turn with it.
  ///
  /// - Parameter check: called again and again while waiting; what it throws ends the wait.
  func wait<Result>(_ check: () throws -> Void, _ body: () throws -> Result) rethrows -> Result {
    let ticket = queue.withLock { queue in
      queue.next += 1
      queue.tickets.append(queue.next)
      return queue.next
    }
    defer { queue.withLock { $0.tickets.removeAll { $0 == ticket } } }
    while queue.withLock({ $0.tickets[0] != ticket }) {
      try check()
      usleep(2000)
    }
    return try body()
  }
}
