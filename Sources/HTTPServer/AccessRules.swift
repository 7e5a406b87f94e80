import NIOCore
import NIOHTTP1

/// Who is admitted: by the name that the server was asked for, the page that asks, and the token that it shows.
struct AccessRules {
  private let host: String
  private let port: Int
  private let token: String?
  private let hosts: Set<String>
  private let names: Set<String>
  private let listensEverywhere: Bool

  init(_ settings: HTTPServerSettings, host: String, port: Int) {
    self.host = host.lowercased()
    self.port = port
    token = settings.token
    listensEverywhere = host == "0.0.0.0" || host == "::"
    let host = self.host
    let own = [host.contains(":") ? "[\(host)]" : host, "localhost", "127.0.0.1", "[::1]"]
    // A client leaves out the port that its protocol implies.
    let plain = port == 80 ? own : []
    let allowed = settings.allowedHosts.map { $0.lowercased() }
    hosts = Set(own.map { "\($0):\(port)" } + plain + allowed)
    names = Set(allowed.filter { Self.name(of: $0) == $0 })
  }

  /// Why a request is not admitted, or sent elsewhere first; `target` is what its request line asks for.
  func refusal(of head: HTTPRequestHead, target: RequestTarget) -> Refusal? {
    let hosts = head.headers["host"]
    guard hosts.count == 1 else { return Refusal(400, "A request must name exactly one host.") }
    guard knows(authority: hosts[0]) else {
      return Refusal(421, "This server does not go by the name in the request's Host header.")
    }
    if let reason = foreign(head) { return Refusal(403, reason) }
    return token.flatMap { refusal(of: head, target: target, token: $0) }
  }

  private func refusal(of head: HTTPRequestHead, target: RequestTarget, token: String) -> Refusal? {
    let isKnown = showsToken(head, token)
    if head.method == .GET, target.path == "/", let shown = target.query.first(where: { $0.0 == "token" })?.1 {
      let isRight = AccessToken.equal(token, shown)
      if isRight || isKnown { return redirection(target, cookie: isRight ? token : nil) }
    }
    if isKnown { return nil }
    return Refusal(
      401, "Open the address that the server printed when it started.", headers: [("WWW-Authenticate", "Bearer")])
  }

  /// Sends a client on to the same page without the token in its address, with the token in a cookie instead.
  private func redirection(_ target: RequestTarget, cookie token: String?) -> Refusal {
    let rest = target.encodedQuery.filter { RequestTarget("/?\($0)")?.query.first?.0 != "token" }
    let location = "./" + (rest.isEmpty ? "" : "?" + rest.joined(separator: "&"))
    var headers = [("Location", location)]
    if let token {
      // No Secure: the server speaks plain HTTP, over which a browser would not send the cookie back. No Path: that of
      // the request is the default, so the cookie stays below the path of a proxy.
      headers.append(("Set-Cookie", "\(cookieName)=\(token); HttpOnly; SameSite=Strict"))
    }
    return Refusal(303, "The page is at \(location)", headers: headers)
  }

  /// Cookies are shared by all ports of a host, so each server has a name of its own.
  private var cookieName: String { "token-\(port)" }

  private func showsToken(_ head: HTTPRequestHead, _ token: String) -> Bool {
    for cookie in head.headers["cookie"].flatMap({ $0.split(separator: ";") }) {
      let sides = cookie.split(separator: "=", maxSplits: 1).map { $0.trimming(" ") }
      if sides.count == 2, sides[0] == cookieName, AccessToken.equal(token, sides[1]) { return true }
    }
    return head.headers["authorization"].contains { field in
      let words = field.split(separator: " ")
      return words.count == 2 && words[0].lowercased() == "bearer" && AccessToken.equal(token, words[1])
    }
  }

  /// Why a request comes from another site's page, if it does.
  private func foreign(_ head: HTTPRequestHead) -> String? {
    let isReading = head.method == .GET || head.method == .HEAD
    if !isReading, !head.headers["origin"].allSatisfy(knows(origin:)) {
      return "Pages of other origins may not ask this server for anything."
    }
    // Another port of this machine is of the same site, but not of the same origin.
    let isFromElsewhere = head.headers["sec-fetch-site"].contains { $0 != "same-origin" && $0 != "none" }
    let isNavigation =
      head.method == .GET && head.headers["sec-fetch-mode"] == ["navigate"]
      && head.headers["sec-fetch-dest"] == ["document"]
    return isFromElsewhere && !isNavigation ? "Pages of other sites may only link to this server." : nil
  }

  private func knows(origin: String) -> Bool {
    for scheme in ["http://", "https://"] where origin.hasPrefix(scheme) {
      return knows(authority: String(origin.dropFirst(scheme.count)))
    }
    return false
  }

  /// Refusing names that are not the server's own stops pages that let theirs point to this machine (DNS rebinding).
  private func knows(authority: String) -> Bool {
    let authority = authority.lowercased()
    if hosts.contains(authority) || names.contains(Self.name(of: authority)) { return true }
    // A server on every address cannot list them; rebinding needs a name, which an address is not.
    guard listensEverywhere else { return false }
    let name = Self.name(of: authority)
    let isAddress = (try? SocketAddress(ipAddress: name.trimming("[]"), port: port)) != nil
    return isAddress && (authority == "\(name):\(port)" || port == 80 && authority == name)
  }

  /// The part of an authority before its port.
  private static func name(of authority: String) -> String {
    guard let colon = authority.lastIndex(of: ":"),
      authority[authority.index(after: colon)...].allSatisfy({ $0.isASCII && $0.isNumber })
    else { return authority }
    return String(authority[..<colon])
  }
}

extension StringProtocol {
  /// The text without those characters at its ends.
  fileprivate func trimming(_ characters: String) -> String {
    let start = drop { characters.contains($0) }
    return String(start.reversed().drop { characters.contains($0) }.reversed())
  }
}
