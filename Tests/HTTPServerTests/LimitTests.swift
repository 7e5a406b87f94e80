import HTTPServer
import Testing

@Suite struct LimitTests {
  @Test func headsAreLimited() throws {
    let server = try TestServer { $0.maximumHeadBytes = 1000 }
    let long = String(repeating: "a", count: 1000)
    #expect(try server.ask("GET /\(long)").status == 431)
    #expect(try server.ask("GET /", ["X: \(long)"]).status == 431)
    #expect(try server.ask("GET /", ["\(long): x"]).status == 431)
    #expect(try server.ask("GET /", (0..<100).map { "X\($0):" }).status == 431)
    let client = try RawClient(server.port)
    client.send("GET / HTTP/1.1\nX: ")
    client.send([UInt8](repeating: 97, count: 10000))
    #expect(try client.receive().status == 431)
    #expect(client.isClosed())
    let trailers = server.request("POST /echo", ["Transfer-Encoding: chunked"]) + "0\nX: \(long)\n\n"
    let second = try RawClient(server.port)
    second.send(trailers)
    #expect(try second.receive().status == 431)
  }

  @Test func bodiesAreLimited() throws {
    let server = try TestServer { $0.maximumBodyBytes = 1000 }
    #expect(try server.ask("POST /length", body: String(repeating: "a", count: 1000)).body == "1000\n")
    #expect(try server.ask("POST /length", ["Content-Length: 1001"]).status == 413)
    let client = try RawClient(server.port)
    client.send(server.request("POST /length", ["Transfer-Encoding: chunked"]))
    for _ in 0..<2 { client.send("1f4\n" + String(repeating: "a", count: 500) + "\n") }
    client.send("1\na\n")
    #expect(try client.receive().status == 413)
    #expect(client.isClosed())
  }

  @Test func aClientThatGoesOnSendingReadsItsRefusal() throws {
    let server = try TestServer { $0.maximumBodyBytes = 1000 }
    let client = try RawClient(server.port)
    client.send(server.request("POST /length", ["Content-Length: 20000000"]))
    for _ in 0..<20 { #expect(client.send([UInt8](repeating: 0, count: 1_000_000))) }
    #expect(try client.receive().status == 413)
  }

  @Test func bodiesTogetherAreLimited() throws {
    let server = try TestServer { $0.maximumHeldBytes = 1500 }
    let body = String(repeating: "a", count: 1000)
    let first = try RawClient(server.port)
    first.send(server.request("POST /length", ["Content-Length: 1001"]) + body)
    pause(0.1)
    let refused = try server.ask("POST /length", body: body)
    #expect(refused.status == 503 && refused["retry-after"] != nil)
    first.send("a")
    #expect(try first.receive().body == "1001\n")
    for _ in 0..<10 {
      // The bytes are given back once the handler has returned, after its answer.
      pause(0.05)
      #expect(try server.ask("POST /length", body: body).status == 200)
    }
    for _ in 0..<10 {
      let client = try RawClient(server.port)
      client.send(server.request("POST /length", ["Content-Length: 1001"]) + body)
      pause(0.02)
      client.close()
    }
    pause(0.1)
    #expect(try server.ask("POST /length", body: body).status == 200)
  }

  @Test func slowHeadsAreEnded() throws {
    let server = try TestServer { $0.headerSeconds = 0.3 }
    let client = try RawClient(server.port)
    let start = ContinuousClock.now
    for byte in "GET / HTTP/1.1".utf8 {
      client.send([byte])
      pause(0.03)
    }
    #expect(try client.receive().status == 408)
    #expect(client.isClosed())
    #expect(ContinuousClock.now - start < .seconds(2))
  }

  @Test func slowBodiesAreEnded() throws {
    let server = try TestServer { $0.bodySeconds = 0.3 }
    for field in ["Content-Length: 1000", "Transfer-Encoding: chunked"] {
      let client = try RawClient(server.port)
      client.send(server.request("POST /echo", [field]))
      for _ in 0..<12 {
        client.send("1\na\n")
        pause(0.03)
      }
      #expect(try client.receive().status == 408)
      #expect(client.isClosed())
    }
  }

  @Test func idleConnectionsAreEnded() throws {
    let server = try TestServer { $0.idleSeconds = 0.3 }
    let (silent, client) = (try RawClient(server.port), try RawClient(server.port))
    client.send(server.request("GET /x"))
    #expect(try client.receive().status == 200)
    pause(0.1)
    client.send(server.request("GET /x"))
    #expect(try client.receive().status == 200)
    let start = ContinuousClock.now
    #expect(silent.isClosed() && client.isClosed())
    #expect(ContinuousClock.now - start < .seconds(1))
  }

  @Test func requestsInWorkAreLimited() throws {
    let server = try TestServer {
      $0.workers = 2
      $0.maximumWaiting = 4
    }
    let clients = try (0..<4).map { _ in try RawClient(server.port) }
    for client in clients { client.send(server.request("GET /wait")) }
    pause(0.1)
    let refused = try server.ask("GET /x")
    #expect(refused.status == 503 && refused["retry-after"] == "1")
    // One that waited leaves, and its place is free although both workers are busy.
    clients[3].close()
    clients[2].close()
    pause(0.1)
    let next = try RawClient(server.port)
    next.send(server.request("GET /x"))
    pause(0.1)
    clients[0].close()
    #expect(try next.receive().status == 200)
  }

  @Test func connectionsInWorkAreNotReplaced() throws {
    let server = try TestServer { $0.maximumConnections = 2 }
    let working = try (0..<2).map { _ in try RawClient(server.port) }
    for client in working { client.send(server.request("GET /wait")) }
    for _ in 0..<500 where server.handler.notes.withLock({ $0.count { $0 == "begun" } }) < 2 { pause(0.01) }
    #expect(try RawClient(server.port).isClosed())
    working[0].close()
    pause(0.1)
    #expect(try server.ask("GET /x").status == 200)
    withExtendedLifetime(working) {
      #expect(server.handler.notes.withLock { $0.count { $0 == "cancelled" } } == 1)
    }
  }

  @Test func connectionsHeldOpenKeepNobodyOut() throws {
    // Requests in work are no matter here: there are no more of them than connections.
    let server = try TestServer { $0.maximumWaiting = $0.maximumConnections }
    let clients = try (0..<200).map { number in
      let client = try RawClient(server.port)
      let starts = ["GET / HT", "", server.request("POST /echo", ["Content-Length: 9"]), server.request("GET /x")]
      client.send(starts[number % 4])
      return client
    }
    for _ in 0..<10 {
      for client in clients { client.send("a") }
      let start = ContinuousClock.now, status = try server.ask("GET /x").status
      #expect(status == 200)
      #expect(ContinuousClock.now - start < .seconds(1))
    }
  }
}
