import Testing

@Suite struct MangledRequestTests {
  /// Requests with bytes changed, repeated and left out, in pieces, end in an answer or a closed connection, and the
  /// server goes on.
  @Test func mangledRequestsHarmNobody() throws {
    let server = try TestServer {
      $0.headerSeconds = 0.05
      $0.bodySeconds = 0.05
    }
    var random = Numbers(state: 19)
    let models = [
      server.request("POST /echo?a=%20b", ["Content-Type: text/plain", "Expect: 100-continue"], body: "some text"),
      server.request("POST /echo", ["Transfer-Encoding: chunked", "Cookie: a=b"])
        + "3;a=b\nabc\n10\n0123456789abcdef\n0\n\n",
      server.request("GET /x", ["Connection: Upgrade", "Upgrade: h2c", "Origin: http://localhost"]) + "\n\n",
    ].map(RawClient.bytes)
    for _ in 0..<400 {
      var bytes = models[Int.random(in: 0..<models.count, using: &random)]
      bytes += models[Int.random(in: 0..<models.count, using: &random)]
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(contentsOf: bytes[place...].prefix(20), at: place)
        default: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        }
      }
      let client = try RawClient(server.port)
      let cut = Int.random(in: 0..<bytes.count, using: &random)
      client.send(Array(bytes[..<cut]))
      client.send(Array(bytes[cut...]))
      if Bool.random(using: &random) { _ = try? client.receive() }
    }
    #expect(try server.ask("POST /echo", body: "abc").body == "abc")
  }
}

/// The same numbers on every run.
private struct Numbers: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ state >> 31
  }
}
