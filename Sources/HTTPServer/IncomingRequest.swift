import NIOCore
import NIOHTTP1

/// A request whose body is arriving.
struct IncomingRequest {
  private let head: HTTPRequestHead
  let target: RequestTarget?
  var body: [UInt8] = []

  init(_ head: HTTPRequestHead) {
    self.head = head
    target = RequestTarget(head.uri)
  }

  /// The path, as it came if it cannot be read.
  var path: String { target?.path ?? RequestTarget.loggedPath(head.uri) }

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

  /// Why the request is not to go on, as far as its head tells.
  func refusal(_ server: ServerState) -> Refusal? {
    guard let target else { return Refusal(400, "The request's target is not a path that this server takes.") }
    if let refusal = server.rules.refusal(of: head, target: target) { return refusal }
    let encodings = head.headers["transfer-encoding"], lengths = head.headers["content-length"]
    guard encodings.isEmpty || encodings.count == 1 && encodings[0].lowercased() == "chunked" && lengths.isEmpty,
      lengths.count < 2
    else { return Refusal(400, "The request does not say clearly how long its body is.") }
    let limit = server.settings.maximumBodyBytes
    if let length = lengths.first, Int(length) ?? .max > limit { return .tooLarge(limit) }
    guard head.headers["expect"].allSatisfy({ $0.lowercased() == "100-continue" }) else {
      return Refusal(417, "The server meets no expectation other than 100-continue.")
    }
    return nil
  }
}
