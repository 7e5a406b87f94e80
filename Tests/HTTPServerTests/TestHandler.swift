import HTTPServer
import Synchronization

/// Answers in the way that the path asks for.
final class TestHandler: HTTPHandler {
  /// What was noted while answering.
  let notes = Mutex<[String]>([])

  func answer(_ request: HTTPRequest, _ call: HTTPCall) {
    switch request.path {
    case "/echo": call.send(HTTPResponse(status: 200, contentType: request.contentType, body: request.body))
    case "/length": call.send(text(String(request.body.count)))
    case "/slow":
      pause(0.2)
      call.send(text("slow"))
    case "/silent": break
    case "/wait":
      note("begun")
      while !call.isCancelled { pause(0.005) }
      note("cancelled")
    case "/large":
      note("large")
      call.send(HTTPResponse(status: 200, body: [UInt8](repeating: 7, count: 4 << 20)))
    case "/stream":
      call.begin(contentType: "application/x-ndjson")
      do {
        for line in 0..<3 { try call.write("line \(line)\n".utf8) }
      } catch { note("\(error)") }
      call.end()
    case "/endless":
      call.begin(contentType: "text/plain")
      var count = 0
      do {
        while count < 1000 {
          try call.write([UInt8](repeating: 1, count: 1 << 20))
          count += 1
        }
      } catch { note("\(error) \(count < 1000)") }
    case "/unfinished":
      call.begin(contentType: "text/plain")
      try? call.write("half".utf8)
    case "/twice":
      call.send(text("once"))
      call.send(text("twice"))
      call.begin(contentType: "text/plain")
      do { try call.write("more".utf8) } catch { note("\(error)") }
      call.end()
    case "/empty": call.send(HTTPResponse(status: 204, text: "nothing"))
    case "/injection": call.send(HTTPResponse(status: 200, headers: [("X-Name", "a\r\nX-Evil: b")]))
    default:
      let query = request.query.map { "\($0.0)=\($0.1)" }.joined(separator: "|")
      call.send(text("\(request.method) \(request.path) \(query)"))
    }
  }

  func refusal(status: Int, text: String, path: String?) -> HTTPResponse {
    HTTPResponse(status: status, text: "\(path ?? "?"): \(text)")
  }

  private func text(_ text: String) -> HTTPResponse { HTTPResponse(status: 200, text: text) }

  private func note(_ text: String) { notes.withLock { $0.append(text) } }

  /// Waits up to five seconds for a note, and says how many seconds that took; nil if it does not come.
  func seconds(until note: String) -> Double? {
    let start = ContinuousClock.now
    while ContinuousClock.now - start < .seconds(5) {
      if notes.withLock({ $0.contains(note) }) { return (ContinuousClock.now - start) / .seconds(1) }
      pause(0.002)
    }
    return nil
  }
}

/// A server with its handler, stopped at the end.
final class TestServer: Sendable {
  let handler = TestHandler()
  let server: HTTPServer
  let lines = LogLines()

  init(_ change: (inout HTTPServerSettings) -> Void = { _ in }) throws {
    var settings = HTTPServerSettings()
    settings.log = { [lines] line in lines.all.withLock { $0.append(line) } }
    change(&settings)
    server = try HTTPServer(settings, handler: handler)
  }

  deinit { server.stop() }

  var port: Int { server.port }

  /// The answer to one request, on a connection of its own; the `Host` header is added.
  func ask(_ line: String, _ fields: [String] = [], body: String? = nil) throws -> RawClient.Answer {
    let client = try RawClient(port)
    client.send(request(line, fields, body: body))
    return try client.receive(isHead: line.hasPrefix("HEAD"))
  }

  func request(_ line: String, _ fields: [String] = [], body: String? = nil) -> String {
    var fields = fields
    if !fields.contains(where: { $0.lowercased().hasPrefix("host:") }) { fields.append("Host: localhost:\(port)") }
    if let body { fields.append("Content-Length: \(body.utf8.count)") }
    return "\(line) HTTP/1.1\n" + fields.map { "\($0)\n" }.joined() + "\n" + (body ?? "")
  }
}

/// The lines of a log.
final class LogLines: Sendable {
  let all = Mutex<[String]>([])
}
