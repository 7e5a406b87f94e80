import CGradCAMPlugin
import Graph

/// A plugin as the errors and log lines of its functions name it.
struct PluginSource: Sendable {
  /// Such as `plugin 'softclip'`.
  let place: String
  let log: @Sendable (String) -> Void

  init(name: String, log: @escaping @Sendable (String) -> Void) {
    place = "plugin '\(name)'"
    self.log = log
  }
}

/// One call of a plugin's function, with the state of the host's functions for it; a `gradcam_call` points to it.
final class PluginCall {
  let source: PluginSource
  /// The part of the plugin that is called, if messages do not name the node: such as `method 'contrastcam'`.
  private let owner: String?
  let pool: ThreadPool?
  /// The attributes, while an operator is created.
  var attributes: AttributeReader?
  /// The memory that holds the attributes' contents.
  let attributeMemory: PluginMemory?
  /// The outputs declared so far, during a shape function.
  var outputs: [ValueInfo?]?
  private var failure: GradCAMError?
  private var scratch: [GuardedMemory] = []

  init(
    _ source: PluginSource, pool: ThreadPool? = nil, attributes: AttributeReader? = nil,
    attributeMemory: PluginMemory? = nil, outputs: [ValueInfo?]? = nil, owner: String? = nil
  ) {
    (self.source, self.owner, self.pool) = (source, owner, pool)
    (self.attributes, self.attributeMemory, self.outputs) = (attributes, attributeMemory, outputs)
  }

  /// The call that a plugin passes back; nil for a null pointer.
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
  /// Throws the error that the plugin reported, naming it.
  func perform(_ function: String, _ body: (OpaquePointer) -> gradcam_status) throws {
    let status = lend(body)
    try check()
    guard status == GRADCAM_OK else {
      throw error(status, "its \(function) function failed with status \(status) and gave no reason")
    }
  }

  /// Throws what was reported with `fail`, and an error if the plugin wrote past its scratch memory.
  func check() throws {
    if let failure { throw failure }
    guard scratch.allSatisfy(\.isIntact) else {
      throw error(GRADCAM_FAILED, "wrote past the end of its scratch memory; correct the plugin")
    }
  }

  /// Records why the function fails; the first reason counts.
  func fail(_ status: gradcam_status, _ problem: String) -> gradcam_status {
    if failure == nil { failure = error(status, problem) }
    return status == GRADCAM_OK ? GRADCAM_FAILED : status
  }

  /// Records an error of the program's own.
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

  /// Memory until the call is over; nil if it cannot be allocated.
  func scratch(byteCount: Int) -> UnsafeMutableRawPointer? {
    guard byteCount >= 0, let memory = GuardedMemory(byteCount: byteCount) else {
      _ = fail(GRADCAM_FAILED, "asked for \(UInt(bitPattern: byteCount)) bytes of scratch memory, more than available")
      return nil
    }
    scratch.append(memory)
    return memory.base
  }
}

/// A block of memory that detects writes past its end.
final class GuardedMemory {
  let base: UnsafeMutableRawPointer
  private let byteCount: Int

  /// Nil if it cannot be allocated, or is more than models may take.
  init?(byteCount: Int) {
    let (whole, overflows) = byteCount.addingReportingOverflow(GuardZone.byteCount)
    var block: UnsafeMutableRawPointer?
    guard !overflows, (try? MemoryLimit.check(value: whole)) != nil, posix_memalign(&block, 64, whole) == 0, let block
    else { return nil }
    base = block
    self.byteCount = byteCount
    GuardZone.set(at: base + byteCount)
  }

  /// Whether nothing was written past its end.
  var isIntact: Bool { GuardZone.isIntact(at: base + byteCount) }

  deinit { free(base) }
}

extension PluginSource {
  /// Numbers that a function of the plugin writes; those that it does not write are NaN.
  ///
  /// - Parameter owner: what the function belongs to, such as `method 'contrastcam'`.
  ///
  /// Throws the error that the plugin reported, naming the owner, and `badData` if it wrote more than `count`.
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
