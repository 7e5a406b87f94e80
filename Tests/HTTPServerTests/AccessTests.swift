import HTTPServer
import Testing

@Suite struct AccessTests {
  private let token = "0123456789abcdef0123456789abcdef"

  @Test func refusesOtherNames() throws {
    let server = try TestServer { $0.allowedHosts = ["Proxy.example", "other.example:8443"] }
    for host in [
      "localhost:\(server.port)", "LocalHost:\(server.port)", "127.0.0.1:\(server.port)", "[::1]:\(server.port)",
      "proxy.example", "proxy.example:99", "other.example:8443",
    ] {
      #expect(try server.ask("GET /", ["Host: \(host)"]).status == 200, "\(host)")
    }
    for host in [
      "evil.example:\(server.port)", "localhost", "localhost:1", "127.0.0.1", "other.example", "other.example:1", "",
      "192.168.1.2:\(server.port)", "xproxy.example", "proxy.example.evil", "localhost:\(server.port)@evil", "[::1]",
      "localhost:\(server.port) evil",
    ] {
      #expect(try server.ask("GET /", ["Host: \(host)"]).status == 421, "\(host)")
    }
  }

  @Test func aServerOnEveryAddressTakesAddresses() throws {
    let server = try TestServer { $0.host = "0.0.0.0" }
    for (host, status) in [
      ("192.168.1.2:\(server.port)", 200), ("[fe80::1]:\(server.port)", 200), ("192.168.1.2", 421),
      ("192.168.1.2:1", 421), ("evil.example:\(server.port)", 421),
    ] {
      #expect(try server.ask("GET /", ["Host: \(host)"]).status == status, "\(host)")
    }
  }

