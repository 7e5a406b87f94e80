#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A port that clients can connect to; they wait until a server takes it over.
///
/// It can be opened before a program gives up its right to open others.
public final class HTTPListener: Sendable {
  /// The address, or the name of one, that was asked for.
  public let host: String
  /// The port.
  public let port: Int
  /// Whether only programs of this machine can connect.
  public let isLoopback: Bool
  let descriptor: CInt

  /// Listens; on any free port if that is 0.
  ///
  /// Throws ``HTTPServerError/portTaken(host:port:)`` or ``HTTPServerError/cannotListen(host:port:reason:)``.
  public init(host: String, port: Int) throws(HTTPServerError) {
    var hints = addrinfo()
    hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
    var found: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host, "\(port)", &hints, &found)
    guard code == 0, let address = found?.pointee else {
      throw .cannotListen(host: host, port: port, reason: String(cString: gai_strerror(code)))
    }
    defer { freeaddrinfo(found) }
    descriptor = socket(address.ai_family, address.ai_socktype | CInt(SOCK_CLOEXEC.rawValue), address.ai_protocol)
    var isOn: CInt = 1
    guard descriptor >= 0,
      setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &isOn, socklen_t(MemoryLayout<CInt>.size)) == 0,
      bind(descriptor, address.ai_addr, address.ai_addrlen) == 0, listen(descriptor, 256) == 0
    else {
      let error = errno
      if descriptor >= 0 { close(descriptor) }
      if error == EADDRINUSE { throw .portTaken(host: host, port: port) }
      throw .cannotListen(host: host, port: port, reason: String(cString: strerror(error)))
    }
    self.host = host
    (self.port, isLoopback) = Self.ownAddress(of: descriptor)
  }

  /// Reads port and kind of the address that a socket is bound to.
  private static func ownAddress(of descriptor: CInt) -> (port: Int, isLoopback: Bool) {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &storage) { storage in
      let address = UnsafeMutableRawPointer(storage)
      getsockname(descriptor, address.assumingMemoryBound(to: sockaddr.self), &length)
      if CInt(storage.pointee.ss_family) == AF_INET {
        let address = address.load(as: sockaddr_in.self)
        return (Int(UInt16(bigEndian: address.sin_port)), UInt32(bigEndian: address.sin_addr.s_addr) >> 24 == 127)
      }
      let six = address.load(as: sockaddr_in6.self)
      let bytes = withUnsafeBytes(of: six.sin6_addr) { Array($0) }
      return (Int(UInt16(bigEndian: six.sin6_port)), bytes == [UInt8](repeating: 0, count: 15) + [1])
    }
  }
}
