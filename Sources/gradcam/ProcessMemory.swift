import CSystem

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// What a process's memory grows by at most while something runs.
struct ProcessMemory {
  private let before: Int

  /// Begins to watch; nil where the system does not tell.
  init?() {
    #if canImport(Glibc)
      malloc_trim(0)
    #endif
    // Linux: forgets the largest resident set so far.
    guard (try? Data("5".utf8).write(to: URL(filePath: "/proc/self/clear_refs"))) != nil,
      let resident = Self.kilobytes("VmRSS")
    else { return nil }
    before = resident
  }

  /// By how much the resident set was larger than at the beginning, at its largest, in 2²⁰ bytes.
  var growth: Double? { Self.kilobytes("VmHWM").map { Double(max(0, $0 - before)) / 1024 } }

  private static func kilobytes(_ name: String) -> Int? {
    guard let status = FileManager.default.contents(atPath: "/proc/self/status") else { return nil }
    let line = String(decoding: status, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix(name + ":") }
    return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
  }
}
