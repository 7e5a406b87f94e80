import NIOPosix
import Synchronization

/// The requests that are in work or wait for a worker, first come, first served, and the bytes that requests hold.
final class WorkQueue: Sendable {
  private struct Job {
    let call: HTTPCall
    let heldBytes: Int
    let work: @Sendable () -> Void
  }

  private struct State {
    var waiting: [Job] = []
    var running = 0
    var heldBytes = 0
  }

  private let state = Mutex(State())
  private let pool: NIOThreadPool
  private let settings: HTTPServerSettings

  init(_ settings: HTTPServerSettings) {
    self.settings = settings
    pool = NIOThreadPool(numberOfThreads: settings.workers)
    pool.start()
  }

  /// Does the work once a worker is free, and then releases the bytes that it holds; false, without doing either, if too
  /// many wait already.
  func submit(_ call: HTTPCall, holding heldBytes: Int, _ work: @escaping @Sendable () -> Void) -> Bool {
    let job = Job(call: call, heldBytes: heldBytes, work: work)
    let (isAccepted, startsNow) = state.withLock { state in
      guard state.running + state.waiting.count < settings.maximumWaiting else { return (false, false) }
      guard state.running < settings.workers else {
        state.waiting.append(job)
        return (true, false)
      }
      state.running += 1
      return (true, true)
    }
    if startsNow {
      pool.submit { poolState in if case .active = poolState { self.work(from: job) } }
    }
    return isAccepted
  }

  /// Forgets the work for a call that no worker has begun.
  func withdraw(_ call: HTTPCall) {
    state.withLock { state in
      guard let position = state.waiting.firstIndex(where: { $0.call === call }) else { return }
      state.heldBytes -= state.waiting.remove(at: position).heldBytes
    }
  }

  /// Takes so many bytes more; false if all requests together would hold too many.
  func hold(_ bytes: Int) -> Bool {
    state.withLock { state in
      guard state.heldBytes + bytes <= settings.maximumHeldBytes else { return false }
      state.heldBytes += bytes
      return true
    }
  }

  /// Gives back bytes that were taken with ``hold(_:)``.
  func release(_ bytes: Int) {
    state.withLock { $0.heldBytes -= bytes }
  }

  /// Begins no further work, and tells when the last has ended.
  func stop(_ ended: @escaping @Sendable () -> Void) {
    state.withLock { $0.waiting = [] }
    pool.shutdownGracefully { _ in ended() }
  }

  private func work(from first: Job) {
    var next: Job? = first
    while let job = next {
      job.work()
      next = state.withLock { state in
        state.heldBytes -= job.heldBytes
        guard !state.waiting.isEmpty else {
          state.running -= 1
          return nil
        }
        return state.waiting.removeFirst()
      }
    }
  }
}
