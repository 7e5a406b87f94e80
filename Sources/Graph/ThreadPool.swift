import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// A fixed set of threads that share out the indices of a loop.
///
/// The calling thread works too. A loop started while the pool is busy (from inside another loop, or from a second
/// thread) runs on its caller alone, so that nothing can wait for itself.
public final class ThreadPool: @unchecked Sendable {
  /// The threads that work on a loop, the caller included; at least 1.
  public let threadCount: Int
  private let state: State

  /// Starts `threadCount − 1` threads; the default is one thread a core.
  public init(threadCount: Int? = nil) {
    self.threadCount = max(1, threadCount ?? sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    state = State()
    for worker in 1..<max(1, self.threadCount) { State.start(state, worker: worker) }
  }

  deinit { state.stop() }

  /// Calls `body(index, worker)` once for every index below `count`, in no fixed order.
  ///
  /// `worker` lies below `threadCount` and is never used by two calls of one loop at a time: it selects
  /// scratch memory. A loop inside a loop gets 0 on every thread: it needs scratch memory of the outer worker's own.
  public func parallelFor(_ count: Int, _ body: (_ index: Int, _ worker: Int) -> Void) {
    if count > 1, threadCount > 1, state.tryRun(count: count, body) { return }
    for index in 0..<max(count, 0) { body(index, 0) }
  }

  /// Calls `body(range)` on consecutive ranges of at most `grain` indices that together cover `0..<count`.
  ///
  /// The ranges depend on `count` and `grain` alone, never on the number of threads.
  public func parallelRanges(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
    parallelFor((count + grain - 1) / grain) { index, _ in
      body(index * grain..<min(count, (index + 1) * grain))
    }
  }
}

private final class State: @unchecked Sendable {
  private typealias Body = (Int, Int) -> Void

  // A loop is open while `generation` is odd. Workers that enter it count themselves in `inside`.
  private let generation = Atomic<Int>(0)
  private let next = Atomic<Int>(0)
  private let inside = Atomic<Int>(0)
  private let busy = Atomic<Bool>(false)
  private let stopping = Atomic<Bool>(false)
  private let sleepers = Atomic<Int>(0)
  private var count = 0
  private var body: UnsafeRawPointer?
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  // Polls for about 20 µs before a thread sleeps: kernels follow one another faster than a thread can be woken.
  private static let polls = 400

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(wake, nil)
  }

  deinit {
    pthread_cond_destroy(wake)
    pthread_mutex_destroy(mutex)
    wake.deallocate()
    mutex.deallocate()
  }

  static func start(_ state: State, worker: Int) {
    let context = Unmanaged.passRetained(Start(state: state, worker: worker))
    var thread = pthread_t()
    let status = pthread_create(
      &thread, nil,
      { raw in
        let start = Unmanaged<Start>.fromOpaque(raw!).takeRetainedValue()
        start.state.work(start.worker)
        return nil
      }, context.toOpaque())
    if status == 0 { pthread_detach(thread) } else { context.release() }
  }

  private final class Start {
    let state: State
    let worker: Int
    init(state: State, worker: Int) {
      self.state = state
      self.worker = worker
    }
  }

  func stop() {
    stopping.store(true, ordering: .sequentiallyConsistent)
    wakeSleepers()
  }

  func tryRun(count: Int, _ body: (Int, Int) -> Void) -> Bool {
    guard busy.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged else { return false }
    withoutActuallyEscaping(body) { escaping in
      withUnsafePointer(to: escaping) { pointer in
        self.count = count
        self.body = UnsafeRawPointer(pointer)
        next.store(0, ordering: .relaxed)
        generation.wrappingAdd(1, ordering: .sequentiallyConsistent)
        if sleepers.load(ordering: .sequentiallyConsistent) > 0 { wakeSleepers() }
        drain(escaping, worker: 0, count: count)
        generation.wrappingAdd(1, ordering: .sequentiallyConsistent)
        while inside.load(ordering: .sequentiallyConsistent) > 0 { pause() }
        self.body = nil
      }
    }
    busy.store(false, ordering: .releasing)
    return true
  }

  private func drain(_ body: (Int, Int) -> Void, worker: Int, count: Int) {
    while true {
      let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard index < count else { return }
      body(index, worker)
    }
  }

  private func work(_ worker: Int) {
    var seen = 0
    while !stopping.load(ordering: .relaxed) {
      var current = generation.load(ordering: .sequentiallyConsistent)
      var polls = 0
      while current == seen || current.isMultiple(of: 2) {
        if stopping.load(ordering: .relaxed) { return }
        polls += 1
        if polls > Self.polls { sleep(until: seen) } else { pause() }
        current = generation.load(ordering: .sequentiallyConsistent)
      }
      seen = current
      inside.wrappingAdd(1, ordering: .sequentiallyConsistent)
      // Between the look above and the entry the loop may have closed; then its body is gone.
      if generation.load(ordering: .sequentiallyConsistent) == current, let body {
        drain(body.assumingMemoryBound(to: Body.self).pointee, worker: worker, count: count)
      }
      inside.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    }
  }

  private func sleep(until seen: Int) {
    pthread_mutex_lock(mutex)
    sleepers.wrappingAdd(1, ordering: .sequentiallyConsistent)
    while !stopping.load(ordering: .sequentiallyConsistent) {
      let current = generation.load(ordering: .sequentiallyConsistent)
      if current != seen, !current.isMultiple(of: 2) { break }
      pthread_cond_wait(wake, mutex)
    }
    sleepers.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    pthread_mutex_unlock(mutex)
  }

  private func wakeSleepers() {
    pthread_mutex_lock(mutex)
    pthread_cond_broadcast(wake)
    pthread_mutex_unlock(mutex)
  }

  private func pause() { sched_yield() }
}