  @Test func refusesOtherOriginsWhereSomethingIsDone() throws {
    let server = try TestServer { $0.allowedHosts = ["proxy.example"] }
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
      for origin in ["http://localhost:\(server.port)", "https://proxy.example"] {
        let answer = try server.ask("\(method) /echo", ["Origin: \(origin)"], body: "")
        #expect(answer.status == 200)
        #expect(!answer.headers.contains { $0.name.hasPrefix("access-control") })
      }
      for origin in ["http://evil.example", "null", "http://localhost", "ftp://localhost:\(server.port)", ""] {
        let answer = try server.ask("\(method) /echo", ["Origin: \(origin)"], body: "")
        #expect(answer.status == 403)
        #expect(!answer.headers.contains { $0.name.hasPrefix("access-control") })
      }
    }
    #expect(try server.ask("GET /", ["Origin: http://evil.example"]).status == 200)
  }

  @Test func pagesOfOtherSitesMayOnlyLink() throws {
    let server = try TestServer()
    for site in ["cross-site", "same-site"] {
      let foreign = "Sec-Fetch-Site: \(site)"
      let link = [foreign, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"]
      #expect(try server.ask("GET /", link).status == 200)
      #expect(try server.ask("GET /", [foreign, "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"]).status == 403)
      #expect(
        try server.ask("GET /", [foreign, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"]).status == 403)
      #expect(try server.ask("POST /echo", link, body: "").status == 403)
      #expect(try server.ask("GET /", [foreign]).status == 403)
    }
    #expect(try server.ask("GET /", ["Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors"]).status == 200)
    #expect(try server.ask("GET /", ["Sec-Fetch-Site: none"]).status == 200)
  }

  @Test func aTokenOpensTheServer() throws {
    let server = try TestServer { $0.token = token }
    for fields in [
      [], ["Authorization: Bearer 0"], ["Authorization: Basic \(token)"], ["Authorization: Bearer \(token)0"],
      ["Authorization: Bearer \(token.dropLast())"], ["Authorization: Bearer \(token)\(token)"],
      ["Cookie: token-1=\(token)"], ["Cookie: token-\(server.port)="], ["Authorization: Bearer"],
    ] {
      let answer = try server.ask("GET /x", fields)
      #expect(answer.status == 401 && answer.body.contains("Open the address"), "\(fields)")
      #expect(answer["www-authenticate"] == "Bearer")
      #expect(try server.ask("POST /echo", fields, body: "x").status == 401)
    }
    #expect(try server.ask("GET /x", ["Authorization: bearer \(token)"]).status == 200)
    #expect(try server.ask("GET /x", ["Cookie: a=b; token-\(server.port)=\(token)"]).status == 200)
    #expect(try server.ask("GET /x", ["Cookie: token-\(server.port)=old; token-\(server.port)=\(token)"]).status == 200)
    #expect(try server.ask("GET /x", ["Host: evil.example", "Authorization: Bearer \(token)"]).status == 421)
  }

  @Test func theTokenLeavesTheAddressForACookie() throws {
    let server = try TestServer { $0.token = token }
    let answer = try server.ask("GET /?a=1&token=\(token)&b=%20")
    #expect(answer.status == 303 && answer["location"] == "./?a=1&b=%20")
    #expect(answer["set-cookie"] == "token-\(server.port)=\(token); HttpOnly; SameSite=Strict")
    #expect(try server.ask("GET /?token=\(token)")["location"] == "./")
    #expect(try server.ask("GET /?token=wrong").status == 401)
    #expect(try server.ask("GET /?token=").status == 401)
    let known = try server.ask("GET /?token=old", ["Cookie: token-\(server.port)=\(token)"])
    #expect(known.status == 303 && known["set-cookie"] == nil)
    #expect(try server.ask("GET /x?token=\(token)").status == 401)
    #expect(try server.ask("POST /?token=\(token)", body: "").status == 401)
    #expect(try server.ask("HEAD /?token=\(token)").status == 401)
  }

  @Test func theLogHasNeitherQueryNorToken() throws {
    let server = try TestServer { $0.token = token }
    _ = try server.ask("GET /?token=\(token)")
    _ = try server.ask("GET /a?token=\(token)", ["Authorization: Bearer \(token)"])
    _ = try server.ask("GET /%1b[31m?x=\(token)", ["Cookie: token-\(server.port)=\(token)"])
    _ = try RawClient(server.port).send("nonsense \(token)\n\n")
    pause(0.1)
    let lines = server.lines.all.withLock { $0 }
    #expect(lines.count == 4)
    #expect(!lines.contains { $0.contains(token) || $0.contains("?") })
    #expect(lines[0].hasPrefix("GET / 303 ") && lines[1].hasPrefix("GET /a 200 ") && lines[3].hasPrefix("- - 400 "))
  }

  @Test func everyAnswerProtectsItself() throws {
    let server = try TestServer {
      $0.token = token
      $0.contentSecurityPolicy = "default-src 'none'"
    }
    let bearer = "Authorization: Bearer \(token)"
    let client = try RawClient(server.port)
    client.send("nonsense\n\n")
    for answer in [
      try server.ask("GET /x", [bearer]), try server.ask("GET /stream", [bearer]), try server.ask("GET /x"),
      try server.ask("GET /?token=\(token)"), try server.ask("GET /silent", [bearer]), try client.receive(),
    ] {
      #expect(answer["content-security-policy"] == "default-src 'none'")
      #expect(answer["x-content-type-options"] == "nosniff")
      #expect(answer["x-frame-options"] == "DENY")
      #expect(answer["cache-control"] == "no-store")
      #expect(answer["referrer-policy"] == "no-referrer")
      #expect(answer["cross-origin-opener-policy"] == "same-origin")
      #expect(answer["cross-origin-resource-policy"] == "same-origin")
    }
  }

  @Test func aHandlerCannotBreakTheHead() throws {
    let answer = try TestServer().ask("GET /injection")
    #expect(answer["x-name"] == "a  X-Evil: b" && answer["x-evil"] == nil)
  }

  @Test func tokensHave128Bits() {
    let tokens = (0..<100).map { _ in AccessToken.random() }
    #expect(Set(tokens).count == 100)
    #expect(tokens.allSatisfy { $0.utf8.count == 32 && $0.allSatisfy { $0.isHexDigit } })
  }
}
