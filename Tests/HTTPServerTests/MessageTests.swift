import Testing

@testable import HTTPServer

@Suite struct MessageTests {
  @Test func answersByMethodAndPath() throws {
    let server = try TestServer()
    let answer = try server.ask("GET /a%20b/%C3%A9?x=1%2B1&y=a+b&z")
    #expect(answer.status == 200 && answer.body == "GET /a b/é x=1+1|y=a b|z=\n")
    #expect(try server.ask("POST /echo", ["Content-Type: text/x"], body: "abc")["content-type"] == "text/x")
    #expect(try server.ask("POST /echo", body: "abc").body == "abc")
  }

  @Test(arguments: [
    "/%ff", "/%", "/%4", "/%zz", "/a%00b", "/a%0d%0ab", "/%c2%85", "/%7f", "/..", "/a/../b", "/a/%2e%2E/b", "/./a",
    "/..%2fetc", "/a#b", "/?x=%ff", "/?%0a=1", "*", "http://localhost/", "a",
  ])
  func refusesTargets(_ target: String) throws {
    let server = try TestServer()
    #expect(try server.ask("GET \(target)").status == 400)
    #expect(try server.ask("GET /").status == 200)
  }

  @Test func takesHarmlessTargets() throws {
    #expect(RequestTarget("/...")?.path == "/...")
    #expect(RequestTarget("/a.b//c")?.path == "/a.b//c")
    #expect(RequestTarget("/%252e%252e/")?.path == "/%2e%2e/")
    #expect(RequestTarget("/a+b?")?.path == "/a+b")
    #expect(RequestTarget("/?a=b=c")?.query.first?.1 == "b=c")
  }

  @Test func headHasNoBody() throws {
    let server = try TestServer()
    let client = try RawClient(server.port)
    client.send(server.request("HEAD /echo") + server.request("HEAD /stream") + server.request("GET /x"))
    let first = try client.receive(isHead: true)
    #expect(first.status == 200 && first["content-length"] == "0")
    let second = try client.receive(isHead: true)
    #expect(second.status == 200 && second["transfer-encoding"] == nil && second["content-length"] == nil)
    #expect(try client.receive().body == "GET /x \n")
    #expect(try server.ask("HEAD /x")["content-length"] == "8")
  }

  @Test func emptyAnswersHaveNoLength() throws {
    let server = try TestServer()
    let client = try RawClient(server.port)
    client.send(server.request("DELETE /empty") + server.request("GET /x"))
    let answer = try client.receive()
    #expect(answer.status == 204 && answer["content-length"] == nil)
    #expect(try client.receive().status == 200)
  }

