import NIOCore
import NIOHTTP1

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What the connections of a server share; belongs to its event loop.
final class ServerState {
  let settings: HTTPServerSettings
  let rules: AccessRules
  let handler: any HTTPHandler
  let queue: WorkQueue
  private var connections: [ObjectIdentifier: HTTPConnection] = [:]
  private let maximumConnections: Int

  init(_ settings: HTTPServerSettings, _ listener: HTTPListener, handler: any HTTPHandler, queue: WorkQueue) {
    self.settings = settings
    self.handler = handler
    self.queue = queue
    maximumConnections = min(settings.maximumConnections, Self.possibleConnections)
    rules = AccessRules(settings, host: listener.host, port: listener.port)
  }

  /// Makes a new client's channel a connection, or closes it if there are too many of them.
  func accept(_ channel: any Channel) throws {
    if connections.count >= maximumConnections { try makeRoom() }
    let connection = HTTPConnection(channel, of: self)
    connections[ObjectIdentifier(connection)] = connection
    channel.closeFuture.assumeIsolated().whenComplete { _ in
      self.connections[ObjectIdentifier(connection)] = nil
    }
    var limits = NIOHTTPDecoderLimitConfiguration()
    limits.maxHeaderFieldSize = settings.maximumHeadBytes
    limits.maxHeaderListSize = settings.maximumHeadBytes
    limits.maxHeaderFieldCount = 100
    var framing = HTTPResponseEncoder.Configuration()
    framing.automaticallySetFramingHeaders = false
    let pipeline = channel.pipeline.syncOperations
    try pipeline.addHandler(HTTPResponseEncoder(configuration: framing))
    try pipeline.addHandler(ByteToMessageHandler(HTTPRequestDecoder(limitConfiguration: limits)))
    try pipeline.addHandler(connection)
  }

  /// How many connections the system gives descriptors for, besides those that the process needs for other things: where
  /// none is left, clients that wait for a connection could not replace those that hold one.
  private static var possibleConnections: Int {
    var limit = rlimit()
    #if canImport(Glibc)
      guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return .max }
    #else
      guard getrlimit(RLIMIT_NOFILE, &limit) == 0 else { return .max }
    #endif
    return max(4, Int(clamping: limit.rlim_cur) - 24)
  }

  /// Ends all connections.
  func closeAll() {
    for connection in connections.values { connection.close() }
  }

  /// Clients that hold connections without asking for anything must not keep others out.
  private func makeRoom() throws {
    let candidates = connections.values.filter { $0.phase != .answering }
    guard let first = candidates.min(by: { ($0.phase.rawValue, $0.since) < ($1.phase.rawValue, $1.since) }) else {
      throw ChannelError.operationUnsupported
    }
    first.close()
  }
}
