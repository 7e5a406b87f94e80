import Graph

/// A value that a thread of its own computes.
///
/// Not for use by several threads at a time.
struct Background<Value: Sendable> {
  private final class Place: @unchecked Sendable { var value: Value? }

  private let place = Place()
  private let thread: BackgroundThread

  init(_ compute: @escaping @Sendable () -> Value) {
    thread = BackgroundThread { [place] in place.value = compute() }
  }

  /// The value, once it is computed.
  var value: Value {
    thread.join()
    return place.value!
  }
}

/// A thread that does one piece of work; the calling one if there can be no other.
private final class BackgroundThread {
  private final class Work: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  private var thread: pthread_t?

  init(_ work: @escaping @Sendable () -> Void) {
    let context = Unmanaged.passRetained(Work(work))
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { raw in
        Unmanaged<Work>.fromOpaque(raw!).takeRetainedValue().run()
        return nil
      }, context.toOpaque())
    if code == 0 {
      self.thread = thread
    } else {
      context.takeRetainedValue().run()
    }
  }

  deinit { if let thread { pthread_detach(thread) } }

  func join() {
    if let thread { pthread_join(thread, nil) }
    thread = nil
  }
}
