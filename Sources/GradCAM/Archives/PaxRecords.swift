/// What extended headers of a tar archive say of the members that follow.
///
/// Sources: POSIX.1-2017, `pax`, "pax Extended Header"; GNU tar's manual, "Storing Sparse Files".
struct PaxRecords {
  private enum Key {
    case path, size, sparse
  }

  /// What was said last; an empty path or size takes back what was said before.
  private var values: [Key: [UInt8]] = [:]

  /// No records.
  init() {}

  /// Reads records, each of which is `LENGTH KEY=VALUE` and a line feed; nil if they are damaged.
  init?(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let digits = rest.prefix(20).prefix { $0 != UInt8(ascii: " ") }
      guard let length = wholeNumber(digits, radix: 10), length > digits.count, length <= rest.count else { return nil }
      let record = rest.prefix(length).dropFirst(digits.count + 1)
      guard record.last == UInt8(ascii: "\n"), let equals = record.firstIndex(of: UInt8(ascii: "=")) else { return nil }
      add(String(decoding: record[..<equals], as: UTF8.self), Array(record[(equals + 1)...].dropLast()))
      rest = rest.dropFirst(length)
    }
  }

  /// Adds records that count for more than those before.
  mutating func add(_ later: PaxRecords) { values.merge(later.values) { $1 } }

  /// The name of the member, if records say it.
  var path: [UInt8]? { said(.path) }

  /// The text of the size of the member, if records say it.
  var size: [UInt8]? { said(.size) }

  /// Whether the member is a file without its zeros.
  var isSparse: Bool { said(.sparse) != nil }

  private func said(_ key: Key) -> [UInt8]? { values[key].flatMap { $0.isEmpty ? nil : $0 } }

  private mutating func add(_ key: String, _ value: [UInt8]) {
    switch key {
    case "path": values[.path] = value
    case "size": values[.size] = value
    case "GNU.sparse.name": (values[.path], values[.sparse]) = (value, [1])
    case "SCHILY.realsize": values[.sparse] = [1]
    default:
      if key.hasPrefix("GNU.sparse.") { values[.sparse] = [1] }
    }
  }
}
