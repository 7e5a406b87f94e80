import Graph
import Synchronization

/// Lets some tasks run at a time, in the order in which they were asked for.
final class Turns: Sendable {
  /// Thrown if too many wait already.
  struct NoPlace: Error {}

  private struct Queue {
    var next = 0
    /// The tasks that run, then those that wait.
    var tickets: [Int] = []
  }

  private let queue = Mutex(Queue())
  private let atOnce, places: Int

  /// - Parameters:
  ///   - atOnce: how many run at a time.
  ///   - places: how many run or wait at most.
  init(atOnce: Int = 1, places: Int = .max) { (self.atOnce, self.places) = (atOnce, places) }

  /// Runs a body when it is its turn, and ends the turn with it.
  ///
  /// - Parameter check: called again and again while waiting; what it throws ends the wait.
  ///
  /// Throws `NoPlace`, and what the check and the body throw.
  func wait<Result>(_ check: () throws -> Void, _ body: () throws -> Result) throws -> Result {
    let ticket = try queue.withLock { queue in
      guard queue.tickets.count < places else { throw NoPlace() }
      queue.next += 1
      queue.tickets.append(queue.next)
      return queue.next
    }
    defer { queue.withLock { $0.tickets.removeAll { $0 == ticket } } }
    while !queue.withLock({ $0.tickets.prefix(atOnce).contains(ticket) }) {
      try check()
      usleep(2000)
    }
    return try body()
  }
}