  @Test func pipelinedRequestsAreAnsweredInOrder() throws {
    let server = try TestServer()
    let client = try RawClient(server.port)
    let count = 200
    client.send(
      server.request("GET /slow") + (0..<count).map { server.request("POST /echo", body: "\($0)") }.joined())
    #expect(try client.receive().body == "slow\n")
    for number in 0..<count { #expect(try client.receive().body == "\(number)") }
  }

  @Test func pipelinedErrorFollowsTheAnswers() throws {
    let server = try TestServer()
    let client = try RawClient(server.port)
    client.send(server.request("GET /slow") + server.request("GET /x") + "nonsense\n\n")
    #expect(try client.receive().body == "slow\n")
    #expect(try client.receive().status == 200)
    #expect(try client.receive().status == 400)
    #expect(client.isClosed())
  }

  @Test func continues() throws {
    let server = try TestServer()
    let client = try RawClient(server.port)
    client.send(server.request("POST /echo", ["Expect: 100-continue", "Content-Length: 3"]))
    #expect(try client.receive().status == 100)
    client.send("abc")
    #expect(try client.receive().body == "abc")
    #expect(try server.ask("POST /echo", ["Expect: miracles"], body: "").status == 417)
    let large = ["Expect: 100-continue", "Content-Length: 99999999999"]
    #expect(try server.ask("POST /echo", large).status == 413)
  }

  @Test func takesBodiesInChunks() throws {
    let server = try TestServer()
    let head = server.request("POST /echo", ["Transfer-Encoding: chunked"])
    let client = try RawClient(server.port)
    client.send(head + "3;x=y\nabc\n2\nde\n0\nTrailer: x\n\n" + head + "0\n\n" + server.request("GET /x"))
    #expect(try client.receive().body == "abcde")
    #expect(try client.receive().body == "")
    #expect(try client.receive().body == "GET /x \n")
  }

  @Test(arguments: [
    "GET / HTTP/1.1\nHost: HOST\n folded\n\n", "GET / HTTP/1.1\nX: a\n\tfolded\nHost: HOST\n\n",
    "POST /echo HTTP/1.1\nHost: HOST\nContent-Length: 3\nTransfer-Encoding: chunked\n\n0\n\n",
    "POST /echo HTTP/1.1\nHost: HOST\nTransfer-Encoding: chunked\nContent-Length: 3\n\n0\n\n",
    "POST /echo HTTP/1.1\nHost: HOST\nContent-Length: 3\nContent-Length: 3\n\nabc",
    "POST /echo HTTP/1.1\nHost: HOST\nContent-Length: 3, 3\n\nabc",
    "POST /echo HTTP/1.1\nHost: HOST\nContent-Length: -3\n\nabc",
    "POST /echo HTTP/1.1\nHost: HOST\nContent-Length: +3\n\nabc",
    "POST /echo HTTP/1.1\nHost: HOST\nContent-Length: 0x3\n\nabc",
    "POST /echo HTTP/1.1\nHost: HOST\nContent-Length: 99999999999999999999999\n\nabc",
    "POST /echo HTTP/1.1\nHost: HOST\nTransfer-Encoding: gzip, chunked\n\n0\n\n",
    "POST /echo HTTP/1.1\nHost: HOST\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n0\n\n",
    "POST /echo HTTP/1.1\nHost: HOST\nTransfer-Encoding: chunked, identity\n\nabc",
    "POST /echo HTTP/1.1\nHost: HOST\nTransfer-Encoding: xchunked\n\n0\n\n",
    "POST /echo HTTP/1.1\nHost: HOST\nTransfer-Encoding: chunked\n\nzz\nabc\n0\n\n",
    "POST /echo HTTP/1.1\nHost: HOST\nTransfer-Encoding: chunked\n\n1\nab\n0\n\n",
    "POST /echo HTTP/1.1\nHost: HOST\nTransfer-Encoding: chunked\n\nfffffffffffffffff\nab\n0\n\n",
    "GET / HTTP/1.1\nHost : HOST\n\n", "GET / HTTP/1.1\nHost: HOST\nX Y: a\n\n", "GET / HTTP/1.1\n: a\nHost: HOST\n\n",
    "GET / HTTP/1.1\nHost: HOST\nX: a\u{1}b\n\n", "GET / HTTP/1.1\nHost: HOST\nX: a\u{0}b\n\n",
    "GET / HTTP/1.1\nHost: HOST\nX: a\rb\n\n", "GET / HTTP/1.1\nHost: HOST\nHost: HOST\n\n", "GET / HTTP/1.1\n\n",
    "GET / HTTP/1.0\n\n", "CONNECT HOST HTTP/1.1\nHost: HOST\n\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\n\n",
    "get / HTTP/1.1\nHost: HOST\n\n", "PRI * HTTP/2.0\n\nSM\n\n", "GET / HTTP/1.1\nHost:\n HOST\n\n",
    "GET / HTTP/1.1\nHost: HOST\n \n\n", "POST /echo HTTP/1.1\nHost: HOST\nContent-Length:\n 3\n\nabc",
    "POST /echo HTTP/1.1\nHost: HOST\nTransfer-Encoding:\n chunked\n\n0\n\n",
  ])
  func refusesRequestsThatAreUnclear(_ request: String) throws {
    let server = try TestServer()
    let client = try RawClient(server.port)
    client.send(
      request.split(separator: "HOST", omittingEmptySubsequences: false).joined(separator: "localhost:\(server.port)"))
    let status = try client.receive().status
    #expect([400, 413].contains(status), "\(status)")
    #expect(client.isClosed())
    #expect(server.handler.notes.withLock { $0.isEmpty })
    #expect(try server.ask("GET /").status == 200)
  }

  @Test(arguments: [
    ("GET / HTTP/2.0\nHost: HOST\n\n", 505), ("GET / HTTP/0.9\nHost: HOST\n\n", 505),
    ("GET /\n\n", 505), ("GET / HTTP/1.1 x\nHost: HOST\n\n", 505),
  ])
  func refusesOtherProtocols(_ request: String, _ expected: Int) throws {
    let server = try TestServer()
    let client = try RawClient(server.port)
    client.send(
      request.split(separator: "HOST", omittingEmptySubsequences: false).joined(separator: "localhost:\(server.port)"))
    #expect(try client.receive().status == expected)
    #expect(client.isClosed())
  }

  @Test func upgradesAreIgnored() throws {
    let server = try TestServer()
    let client = try RawClient(server.port)
    client.send(server.request("GET /x", ["Connection: Upgrade", "Upgrade: websocket"]))
    #expect(try client.receive().status == 200)
    #expect(client.isClosed())
  }

  @Test func speaksToClientsOfHTTP10() throws {
    let server = try TestServer()
    let client = try RawClient(server.port)
    client.send("GET /stream HTTP/1.0\nHost: localhost:\(server.port)\nConnection: keep-alive\n\n")
    let answer = try client.receive()
    #expect(answer["transfer-encoding"] == nil && answer.body == "line 0\nline 1\nline 2\n")
  }

  @Test func closesWhereTheClientAsks() throws {
    let server = try TestServer()
    let client = try RawClient(server.port)
    client.send(server.request("GET /x", ["Connection: close"]) + server.request("GET /x"))
    #expect(try client.receive()["connection"] == "close")
    #expect(client.isClosed())
  }
}
