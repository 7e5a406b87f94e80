/// A request that was received whole and admitted.
public struct HTTPRequest: Sendable {
  /// The method in capitals; `HEAD` arrives as `GET`, and the server leaves out the body of the answer.
  public let method: String
  /// The path, percent-decoded once: starts with `/`, holds neither control characters nor dot segments.
  public let path: String
  /// The names and values of the query, percent-decoded, in their order.
  public let query: [(String, String)]
  /// The `Accept` header, if there is one.
  public let accept: String?
  /// The `Content-Type` header, if there is one.
  public let contentType: String?
  /// The bytes of the body; empty if there is none.
  public let body: [UInt8]

  /// A request of the given parts.
  public init(
    method: String, path: String, query: [(String, String)] = [], accept: String? = nil, contentType: String? = nil,
    body: [UInt8] = []
  ) {
    self.method = method
    self.path = path
    self.query = query
    self.accept = accept
    self.contentType = contentType
    self.body = body
  }
}

/// An answer that is sent whole.
public struct HTTPResponse: Sendable {
  /// The status code, such as 200.
  public var status: Int
  /// The `Content-Type`, if there is a body.
  public var contentType: String?
  /// Header fields beyond those that the server sets on every answer.
  public var headers: [(String, String)]
  /// The bytes of the body.
  public var body: [UInt8]

  /// An answer of the given parts.
  public init(status: Int, contentType: String? = nil, headers: [(String, String)] = [], body: [UInt8] = []) {
    self.status = status
    self.contentType = contentType
    self.headers = headers
    self.body = body
  }

  /// An answer that says something to people.
  public init(status: Int, text: String, headers: [(String, String)] = []) {
    self.init(
      status: status, contentType: "text/plain; charset=utf-8", headers: headers, body: Array((text + "\n").utf8))
  }
}

/// What decides, by method and path, how requests are answered.
public protocol HTTPHandler: Sendable {
  /// Answers a request through `call`, on a worker's thread, and may take long over it.
  ///
  /// `call` is valid until this returns. Returning without an answer ends the request with status 500, or 504 if
  /// the time is over.
  func answer(_ request: HTTPRequest, _ call: HTTPCall)

  /// The answer that tells a client why the server itself refuses its request; called on the server's thread, so it must
  /// be quick.
  ///
  /// `path` is nil if the request could not be read so far.
  func refusal(status: Int, text: String, path: String?) -> HTTPResponse
}

extension HTTPHandler {
  /// The text as a plain page.
  public func refusal(status: Int, text: String, path: String?) -> HTTPResponse {
    HTTPResponse(status: status, text: text)
  }
}

/// Why a server cannot listen, or a call cannot go on.
public enum HTTPServerError: Error, Equatable {
  /// Another program listens on this port.
  case portTaken(host: String, port: Int)
  /// The system refuses to listen there, for the reason given.
  case cannotListen(host: String, port: Int, reason: String)
  /// The client went away, the time was over, or the server stopped.
  case cancelled
  /// The call was not begun, or has been answered already.
  case notBegun
}
