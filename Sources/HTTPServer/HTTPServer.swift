import NIOCore
import NIOPosix

/// A server of HTTP/1.1 for a few people and programs, at first those of the same machine.
///
/// It checks what every request has in common — who asks, how much, how fast — and leaves the rest to a handler. A client
/// that closes its connection, be it only its own direction, is taken to have left.
public final class HTTPServer: Sendable {
  /// The port that it listens on.
  public let port: Int

  private let group: MultiThreadedEventLoopGroup
  private let channel: any Channel
  private let queue: WorkQueue
  private let state: NIOLoopBound<ServerState>

  /// Listens as the settings say, and answers until ``stop()``.
  ///
  /// Throws ``HTTPServerError/portTaken(host:port:)`` or ``HTTPServerError/cannotListen(host:port:reason:)``.
  public convenience init(_ settings: HTTPServerSettings, handler: any HTTPHandler) throws(HTTPServerError) {
    try self.init(HTTPListener(host: settings.host, port: settings.port), settings, handler: handler)
  }

  /// Takes over a port and answers until ``stop()``; a listener can be taken over once.
  ///
  /// Throws ``HTTPServerError/cannotListen(host:port:reason:)``.
  public init(
    _ listener: HTTPListener, _ settings: HTTPServerSettings, handler: any HTTPHandler
  ) throws(HTTPServerError) {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let loop = group.next()
    let shared = NIOLoopBoundBox<ServerState?>.makeEmptyBox(eventLoop: loop)
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.autoRead, value: false)
      // One at a time, so that room is made before the next one takes a descriptor.
      .serverChannelOption(.maxMessagesPerRead, value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try shared.value?.accept(channel) }
      }
    do {
      channel = try bootstrap.withBoundSocket(listener.descriptor).wait()
      port = listener.port
      queue = WorkQueue(settings)
      state = try loop.submit { [queue] in
        let state = ServerState(settings, listener, handler: handler, queue: queue)
        shared.value = state
        return NIOLoopBound(state, eventLoop: loop)
      }.wait()
      try channel.setOption(.autoRead, value: true).wait()
    } catch {
      group.shutdownGracefully { _ in }
      let reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
      throw .cannotListen(host: listener.host, port: listener.port, reason: reason)
    }
    self.group = group
  }

  deinit {
    stop()
    // Calls use the event loop until the last of them has ended.
    queue.stop { [group] in group.shutdownGracefully { _ in } }
  }

  /// Returns once the server has been stopped.
  public func run() {
    try? channel.closeFuture.wait()
  }

  /// Ends all connections and takes no more, from any thread; calls that are being answered are cancelled.
  ///
  /// Handlers may still be at work when this returns, until they notice.
  public func stop() {
    channel.close(promise: nil)
    channel.eventLoop.execute { [state] in state.value.closeAll() }
  }
}
