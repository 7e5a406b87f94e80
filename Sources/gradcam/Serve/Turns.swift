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

  /// Runs a body when it is its turn; nil, without doing so, if it is no longer wanted before that.
  ///
  /// - Parameter isWanted: asked again and again while waiting.
  ///
  /// Throws `NoPlace`, and what the body throws.
  @discardableResult
  func wait<Result>(whileTrue isWanted: () -> Bool, _ body: () throws -> Result) throws -> Result? {
    let ticket = try queue.withLock { queue in
      guard queue.tickets.count < places else { throw NoPlace() }
      queue.next += 1
      queue.tickets.append(queue.next)
      return queue.next
    }
    defer { queue.withLock { $0.tickets.removeAll { $0 == ticket } } }
    while !queue.withLock({ $0.tickets.prefix(atOnce).contains(ticket) }) {
      guard isWanted() else { return nil }
      usleep(2000)
    }
    return try body()
  }
}
