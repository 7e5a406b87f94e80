import Synchronization

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// How much memory tensors may take in this process: what a file makes the program allocate is checked first.
///
/// Memory that is mapped from files does not count.
public enum MemoryLimit {
  /// The bytes that the user allows; 0 if the user says nothing.
  private static let given = Atomic<Int>(0)
  /// The size of the largest model opened, in bytes.
  private static let largestModel = Atomic<Int>(0)
  /// The bytes that tensors own now.
  private static let owned = Atomic<Int>(0)

  /// What any model may take, in bytes.
  private static let smallest = 2 << 30
  /// How many times its own size a model may take besides.
  private static let sizeFactor = 16

  /// The limit in bytes: what the user allows, else 2 GiB and 16 times the size of the largest model opened, but at most
  /// half of what the process may have.
  public static var byteCount: Int {
    let given = given.load(ordering: .relaxed)
    if given > 0 { return given }
    let (share, overflows) = largestModel.load(ordering: .relaxed).multipliedReportingOverflow(by: sizeFactor)
    return min(available / 2, smallest + (overflows ? 1 << 60 : share))
  }

  /// Sets the limit; nil means the default.
  public static func set(_ byteCount: Int?) { given.store(byteCount.map { max($0, 1) } ?? 0, ordering: .relaxed) }

  /// Notes the size of a model, with its data files.
  public static func noteModel(byteCount: Int) { largestModel.max(byteCount, ordering: .relaxed) }

  /// Throws `unsupported` if tensors cannot own as many more bytes.
  public static func check(_ more: Int) throws { try check(more, besides: owned.load(ordering: .relaxed)) }

  /// Throws `unsupported` if a value of as many bytes could not be kept, whatever else is.
  public static func check(value byteCount: Int) throws { try check(byteCount, besides: 0) }

  private static func check(_ more: Int, besides owned: Int) throws {
    let (sum, overflows) = owned.addingReportingOverflow(more)
    // Whatever the process may have, it has as much.
    guard overflows || sum > 16 << 20, overflows || sum > byteCount else { return }
    func text(_ count: Int) -> String { "\(max(1, count >> 20)) MB" }
    var error = GradCAMError(
      .unsupported,
      problem:
        "\(overflows ? "more memory than there is" : "\(text(sum)) of memory") would be needed, and the limit is "
        + "\(text(byteCount))", advice: "if the file can be trusted, raise it with \(.memoryLimit, as: "SIZE")")
    error.isAboutMemory = true
    throw error
  }

  static func own(_ byteCount: Int) { owned.add(byteCount, ordering: .relaxed) }

  static func release(_ byteCount: Int) { owned.subtract(byteCount, ordering: .relaxed) }

  /// What the process may have, in bytes: the machine's memory, or less if its control group or a resource limit says so.
  private static let available: Int = {
    var least = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    for resource in [RLIMIT_AS, RLIMIT_DATA] {
      var limit = rlimit()
      if getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0, limit.rlim_cur < UInt(Int.max) {
        least = min(least, Int(limit.rlim_cur))
      }
    }
    for path in controlGroupLimits {
      if let text = try? String(contentsOfFile: path, encoding: .utf8),
        let limit = Int(text.prefix { $0.isNumber }), limit > 0
      {
        least = min(least, limit)
      }
    }
    return least
  }()

  /// The files that may hold the limits of the process's control groups, in the second version and the first.
  private static var controlGroupLimits: [String] {
    let groups = (try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8)) ?? ""
    return groups.split(separator: "\n").flatMap { line -> [String] in
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { return [] }
      let isSecond = fields[1].isEmpty
      guard isSecond || fields[1].split(separator: ",").contains("memory") else { return [] }
      let (root, file) =
        isSecond ? ("/sys/fs/cgroup", "memory.max") : ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
      // In a container the group's own path may not be visible, but its limits are at the root.
      var folders = [""], path = ""
      for part in fields[2].split(separator: "/") where part != ".." {
        path += "/" + part
        folders.append(path)
      }
      return folders.map { "\(root)\($0)/\(file)" }
    }
  }
}
