import Synchronization

/// A fixed set of threads that share the indices of a loop.
///
/// The calling thread works too. Every thread begins with a run of neighbouring indices of its own, the same for every
/// loop of that length, so that what it wrote in one loop is still in its caches in the next; a thread that finishes
/// helps the others. A loop started while the pool is busy (from inside another loop, or from a second thread) runs on
/// its caller alone, so that it cannot deadlock.
public final class ThreadPool: @unchecked Sendable {
  /// The threads that work on a loop, the caller included; at least 1.
  public let threadCount: Int
  private let state: State

  /// One thread per core.
  public static var usualThreadCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

  /// Starts `threadCount − 1` threads; the default is one thread per core.
  public init(threadCount: Int? = nil) {
    self.threadCount = max(1, threadCount ?? Self.usualThreadCount)
    state = State(threadCount: self.threadCount)
    for worker in 1..<max(1, self.threadCount) { State.start(state, worker: worker) }
  }

  deinit { state.stop() }

  /// Calls `body(index, worker)` once for every index below `count`, in no fixed order.
  ///
  /// `worker` is below `threadCount` and is never used by two calls of one loop at a time: it selects scratch memory.
  /// A nested loop gets 0 on every thread: it needs scratch memory that belongs to the outer worker.
  public func parallelFor(_ count: Int, _ body: (_ index: Int, _ worker: Int) -> Void) {
    if count > 1, threadCount > 1, state.tryRun(count: count, body) { return }
    for index in 0..<max(count, 0) { body(index, 0) }
  }

  /// The results of `body` for every index below `count`, in order, computed by all threads.
  public func map<Result>(_ count: Int, _ body: (_ index: Int) -> Result) -> [Result] {
    [Result](unsafeUninitializedCapacity: count) { results, initializedCount in
      let base = results.baseAddress
      parallelFor(count) { index, _ in (base! + index).initialize(to: body(index)) }
      initializedCount = count
    }
  }

  /// Calls `body(range)` on consecutive ranges of at most `grain` indices that together cover `0..<count`.
  ///
  /// The ranges depend on `count` and `grain` alone, never on the number of threads.
  public func parallelRanges(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
    parallelFor((count + grain - 1) / grain) { index, _ in body(index * grain..<min(count, (index + 1) * grain)) }
  }
}

/// One of `parts` consecutive ranges that cover `0..<count` as evenly as possible.
public func evenPart(_ index: Int, of parts: Int, of count: Int) -> Range<Int> {
  index * count / parts..<(index + 1) * count / parts
}

private final class State: @unchecked Sendable {
  private typealias Body = (Int, Int) -> Void

  /// A counter with cache lines of its own, to avoid false sharing.
  private struct Counter: ~Copyable {
    let value = Atomic<Int>(0)
    private let apart: InlineArray<15, Int> = InlineArray(repeating: 0)
  }

  // A loop is open while `generation` is odd. Workers that enter it count themselves in `inside`.
  private let generation = Counter()
  private let inside = Counter()
  private let sleepers = Counter()
  /// The next of every thread's own indices.
  private let next: UnsafeMutablePointer<Counter>
  private let threadCount: Int
  private let busy = Atomic<Bool>(false)
  private let stopping = Atomic<Bool>(false)
  private var count = 0
  private var body: UnsafeRawPointer?
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

  // Polls for some 50 µs before a thread sleeps: kernels follow one another faster than a thread can be woken.
  private static let polls = 2000

  init(threadCount: Int) {
    self.threadCount = threadCount
    next = .allocate(capacity: threadCount)
    for thread in 0..<threadCount { (next + thread).initialize(to: Counter()) }
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(wake, nil)
  }

  deinit {
    next.deinitialize(count: threadCount)
    next.deallocate()
    pthread_cond_destroy(wake)
    pthread_mutex_destroy(mutex)
    wake.deallocate()
    mutex.deallocate()
  }

  static func start(_ state: State, worker: Int) {
    let context = Unmanaged.passRetained(Start(state: state, worker: worker, processor: current_processor()))
    var thread = pthread_t()
    let status = pthread_create(
      &thread, nil,
      { raw in
        let start = Unmanaged<Start>.fromOpaque(raw!).takeRetainedValue()
        keep_on_processor(start.processor, Int32(start.worker))
        start.state.work(start.worker)
        return nil
      }, context.toOpaque())
    if status == 0 { pthread_detach(thread) } else { context.release() }
  }

  private final class Start {
    let state: State
    let worker: Int
    /// The processor of the thread that owns the pool.
    let processor: UInt32
    init(state: State, worker: Int, processor: UInt32) {
      self.state = state
      self.worker = worker
      self.processor = processor
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
        for thread in 0..<threadCount { next[thread].value.store(own(thread, count).lowerBound, ordering: .relaxed) }
        generation.value.wrappingAdd(1, ordering: .sequentiallyConsistent)
        if sleepers.value.load(ordering: .sequentiallyConsistent) > 0 { wakeSleepers() }
        drain(escaping, worker: 0, count: count)
        generation.value.wrappingAdd(1, ordering: .sequentiallyConsistent)
        var polls = 0
        while inside.value.load(ordering: .sequentiallyConsistent) > 0 {
          polls += 1
          // A thread that takes this long may be waiting for this one's processor.
          if polls > Self.polls { sched_yield() } else { relax_processor() }
        }
        self.body = nil
      }
    }
    busy.store(false, ordering: .releasing)
    return true
  }

  /// A thread's own indices.
  private func own(_ thread: Int, _ count: Int) -> Range<Int> { evenPart(thread, of: threadCount, of: count) }

  private func drain(_ body: (Int, Int) -> Void, worker: Int, count: Int) {
    for turn in 0..<threadCount {
      let thread = (worker + turn) % threadCount, end = own(thread, count).upperBound
      while next[thread].value.load(ordering: .relaxed) < end {
        let index = next[thread].value.wrappingAdd(1, ordering: .relaxed).oldValue
        guard index < end else { break }
        body(index, worker)
      }
    }
  }

  private func work(_ worker: Int) {
    var seen = 0
    while !stopping.load(ordering: .relaxed) {
      var current = generation.value.load(ordering: .sequentiallyConsistent)
      var polls = 0
      while current == seen || current.isMultiple(of: 2) {
        if stopping.load(ordering: .relaxed) { return }
        polls += 1
        if polls > Self.polls { sleep(until: seen) } else { relax_processor() }
        current = generation.value.load(ordering: .sequentiallyConsistent)
      }
      seen = current
      inside.value.wrappingAdd(1, ordering: .sequentiallyConsistent)
      // The loop may have closed between the check above and the entry; then its body is gone.
      if generation.value.load(ordering: .sequentiallyConsistent) == current, let body {
        drain(body.assumingMemoryBound(to: Body.self).pointee, worker: worker, count: count)
      }
      inside.value.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    }
  }

  private func sleep(until seen: Int) {
    pthread_mutex_lock(mutex)
    sleepers.value.wrappingAdd(1, ordering: .sequentiallyConsistent)
    while !stopping.load(ordering: .sequentiallyConsistent) {
      let current = generation.value.load(ordering: .sequentiallyConsistent)
      if current != seen, !current.isMultiple(of: 2) { break }
      pthread_cond_wait(wake, mutex)
    }
    sleepers.value.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    pthread_mutex_unlock(mutex)
  }

  private func wakeSleepers() {
    pthread_mutex_lock(mutex)
    pthread_cond_broadcast(wake)
    pthread_mutex_unlock(mutex)
  }
}
