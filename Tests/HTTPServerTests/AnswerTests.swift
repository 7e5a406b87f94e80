import HTTPServer
import Synchronization
import Testing

@Suite struct AnswerTests {
  @Test func writesInPieces() throws {
    let server = try TestServer()
    let client = try RawClient(server.port)
    client.send(server.request("GET /stream") + server.request("GET /x"))
    let answer = try client.receive()
    #expect(answer["transfer-encoding"] == "chunked" && answer["content-type"] == "application/x-ndjson")
    #expect(answer.body == "line 0\nline 1\nline 2\n")
    #expect(try client.receive().status == 200)
  }

  @Test func answersOnce() throws {
    let server = try TestServer()
    let client = try RawClient(server.port)
    client.send(server.request("GET /twice") + server.request("GET /x"))
    #expect(try client.receive().body == "once\n")
    #expect(try client.receive().body == "GET /x \n")
    // The handler goes on after its answer was sent.
    for _ in 0..<500 where server.handler.notes.withLock({ $0.isEmpty }) { pause(0.01) }
    #expect(server.handler.notes.withLock { $0 } == ["notBegun"])
  }

  @Test func noAnswerIsAnError() throws {
    let server = try TestServer()
    let client = try RawClient(server.port)
    client.send(server.request("GET /silent") + server.request("GET /x"))
    #expect(try client.receive().status == 500)
    #expect(try client.receive().status == 200)
  }

  @Test func theHandlerKnowsWhichMethodsAPathTakes() throws {
    let server = try TestServer()
    for method in ["TRACE", "PURGE", "QUERY"] {
      #expect(try server.ask("\(method) /x").body == "\(method) /x \n")
    }
  }

  @Test func theHandlerWordsRefusals() throws {
    let server = try TestServer()
    #expect(try server.ask("GET /a%20b", ["Expect: 200-ok"]).body.hasPrefix("/a b: The server meets no"))
    #expect(try server.ask("GET /%00").body.hasPrefix("/%00: "))
    #expect(try server.ask("GET /silent").body.hasPrefix("/silent: "))
  }

  @Test func anUnfinishedAnswerBreaksOff() throws {
    let server = try TestServer()
    let client = try RawClient(server.port)
    client.send(server.request("GET /unfinished"))
    #expect(throws: RawClient.Failure.self) { try client.receive() }
    #expect(try server.ask("GET /x").status == 200)
  }

  @Test func aClientThatLeavesCancels() throws {
    let server = try TestServer()
    let client = try RawClient(server.port)
    client.send(server.request("GET /wait"))
    #expect(server.handler.seconds(until: "begun") != nil)
    client.close()
    #expect(try #require(server.handler.seconds(until: "cancelled")) < 1)
  }

  @Test func aClientThatLeavesWithRequestsUnreadCancels() throws {
    let server = try TestServer()
    let client = try RawClient(server.port)
    client.send(server.request("GET /wait"))
    #expect(server.handler.seconds(until: "begun") != nil)
    client.send((0..<100).map { _ in server.request("GET /x") }.joined())
    client.close()
    #expect(try #require(server.handler.seconds(until: "cancelled")) < 1)
  }

  @Test func waitsForClientsThatDoNotRead() throws {
    let server = try TestServer { $0.answerSeconds = 0.5 }
    let client = try RawClient(server.port)
    client.send(server.request("GET /endless"))
    #expect(server.handler.seconds(until: "cancelled true") != nil)
  }

  @Test func aStreamEndsWhenTheClientLeaves() throws {
    let server = try TestServer()
    let client = try RawClient(server.port)
    client.send(server.request("GET /endless"))
    pause(0.1)
    client.close()
    #expect(try #require(server.handler.seconds(until: "cancelled true")) < 1)
  }

  @Test func requestsOfAClientThatDoesNotReadWait() throws {
    let server = try TestServer()
    let client = try RawClient(server.port, seconds: 1)
    client.send((0..<200).map { _ in server.request("GET /large") }.joined())
    pause(0.5)
    #expect(server.handler.notes.withLock { $0.count { $0 == "large" } } < 50)
    for _ in 0..<200 { #expect(try client.receive().body.utf8.count == 4 << 20) }
  }

  @Test func requestsBehindALongOneStayWithTheClient() throws {
    let server = try TestServer()
    let client = try RawClient(server.port, seconds: 0.5)
    client.send(server.request("GET /wait"))
    #expect(server.handler.seconds(until: "begun") != nil)
    let many = RawClient.bytes((0..<20_000).map { _ in server.request("GET /x") }.joined())
    #expect((0..<40).contains { _ in !client.send(many) })
  }

  @Test func computationsEndWhenTheirTimeIsOver() throws {
    let server = try TestServer { $0.answerSeconds = 0.2 }
    #expect(try server.ask("GET /wait").status == 504)
    #expect(try server.ask("GET /x").status == 200)
  }

  @Test func stopsAtOnce() throws {
    let server = try TestServer()
    let clients = try (0..<4).map { _ in try RawClient(server.port) }
    for client in clients { client.send(server.request("GET /wait")) }
    #expect(server.handler.seconds(until: "begun") != nil)
    let start = ContinuousClock.now
    server.server.stop()
    server.server.stop()
    server.server.run()
    pause(0.05)
    server.server.run()
    for client in clients { #expect(client.isClosed()) }
    #expect(server.handler.seconds(until: "cancelled") != nil)
    #expect(ContinuousClock.now - start < .seconds(0.5))
    #expect(throws: RawClient.Failure.self) { try RawClient(server.port) }
  }

  @Test func saysThatAPortIsTaken() throws {
    let server = try TestServer()
    #expect(throws: HTTPServerError.portTaken(host: "127.0.0.1", port: server.port)) {
      try TestServer { $0.port = server.port }
    }
    #expect(
      throws: HTTPServerError.cannotListen(
        host: "203.0.113.1", port: 0, reason: "Cannot assign requested address")
    ) { try TestServer { $0.host = "203.0.113.1" } }
    let port = server.port
    server.server.stop()
    server.server.run()
    #expect(try TestServer { $0.port = port }.ask("GET /x").status == 200)
  }

  @Test func twoServersShareAProcess() throws {
    let (first, second) = (try TestServer { $0.token = "one" }, try TestServer { $0.token = "two" })
    let both = "Cookie: token-\(first.port)=one; token-\(second.port)=two"
    #expect(try first.ask("GET /x", [both]).status == 200)
    #expect(try second.ask("GET /x", [both]).status == 200)
    #expect(try first.ask("GET /x", ["Authorization: Bearer two"]).status == 401)
    first.server.stop()
    #expect(try second.ask("GET /x", [both]).status == 200)
  }
}
