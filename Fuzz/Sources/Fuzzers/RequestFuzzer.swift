import Foundation
import HTTPServer

@testable import Command

/// Sends a request to the server of a small model: the first line holds method and target, the rest is the body; after a
/// first byte `!`, all the rest is sent as it is.
///
/// Whatever it is, the server must not find a fault in itself.
func fuzzRequest(_ input: [UInt8]) throws {
  let bytes: [UInt8]
  if input.first == UInt8(ascii: "!") {
    bytes = Array(input.dropFirst())
  } else {
    let line = input.prefix { $0 != UInt8(ascii: "\n") }, body = input.dropFirst(line.count + 1)
    let head = " HTTP/1.1\r\nHost: localhost:\(FuzzedServer.port)\r\nContent-Length: \(body.count)\r\n\r\n"
    bytes = Array(line) + Array(head.utf8) + Array(body)
  }
  let answer = FuzzedServer.answer(to: bytes)
  if answer.starts(with: Array("HTTP/1.1 500".utf8)) { fatalError(String(decoding: answer, as: UTF8.self)) }
}

/// The server that requests go to.
private enum FuzzedServer {
  private static let server: HTTPServer = {
    do {
      let tests = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../Tests/CommandTests/Fixtures")
      let options = try Serve.parse([tests.standardizedFileURL.appendingPathComponent("plain.onnx").path])
      var settings = HTTPServerSettings()
      settings.maximumBodyBytes = 1 << 20
      return try HTTPServer(settings, handler: options.handler(addressFile: nil))
    } catch {
      fatalError("\(error)")
    }
  }()

  static var port: Int { server.port }

  /// The first bytes of the answer; none if there is none soon.
  static func answer(to bytes: [UInt8]) -> [UInt8] {
    let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(connection) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let isConnected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
    guard isConnected, send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
      return []
    }
    var waiting = pollfd(fd: connection, events: Int16(POLLIN), revents: 0)
    // Half a request is never answered.
    guard poll(&waiting, 1, 20) > 0 else { return [] }
    var answer = [UInt8](repeating: 0, count: 4096)
    return Array(answer.prefix(max(0, recv(connection, &answer, answer.count, 0))))
  }
}
