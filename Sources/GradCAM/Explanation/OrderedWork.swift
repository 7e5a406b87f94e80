import Graph

/// Pieces of work that are taken one after another and done in several places at a time; their results are delivered one
/// at a time, in order.
final class OrderedWork<Item, Result> {
  private let next: () throws -> Item?
  /// How many pieces may be taken before they are delivered, so that a slow one does not make results pile up.
  private let lead: Int
  private let deliver: (Item, Result) throws -> Void
  /// How many were taken; only whoever holds `turn` uses it.
  private var taken = 0
  private var delivered = 0
  private var isDelivering = false
  private var waiting: [Int: (Item, Result)] = [:]
  private var failure: (any Error)?
  /// What ended the taking; it is thrown once all that was taken is delivered.
  private var takingFailure: (any Error)?
  private let turn = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  private init(
    lead: Int, next: @escaping () throws -> Item?, deliver: @escaping (Item, Result) throws -> Void
  ) {
    (self.lead, self.next, self.deliver) = (lead, next, deliver)
    pthread_mutex_init(turn, nil)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(changed, nil)
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(mutex)
    pthread_mutex_destroy(turn)
    changed.deallocate()
    mutex.deallocate()
    turn.deallocate()
  }

  /// Takes every item by `next`, calls `work(item, place)` on as many threads as there are places, and
  /// `deliver(item, result)` in the items' order, one call at a time.
  ///
  /// Throws the first error of `deliver`, after which nothing more is delivered; else that of `next`, once all items
  /// before it are delivered.
  static func run(
    places: Int, on pool: ThreadPool, next: () throws -> Item?, work: (Item, _ place: Int) -> Result,
    deliver: (Item, Result) throws -> Void
  ) throws {
    try withoutActuallyEscaping(next) { next in
      try withoutActuallyEscaping(deliver) { deliver in
        let ordered = OrderedWork(lead: 3 * places, next: next, deliver: deliver)
        pool.parallelFor(places) { place, _ in
          while let (index, item) = ordered.take() { ordered.put(index, item, work(item, place)) }
        }
        if let failure = ordered.failure ?? ordered.takingFailure { throw failure }
      }
    }
  }

  /// The next item with its number; nil if there is none.
  ///
  /// Waiting for it does not keep results from being delivered.
  private func take() -> (Int, Item)? {
    pthread_mutex_lock(turn)
    defer { pthread_mutex_unlock(turn) }
    pthread_mutex_lock(mutex)
    while failure == nil, takingFailure == nil, taken >= delivered + lead { pthread_cond_wait(changed, mutex) }
    let isEnded = failure != nil || takingFailure != nil
    pthread_mutex_unlock(mutex)
    guard !isEnded else { return nil }
    do {
      guard let item = try next() else { return nil }
      taken += 1
      return (taken - 1, item)
    } catch {
      pthread_mutex_lock(mutex)
      takingFailure = error
      pthread_mutex_unlock(mutex)
      return nil
    }
  }

  private func put(_ index: Int, _ item: Item, _ result: Result) {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    waiting[index] = (item, result)
    guard !isDelivering else { return }
    isDelivering = true
    while failure == nil, let (item, result) = waiting.removeValue(forKey: delivered) {
      pthread_mutex_unlock(mutex)
      var thrown: (any Error)?
      do { try deliver(item, result) } catch { thrown = error }
      pthread_mutex_lock(mutex)
      failure = thrown
      delivered += 1
      pthread_cond_broadcast(changed)
    }
    isDelivering = false
  }
}
