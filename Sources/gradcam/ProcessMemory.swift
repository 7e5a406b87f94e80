import Graph

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The peak growth of this process's memory while something runs.
struct ProcessMemory {
  /// The file of Linux that resets the peak when it is written to.
  static let reset = "/proc/self/clear_refs"

  private let before: Int

  /// Starts watching; nil if the system does not report it.
  init?() {
    #if canImport(Glibc)
      malloc_trim(0)
    #endif
    guard (try? Data("5".utf8).write(to: URL(filePath: Self.reset))) != nil,
      let resident = Self.kilobytes("VmRSS")
    else { return nil }
    before = resident
  }

  /// The peak resident set minus the one at the start, in 2²⁰ bytes.
  var growth: Double? { Self.kilobytes("VmHWM").map { Double(max(0, $0 - before)) / 1024 } }

  private static func kilobytes(_ name: String) -> Int? {
    guard let status = FileManager.default.contents(atPath: "/proc/self/status") else { return nil }
    let line = String(decoding: status, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix(name + ":") }
    return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
  }
}
