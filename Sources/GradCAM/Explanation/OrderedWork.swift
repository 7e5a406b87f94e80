import Graph

/// Numbered pieces of work, done in several places at a time; their results are delivered one at a time, in order.
final class OrderedWork<Result> {
  private let count: Int
  /// How many pieces may be taken before they are delivered, so that a slow one does not make results pile up.
  private let lead: Int
  private let deliver: (Int, Result) throws -> Void
  private var taken = 0
  private var delivered = 0
  private var isDelivering = false
  private var waiting: [Int: Result] = [:]
  private var failure: (any Error)?
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  private init(count: Int, lead: Int, deliver: @escaping (Int, Result) throws -> Void) {
    (self.count, self.lead, self.deliver) = (count, lead, deliver)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(changed, nil)
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(mutex)
    changed.deallocate()
    mutex.deallocate()
  }

  /// Calls `work(index, place)` for every index below `count`, on as many threads as there are places, and
  /// `deliver(index, result)` in ascending order, one call at a time.
  ///
  /// Throws the first error of `deliver`, after which nothing more is delivered.
  static func run(
    _ count: Int, places: Int, on pool: ThreadPool, work: (_ index: Int, _ place: Int) -> Result,
    deliver: (Int, Result) throws -> Void
  ) throws {
    try withoutActuallyEscaping(deliver) { deliver in
      let ordered = OrderedWork(count: count, lead: 3 * places, deliver: deliver)
      pool.parallelFor(places) { place, _ in
        while let index = ordered.take() { ordered.put(index, work(index, place)) }
      }
      if let failure = ordered.failure { throw failure }
    }
  }

  private func take() -> Int? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while failure == nil, taken < count, taken >= delivered + lead { pthread_cond_wait(changed, mutex) }
    guard failure == nil, taken < count else { return nil }
    taken += 1
    return taken - 1
  }

  private func put(_ index: Int, _ result: Result) {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    waiting[index] = result
    guard !isDelivering else { return }
    isDelivering = true
    while failure == nil, let next = waiting.removeValue(forKey: delivered) {
      let number = delivered
      pthread_mutex_unlock(mutex)
      var thrown: (any Error)?
      do { try deliver(number, next) } catch { thrown = error }
      pthread_mutex_lock(mutex)
      failure = thrown
      delivered += 1
      pthread_cond_broadcast(changed)
    }
    isDelivering = false
  }
}
