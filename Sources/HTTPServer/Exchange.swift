import NIOCore
import NIOHTTP1

/// What a connection knows of the request that it is at, until the answer has been sent.
struct Exchange {
  /// The method as it came, for the log.
  let method: String
  /// The path as it came, for the log.
  let path: String
  let isHead: Bool
  /// Whether the client understands an answer in chunks.
  let takesChunks: Bool
  /// Whether the connection stays open after the answer.
  var keepsAlive: Bool
  let began = NIODeadline.now()
  var status: Int?

  init(_ head: HTTPRequestHead) {
    method = head.method.rawValue
    path = RequestTarget.loggedPath(head.uri)
    isHead = head.method == .HEAD
    takesChunks = head.version == .http1_1
    // After a request that could change the protocol, the parser reads no further.
    keepsAlive =
      head.isKeepAlive && head.version == .http1_1 && head.method != .CONNECT && !head.headers.contains(name: "upgrade")
  }

  /// A request that could not be read.
  init() {
    (method, path) = ("-", "-")
    (isHead, takesChunks, keepsAlive) = (false, false, false)
  }

  /// The line that a log has for this request.
  var line: String {
    let milliseconds = (NIODeadline.now() - began).nanoseconds / 1_000_000
    return "\(method) \(path) \(status.map(String.init) ?? "-") \(milliseconds) ms"
  }

  /// Whether an answer with this status is one that a body follows.
  static func mayHaveBody(_ status: Int) -> Bool { status >= 200 && status != 204 && status != 304 }

  /// The head of an answer; `length` is nil for one that is written in pieces.
  func head(of response: HTTPResponse, length: Int?, policy: String) -> HTTPResponseHead {
    var headers = HTTPHeaders(response.headers.map { ($0.0, Self.oneLine($0.1)) })
    if let contentType = response.contentType { headers.add(name: "Content-Type", value: Self.oneLine(contentType)) }
    if let length {
      if Self.mayHaveBody(response.status) { headers.add(name: "Content-Length", value: String(length)) }
    } else if takesChunks, !isHead {
      headers.add(name: "Transfer-Encoding", value: "chunked")
    }
    if !keepsAlive { headers.add(name: "Connection", value: "close") }
    headers.add(contentsOf: [
      ("Content-Security-Policy", policy),
      ("X-Content-Type-Options", "nosniff"),
      ("X-Frame-Options", "DENY"),
      ("Cache-Control", "no-store"),
      ("Referrer-Policy", "no-referrer"),
      ("Cross-Origin-Opener-Policy", "same-origin"),
      ("Cross-Origin-Resource-Policy", "same-origin"),
    ])
    return HTTPResponseHead(version: .http1_1, status: .init(statusCode: response.status), headers: headers)
  }

  /// A value that cannot begin another header field.
  private static func oneLine(_ value: String) -> String {
    String(String.UnicodeScalarView(value.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
  }
}
