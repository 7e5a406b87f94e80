import CGzip
import Foundation

/// An archive made block by block, right or wrong.
struct TarBuilder {
  var bytes: [UInt8] = []

  /// A header, with a right sum.
  ///
  /// - Parameters:
  ///   - size: what its field of the size holds; nil means octal digits of the count.
  ///   - edit: changes it before the sum is computed.
  static func header(
    _ name: [UInt8], kind: Character = "0", count: Int = 0, size: [UInt8]? = nil, isSigned: Bool = false,
    edit: (inout [UInt8]) -> Void = { _ in }
  ) -> [UInt8] {
    var block = [UInt8](repeating: 0, count: 512)
    func put(_ text: some Collection<UInt8>, _ place: Int) {
      block.replaceSubrange(place..<place + text.count, with: text)
    }
    put(name, 0)
    put("0000644\0".utf8, 100)
    put(size ?? Array(String(count, radix: 8).utf8), 124)
    put(kind.utf8, 156)
    put("ustar\u{0}00".utf8, 257)
    edit(&block)
    return summed(block, isSigned: isSigned)
  }

  /// The header with a right sum.
  static func summed(_ header: [UInt8], isSigned: Bool = false) -> [UInt8] {
    var block = header
    block.replaceSubrange(148..<156, with: [UInt8](repeating: 0x20, count: 8))
    let sum = block.reduce(0) { $0 + (isSigned ? Int(Int8(bitPattern: $1)) : Int($1)) }
    let digits = String(sum, radix: 8)
    block.replaceSubrange(148..<155, with: (String(repeating: "0", count: 6 - digits.count) + digits + "\0").utf8)
    return block
  }

  /// Adds a header and what follows it, to the end of a block.
  mutating func add(header: [UInt8], _ contents: [UInt8] = []) {
    bytes += header + contents
    bytes += [UInt8](repeating: 0, count: (512 - contents.count % 512) % 512)
  }

  /// Adds a member of a kind.
  mutating func add(_ name: String, kind: Character = "0", _ contents: String = "") {
    add(header: Self.header(Array(name.utf8), kind: kind, count: contents.utf8.count), Array(contents.utf8))
  }

  /// Adds an extended header with records.
  mutating func add(records: [(String, String)], kind: Character = "x") {
    var text = ""
    for (key, value) in records {
      let rest = " \(key)=\(value)\n"
      var length = rest.utf8.count + 1
      while String(length).utf8.count + rest.utf8.count != length { length += 1 }
      text += "\(length)\(rest)"
    }
    add("records", kind: kind, text)
  }

  /// Adds blocks of zeros.
  mutating func end(_ count: Int = 2) { bytes += [UInt8](repeating: 0, count: 512 * count) }

  /// Writes it to a new file and returns the path.
  func write(to folder: String, _ name: String = "a.tar") throws -> String {
    // Some file systems take long to write a file anew that is there already.
    unlink("\(folder)/\(name)")
    try Data(bytes).write(to: URL(filePath: "\(folder)/\(name)"))
    return "\(folder)/\(name)"
  }
}

/// One gzip member of bytes.
func gzipped(_ bytes: [UInt8]) -> [UInt8] {
  var result: UnsafeMutablePointer<UInt8>?, count = 0
  precondition(gradcam_gzip(bytes, bytes.count, &result, &count) == 0)
  defer { free(result) }
  return Array(UnsafeBufferPointer(start: result, count: count))
}
