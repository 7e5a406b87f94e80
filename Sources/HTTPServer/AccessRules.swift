import NIOCore
import NIOHTTP1

/// Who is admitted: by the name that the server was asked for, the page that asks, and the token that it shows.
struct AccessRules {
  /// What the rules say of a request.
  enum Verdict {
    case admitted
    /// Refused with this status, for this reason.
    case refused(Int, String)
    /// Sent on to the same page without the token in its address, with the token in a cookie instead.
    case redirected(location: String, cookie: String?)
  }

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

  /// The verdict on a request; `target` is what its request line asks for.
  func verdict(on head: HTTPRequestHead, target: RequestTarget) -> Verdict {
    let hosts = head.headers["host"]
    guard hosts.count == 1 else { return .refused(400, "A request must name exactly one host.") }
    guard knows(authority: hosts[0]) else {
      return .refused(421, "This server does not go by the name in the request's Host header.")
    }
    if let reason = foreign(head) { return .refused(403, reason) }
    guard let token else { return .admitted }
    return verdict(on: head, target: target, token: token)
  }

  private func verdict(on head: HTTPRequestHead, target: RequestTarget, token: String) -> Verdict {
    let isKnown = showsToken(head, token)
    if head.method == .GET, target.path == "/", let shown = target.query.first(where: { $0.0 == "token" })?.1 {
      let isRight = AccessToken.equal(token, shown)
      if isRight || isKnown {
        let rest = target.encodedQuery.filter { RequestTarget("/?\($0)")?.query.first?.0 != "token" }
        return .redirected(
          location: "./" + (rest.isEmpty ? "" : "?" + rest.joined(separator: "&")),
          // No Secure: the server speaks plain HTTP, over which a browser would not send the cookie back. No Path: that
          // of the request is the default, so the cookie stays below the path of a proxy.
          cookie: isRight ? "\(cookieName)=\(token); HttpOnly; SameSite=Strict" : nil)
      }
    }
    return isKnown ? .admitted : .refused(401, "Open the address that the server printed when it started.")
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
