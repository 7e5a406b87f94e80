import CGradCAMPlugin
@testable import GradCAM
import Graph

/// Reads the tables that a plugin's entry function returns: members of any size and number, among them missing ones.
///
/// The pointers are null or valid: no program can tell others.
func fuzzPlugin(_ input: [UInt8]) throws {
  tables.fill(from: Bytes(rest: input[...]))
  let plugin = try PluginReader(
    path: "plugin.so", log: { _ in },
    entry: { _, _, _ in
      UnsafePointer(tables.plugin)
    }
  ).read()
  _ = plugin.description
  _ = try Registry(adding: [plugin])
}

/// The input as numbers and choices; zeros once it is used up.
private struct Bytes {
  var rest: ArraySlice<UInt8>

  mutating func next() -> UInt8 { rest.popFirst() ?? 0 }
  mutating func number() -> Int { (0..<8).reduce(0) { number, _ in number << 8 | Int(next()) } }
  /// A number as plugins have it most often, or any.
  mutating func number(near usual: Int) -> Int {
    let choice = next()
    return choice < 160 ? usual : choice < 224 ? Int(Int8(bitPattern: next())) : number()
  }
  mutating func text() -> UnsafePointer<CChar>? {
    let choice = Int(next())
    return choice < tables.texts.count ? tables.texts[choice] : choice < 200 ? tables.texts[choice % 3] : nil
  }
}

nonisolated(unsafe) private let tables = Tables()

/// The tables of a plugin, in memory that lasts.
private final class Tables {
  static let capacity = 4
  let plugin = UnsafeMutablePointer<gradcam_plugin>.allocate(capacity: 1)
  let operators = UnsafeMutablePointer<gradcam_operator>.allocate(capacity: capacity)
  let methods = UnsafeMutablePointer<gradcam_method>.allocate(capacity: capacity)
  let targets = UnsafeMutablePointer<gradcam_target>.allocate(capacity: capacity)
  let operatorList = UnsafeMutablePointer<UnsafePointer<gradcam_operator>?>.allocate(capacity: capacity)
  let methodList = UnsafeMutablePointer<UnsafePointer<gradcam_method>?>.allocate(capacity: capacity)
  let targetList = UnsafeMutablePointer<UnsafePointer<gradcam_target>?>.allocate(capacity: capacity)
  let types = UnsafeMutablePointer<Int64>.allocate(capacity: capacity)
  let texts: [UnsafePointer<CChar>] = Tables.words.map { UnsafePointer(strdup($0)!) }
  private static let words = ["soft", "example", "SoftClip", "", "gradcam", "Relu", "\u{1B}[1m", "\u{FF}é"]

  func fill(from input: Bytes) {
    var input = input
    func count() -> Int { max(min(input.number(near: 1), Self.capacity), -3) }
    plugin.initialize(to: gradcam_plugin())
    plugin.pointee.size = input.number(near: MemoryLayout<gradcam_plugin>.size)
    plugin.pointee.abi_version = Int64(input.number(near: 2))
    (plugin.pointee.name, plugin.pointee.version, plugin.pointee.description) = (
      input.text(), input.text(), input.text()
    )
    for index in 0..<Self.capacity {
      types[index] = Int64(input.number(near: 1))
      var operation = gradcam_operator()
      operation.size = input.number(near: MemoryLayout<gradcam_operator>.size)
      (operation.domain, operation.type) = (input.text(), input.text())
      operation.since_version = Int64(input.number(near: 1))
      operation.element_type_count = count()
      operation.element_types = input.next() < 200 ? UnsafePointer(types) : nil
      operation.forward = input.next() < 230 ? { _, _ in GRADCAM_FAILED } : nil
      operation.vjp = input.next() < 128 ? { _, _ in GRADCAM_FAILED } : nil
      operation.role = Int64(input.number(near: 0))
      (operators + index).initialize(to: operation)
      operatorList[index] = input.next() < 240 ? UnsafePointer(operators + index) : nil

      var method = gradcam_method()
      method.size = input.number(near: MemoryLayout<gradcam_method>.size)
      method.name = input.text()
      method.map = input.next() < 200 ? { _, _ in GRADCAM_FAILED } : nil
      method.weights = input.next() > 200 ? { _, _ in GRADCAM_FAILED } : nil
      (methods + index).initialize(to: method)
      methodList[index] = input.next() < 240 ? UnsafePointer(methods + index) : nil

      var target = gradcam_target()
      target.size = input.number(near: MemoryLayout<gradcam_target>.size)
      target.name = input.text()
      target.score = input.next() < 200 ? { _, _ in GRADCAM_FAILED } : nil
      target.gradient = input.next() < 200 ? { _, _ in GRADCAM_FAILED } : nil
      (targets + index).initialize(to: target)
      targetList[index] = input.next() < 240 ? UnsafePointer(targets + index) : nil
    }
    plugin.pointee.operator_count = count()
    plugin.pointee.operators = input.next() < 240 ? UnsafePointer(operatorList) : nil
    plugin.pointee.method_count = count()
    plugin.pointee.methods = input.next() < 240 ? UnsafePointer(methodList) : nil
    plugin.pointee.target_count = count()
    plugin.pointee.targets = input.next() < 240 ? UnsafePointer(targetList) : nil
  }
}
