#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

import Synchronization

/// A client that sends exactly the bytes it is told to.
final class RawClient: Sendable {
  struct Answer {
    let status: Int
    /// Names in lower case.
    let headers: [(name: String, value: String)]
    let body: String

    subscript(_ name: String) -> String? { headers.first { $0.name == name }?.value }
  }

  struct Failure: Error {
    let reason: String
  }

  private let descriptor: Int32
  private nonisolated(unsafe) var received: [UInt8] = []
  private let isOpen = Mutex(true)

  /// Connects to a port of this machine; answers are awaited for so many seconds.
  init(_ port: Int, seconds: Double = 10) throws {
    #if os(Linux)
      descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #else
      descriptor = socket(AF_INET, SOCK_STREAM, 0)
    #endif
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { throw Failure(reason: "connect: \(errno)") }
    var limit = timeval(tv_sec: Int(seconds), tv_usec: .init((seconds - seconds.rounded(.down)) * 1e6))
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close() }

  /// Closes the connection.
  func close() {
    let wasOpen = isOpen.withLock { isOpen in
      defer { isOpen = false }
      return isOpen
    }
    guard wasOpen else { return }
    #if canImport(Glibc)
      _ = Glibc.close(descriptor)
    #elseif canImport(Musl)
      _ = Musl.close(descriptor)
    #else
      _ = Darwin.close(descriptor)
    #endif
  }

  /// Sends bytes; false if the server does not take them.
  @discardableResult
  func send(_ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      #if os(Linux)
        let flags = Int32(MSG_NOSIGNAL)
      #else
        let flags: Int32 = 0
      #endif
      let sent = rest.withUnsafeBytes { systemSend(descriptor, $0.baseAddress, $0.count, flags) }
      if sent <= 0 { return false }
      rest = rest.dropFirst(sent)
    }
    return true
  }

  /// Sends text whose lines end as HTTP has it.
  @discardableResult
  func send(_ text: String) -> Bool {
    send(Self.bytes(text))
  }

  /// The bytes of text whose lines end as HTTP has it.
  static func bytes(_ text: String) -> [UInt8] {
    Array(text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n").utf8)
  }

  /// Receives the next answer; one to HEAD has no body.
  func receive(isHead: Bool = false) throws -> Answer {
    let end = try position(of: "\r\n\r\n")
    let lines = text(received[..<end]).split(separator: "\r\n")
    received.removeFirst(end + 4)
    let headers = lines.dropFirst().map { line in
      let sides = line.split(separator: ":", maxSplits: 1)
      return (String(sides[0].lowercased()), sides.count < 2 ? "" : String(sides[1].drop { $0 == " " }))
    }
    guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
      throw Failure(reason: "no status: \(lines)")
    }
    var body: [UInt8] = []
    if isHead || status < 200 || status == 204 || status == 304 {
    } else if let length = headers.first(where: { $0.0 == "content-length" }).flatMap({ Int($0.1) }) {
      body = try take(length)
    } else if headers.contains(where: { $0.0 == "transfer-encoding" }) {
      while true {
        let end = try position(of: "\r\n")
        guard let size = Int(text(received[..<end]), radix: 16) else { throw Failure(reason: "no size of a chunk") }
        received.removeFirst(end + 2)
        body += try take(size)
        guard try take(2) == [13, 10] else { throw Failure(reason: "no end of a chunk") }
        if size == 0 { break }
      }
    } else {
      while try more() {}
      body = received
      received = []
    }
    return Answer(status: status, headers: headers, body: text(body[...]))
  }

  /// Whether the server has closed the connection, waiting for it.
  func isClosed() -> Bool {
    (try? more()) == false
  }

  private func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

  private func take(_ count: Int) throws -> [UInt8] {
    while received.count < count { if try !more() { throw Failure(reason: "closed in the middle of a body") } }
    defer { received.removeFirst(count) }
    return Array(received[..<count])
  }

  private func position(of text: String) throws -> Int {
    let pattern = Array(text.utf8)
    while true {
      if received.count >= pattern.count {
        for start in 0...received.count - pattern.count where received[start] == pattern[0] {
          if received[start..<start + pattern.count].elementsEqual(pattern) { return start }
        }
      }
      if try !more() { throw Failure(reason: "closed before the end of a head") }
    }
  }

  /// Receives more; false at the end.
  private func more() throws -> Bool {
    var buffer = [UInt8](repeating: 0, count: 65536)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    // A reset is an end as well.
    if count < 0, errno != ECONNRESET { throw Failure(reason: "recv: \(errno)") }
    received += buffer[..<max(count, 0)]
    return count > 0
  }
}

private func systemSend(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int, _ flags: Int32) -> Int {
  send(descriptor, bytes, count, flags)
}
