import CGradCAMPlugin
import Graph

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A plugin as its functions' errors and log lines name it.
struct PluginSource: Sendable {
  /// As `plugin 'softclip'`.
  let place: String
  /// Takes log lines.
  let log: @Sendable (String) -> Void

  init(name: String, log: @escaping @Sendable (String) -> Void) {
    place = "plugin '\(name)'"
    self.log = log
  }
}

/// One call of a plugin's function, and what the host's functions do for it: what a `gradcam_call` points to.
final class PluginCall {
  let source: PluginSource
  /// What of the plugin is called, where messages do not tell the node: as `method 'contrastcam'`.
  private let owner: String?
  let pool: ThreadPool?
  /// The attributes, while an operator is made.
  var attributes: AttributeReader?
  /// Where the attributes' contents lie.
  let attributeMemory: PluginMemory?
  /// The outputs told so far, while shapes are asked for.
  var outputs: [ValueInfo?]?
  private var failure: GradCAMError?
  private var scratch: [GuardedMemory] = []

  init(
    _ source: PluginSource, pool: ThreadPool? = nil, attributes: AttributeReader? = nil,
    attributeMemory: PluginMemory? = nil, outputs: [ValueInfo?]? = nil, owner: String? = nil
  ) {
    self.source = source
    self.owner = owner
    self.pool = pool
    self.attributes = attributes
    self.attributeMemory = attributeMemory
    self.outputs = outputs
  }

  /// The call that a plugin hands back; nil where it hands nothing.
  static func from(_ pointer: OpaquePointer?) -> PluginCall? {
    pointer.map { Unmanaged<PluginCall>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue() }
  }

  /// Lends this call to a plugin.
  func lend<Result>(_ body: (OpaquePointer) -> Result) -> Result {
    withExtendedLifetime(self) { body(OpaquePointer(Unmanaged.passUnretained(self).toOpaque())) }
  }

  /// Calls a function of the plugin.
  ///
  /// - Parameter function: what the function is for, for messages.
  ///
  /// Throws what the plugin told, naming it.
  func perform(_ function: String, _ body: (OpaquePointer) -> gradcam_status) throws {
    let status = lend(body)
    try check()
    guard status == GRADCAM_OK else {
      throw error(status, "its \(function) function failed with status \(status) and gave no reason")
    }
  }

  /// Throws what was told with `fail`, and where memory was written that was not lent.
  func check() throws {
    if let failure { throw failure }
    guard scratch.allSatisfy(\.isIntact) else {
      throw error(GRADCAM_FAILED, "wrote behind the end of its scratch memory; correct the plugin")
    }
  }

  /// Notes why the function fails; the first reason counts.
  func fail(_ status: gradcam_status, _ problem: String) -> gradcam_status {
    if failure == nil { failure = error(status, problem) }
    return status == GRADCAM_OK ? GRADCAM_FAILED : status
  }

  /// Notes an error of the program's own.
  func fail(_ error: GradCAMError) -> gradcam_status {
    if failure == nil { failure = error.within(source.place) }
    return error.kind == .unsupported ? GRADCAM_UNSUPPORTED : GRADCAM_FAILED
  }

  /// An error of the plugin.
  func error(_ status: gradcam_status, _ problem: String) -> GradCAMError {
    let kind = status == GRADCAM_UNSUPPORTED ? GradCAMError.Kind.unsupported : .badData
    guard let owner else { return GradCAMError(kind, at: source.place, problem: problem) }
    return GradCAMError(kind, at: source.place, owner, problem: problem)
  }

  /// Memory until the call is over, nil where there is no such memory.
  func scratch(byteCount: Int) -> UnsafeMutableRawPointer? {
    guard byteCount >= 0, let memory = GuardedMemory(byteCount: byteCount) else {
      _ = fail(GRADCAM_FAILED, "asked for \(UInt(bitPattern: byteCount)) bytes of scratch memory, which is not there")
      return nil
    }
    scratch.append(memory)
    return memory.base
  }
}

/// A block of memory that shows whether more was written than it holds.
final class GuardedMemory {
  let base: UnsafeMutableRawPointer
  private let byteCount: Int

  /// Nil where there is not so much memory.
  init?(byteCount: Int) {
    let (whole, overflows) = byteCount.addingReportingOverflow(GuardZone.byteCount)
    var block: UnsafeMutableRawPointer?
    guard !overflows, posix_memalign(&block, 64, whole) == 0, let block else { return nil }
    base = block
    self.byteCount = byteCount
    GuardZone.set(at: base + byteCount)
  }

  /// Whether nothing was written behind it.
  var isIntact: Bool { GuardZone.isIntact(at: base + byteCount) }

  deinit { free(base) }
}

extension PluginSource {
  /// Numbers that a function of the plugin writes; one that it does not write is NaN.
  ///
  /// - Parameter owner: what the function belongs to, as `method 'contrastcam'`.
  ///
  /// Throws what the plugin told, naming the owner, and `badData` where it wrote more than `count`.
  func floats(
    _ count: Int, of owner: String, pool: ThreadPool? = nil,
    _ body: (OpaquePointer, UnsafeMutablePointer<Float>) -> gradcam_status
  ) throws -> [Float] {
    let call = PluginCall(self, pool: pool, owner: owner)
    guard let memory = GuardedMemory(byteCount: count * MemoryLayout<Float>.size) else {
      throw call.error(GRADCAM_FAILED, "\(count) numbers do not fit into memory")
    }
    let numbers = memory.base.bindMemory(to: Float.self, capacity: count)
    numbers.initialize(repeating: .nan, count: count)
    try call.perform("own") { body($0, numbers) }
    guard memory.isIntact else {
      throw call.error(GRADCAM_FAILED, "its function wrote more than \(count) numbers; correct the plugin")
    }
    return Array(UnsafeBufferPointer(start: numbers, count: count))
  }
}
