/// Where a server listens, whom it admits and how much it takes.
public struct HTTPServerSettings: Sendable {
  /// The address, or the name of one, to listen on, if the server is given no listener.
  public var host = "127.0.0.1"
  /// The port to listen on, if the server is given no listener; 0 takes any free one.
  public var port = 0
  /// What a client must show before anything is answered, such as an ``AccessToken``; nil if nothing is demanded.
  public var token: String?
  /// Further names that the `Host` header may hold, such as that of a proxy; one without a port stands for any port.
  public var allowedHosts: [String] = []
  /// The `Content-Security-Policy` of every answer.
  public var contentSecurityPolicy = """
    default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; \
    media-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'
    """

  /// The largest head of a request, in bytes of its target and its header fields.
  public var maximumHeadBytes = 32 * 1024
  /// The largest body of a request, in bytes.
  public var maximumBodyBytes = 32 * 1024 * 1024
  /// How many bytes the bodies of all requests may have together, from arrival to answer.
  public var maximumHeldBytes = 256 * 1024 * 1024
  /// How many connections there may be.
  ///
  /// A further one replaces the one that has waited longest for its client, and is closed if none waits.
  public var maximumConnections = 64
  /// How many requests may be in work or waiting for a worker.
  public var maximumWaiting = 32
  /// How many requests are answered at once.
  public var workers = 2

  /// Seconds from the first byte of a request to the end of its head.
  public var headerSeconds = 10.0
  /// Seconds from the head of a request to the end of its body.
  public var bodySeconds = 30.0
  /// Seconds that a connection may be silent between requests.
  public var idleSeconds = 60.0
  /// Seconds that a handler may take for an answer, and that a client may then take to receive it.
  public var answerSeconds = 300.0

  /// Receives one line for each request, without query and token; called on the server's thread, so it must be quick.
  public var log: (@Sendable (String) -> Void)?

  /// The settings of a server for this machine alone.
  public init() {}
}
