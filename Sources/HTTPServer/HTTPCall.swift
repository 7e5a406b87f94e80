import NIOCore
import Synchronization

/// The way to answer one request, from any thread, until the handler returns.
///
/// An answer is either sent whole by ``send(_:)``, or begun, written in pieces and ended.
public final class HTTPCall: Sendable {
  /// Why the answer is no longer wanted; a server that stops leaves its clients.
  enum Cancellation {
    case clientLeft, timeOver
  }

  private enum Progress {
    case unanswered, begun, answered
  }

  private struct State {
    var progress = Progress.unanswered
    var cancellation: Cancellation?
  }

  private let state = Mutex(State())
  private let loop: any EventLoop
  private let connection: NIOLoopBound<HTTPConnection>
  private let channel: any Channel

  init(_ connection: HTTPConnection, on channel: any Channel) {
    loop = channel.eventLoop
    self.channel = channel
    self.connection = NIOLoopBound(connection, eventLoop: channel.eventLoop)
  }

  /// Whether the work is in vain: the client went away, the time for an answer is over, or the server stops.
  public var isCancelled: Bool { state.withLock { $0.cancellation != nil } }

  /// Sends the answer, without waiting until it arrives; does nothing if the request has been answered or cancelled.
  public func send(_ response: HTTPResponse) {
    let isFirst = state.withLock { state in
      guard state.progress == .unanswered, state.cancellation == nil else { return false }
      state.progress = .answered
      return true
    }
    if isFirst { onConnection { $0.send(response, for: self) } }
  }

  /// Begins an answer with status 200 that is written in pieces; does nothing if the request has been answered or
  /// cancelled.
  public func begin(contentType: String, headers: [(String, String)] = []) {
    let isFirst = state.withLock { state in
      guard state.progress == .unanswered, state.cancellation == nil else { return false }
      state.progress = .begun
      return true
    }
    guard isFirst else { return }
    let response = HTTPResponse(status: 200, contentType: contentType, headers: headers)
    onConnection { $0.begin(response, for: self) }
  }

  /// Writes a piece of an answer that was begun, and waits until the system has taken it, which it does as fast as the
  /// client reads.
  public func write(_ bytes: some Sequence<UInt8>) throws(HTTPServerError) {
    try state.withLock { state throws(HTTPServerError) in
      if state.cancellation != nil { throw .cancelled }
      if state.progress != .begun { throw .notBegun }
    }
    let buffer = ByteBuffer(bytes: bytes)
    let written = loop.makePromise(of: Void.self)
    onConnection { $0.write(buffer, for: self, written) }
    do { try written.futureResult.wait() } catch { throw .cancelled }
  }

  /// Ends an answer that was begun; does nothing otherwise.
  public func end() {
    let isBegun = state.withLock { state in
      defer { if state.progress == .begun { state.progress = .answered } }
      return state.progress == .begun
    }
    if isBegun { onConnection { $0.end(for: self) } }
  }

  /// Ends the wait for the answer; one that was begun breaks off, so that a client does not take it for whole.
  func cancel(_ reason: Cancellation) {
    let isBegun = state.withLock { state in
      if state.cancellation == nil { state.cancellation = reason }
      return state.progress == .begun
    }
    if isBegun { channel.close(promise: nil) }
  }

  /// Runs the handler on this thread, for no longer than `seconds` as far as it heeds ``isCancelled``.
  func run(_ handler: any HTTPHandler, on request: HTTPRequest, seconds: Double) {
    let timer = loop.scheduleTask(in: .seconds(seconds)) { self.cancel(.timeOver) }
    if !isCancelled { handler.answer(request, self) }
    timer.cancel()
    let (progress, cancellation) = state.withLock { state in
      defer { state.progress = .answered }
      return (state.progress, state.cancellation)
    }
    switch (progress, cancellation) {
    case (.answered, _): break
    case (.begun, _): channel.close(promise: nil)
    case (.unanswered, .timeOver): refuse(504, "The answer took too long.", request, handler)
    case (.unanswered, _): refuse(500, "The server has no answer to this.", request, handler)
    }
  }

  private func refuse(_ status: Int, _ text: String, _ request: HTTPRequest, _ handler: any HTTPHandler) {
    let response = handler.refusal(status: status, text: text, path: request.path)
    onConnection { $0.send(response, for: self) }
  }

  private func onConnection(_ action: @escaping @Sendable (HTTPConnection) -> Void) {
    loop.execute { action(self.connection.value) }
  }
}

extension TimeAmount {
  /// That many seconds, at most a year.
  static func seconds(_ seconds: Double) -> TimeAmount {
    .nanoseconds(Int64(min(max(seconds, 0), 31_536_000) * 1e9))
  }
}
