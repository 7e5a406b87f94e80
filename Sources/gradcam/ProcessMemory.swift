import Graph

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The peak growth of this process's memory while something runs.
struct ProcessMemory {
  private let before: Int

  /// Starts watching; nil if the system does not report it.
  init?() {
    #if canImport(Glibc)
      malloc_trim(0)
    #endif
    // Linux: resets the peak resident set.
    guard (try? Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs"))) != nil,
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
