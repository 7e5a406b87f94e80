import NIOCore
import NIOHTTP1

/// A request whose body is arriving.
struct IncomingRequest {
  private let head: HTTPRequestHead
  private let target: RequestTarget?
  var body: [UInt8] = []

  init(_ head: HTTPRequestHead) {
    self.head = head
    target = RequestTarget(head.uri)
  }

  /// Whether the client sends the body only after it was told to.
  var awaitsContinue: Bool {
    let hasBody = head.headers.contains { ["content-length", "transfer-encoding"].contains($0.name.lowercased()) }
    return hasBody && head.version == .http1_1 && head.headers.contains(name: "expect")
  }

  /// What a handler receives.
  var request: HTTPRequest? {
    target.map { target in
      func field(_ name: String) -> String? {
        let values = head.headers[name]
        return values.isEmpty ? nil : values.joined(separator: ", ")
      }
      return HTTPRequest(
        method: head.method == .HEAD ? "GET" : head.method.rawValue, path: target.path, query: target.query,
        accept: field("accept"), contentType: field("content-type"), body: body)
    }
  }

  /// The answer to a request that is not to go on, which its head tells.
  func refusal(_ server: ServerState) -> HTTPResponse? {
    func refuse(_ status: Int, _ text: String) -> HTTPResponse { server.handler.refusal(status: status, text: text) }
    // The parser puts folded lines together with their ends.
    guard head.headers.allSatisfy({ field in field.value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 } })
    else { return refuse(400, "A header field holds control characters.") }
    guard let target else { return refuse(400, "The request's target is not a path that this server takes.") }
    switch server.rules.verdict(on: head, target: target) {
    case .admitted: break
    case .refused(401, let text):
      var response = refuse(401, text)
      response.headers.append(("WWW-Authenticate", "Bearer"))
      return response
    case .refused(let status, let text): return refuse(status, text)
    case .redirected(let location, let cookie):
      return HTTPResponse(
        status: 303, text: "See \(location)",
        headers: [("Location", location)] + (cookie.map { [("Set-Cookie", $0)] } ?? []))
    }
    guard Self.methods.contains(head.method) else { return refuse(501, "The server does not know this method.") }
    let encodings = head.headers["transfer-encoding"], lengths = head.headers["content-length"]
    guard encodings.isEmpty || encodings.count == 1 && encodings[0].lowercased() == "chunked" && lengths.isEmpty,
      lengths.count < 2
    else { return refuse(400, "The request does not say clearly how long its body is.") }
    if let length = lengths.first, Int(length) ?? .max > server.settings.maximumBodyBytes { return server.bodyTooLarge }
    guard head.headers["expect"].allSatisfy({ $0.lowercased() == "100-continue" }) else {
      return refuse(417, "The server meets no expectation other than 100-continue.")
    }
    return nil
  }

  private static let methods: [HTTPMethod] = [.GET, .HEAD, .POST, .PUT, .PATCH, .DELETE, .OPTIONS]
}
