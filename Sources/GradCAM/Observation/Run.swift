import Graph

/// The memory of a plan, and of the plans that observe its values; for one thread at a time.
final class Run: @unchecked Sendable {
  let key: PlanKey
  let executor: Executor
  /// The plans that observe this one, the most recently used last.
  private var observers: [(key: PlanKey, executor: Executor)] = []

  /// The number of observing plans that keep their memory.
  private static let observerLimit = 4

  /// Throws `unsupported` if it is more than the limit.
  init(_ key: PlanKey, _ plan: Plan, pool: ThreadPool) throws {
    self.key = key
    executor = try Executor(plan, pool: pool)
  }

  /// The memory of a plan that observes this one.
  func observer(_ key: PlanKey, make: (Executor) throws -> Executor) rethrows -> Executor {
    if let index = observers.firstIndex(where: { $0.key == key }) {
      observers.append(observers.remove(at: index))
    } else {
      observers.append((key, try make(executor)))
      if observers.count > Self.observerLimit { observers.removeFirst() }
    }
    return observers.last!.executor
  }
}
