/// A header of a tar archive: a block of 512 bytes that says what follows it.
///
/// Sources: POSIX.1-2017, `pax`, "ustar Interchange Format"; GNU tar's manual, "Basic Tar Format".
struct TarHeader {
  /// What a member is, or what its header adds to the next one.
  enum Kind {
    case file
    /// A folder, a link, a pipe or a device. Nothing follows, whatever the size says.
    case bare
    /// What some program notes for itself, such as a label or an access list.
    case note
    /// A file without its zeros, in one of several forms.
    case sparseFile
    /// The rest of a file that another archive begins.
    case restOfFile
    case unknown
    /// The name of the next member, and of what it links to.
    case longName, longLinkName
    /// Records for the next member, and for all that follow.
    case records, globalRecords
  }

  static let byteCount = 512

  let kind: Kind
  /// How many bytes follow, without those that fill the last block; nil if the header says no such number.
  let size: Int?
  /// The name, as the header has it.
  let name: [UInt8]
  /// Whether blocks that continue a sparse file's header follow, before what `size` counts.
  let isContinued: Bool

  /// Reads a block; nil if its sum is not that which it says, so that it is no header.
  init?(_ block: [UInt8]) {
    func field(_ start: Int, _ count: Int) -> ArraySlice<UInt8> { block[start..<start + count] }
    func text(_ start: Int, _ count: Int) -> ArraySlice<UInt8> { field(start, count).prefix { $0 != 0 } }

    // The field of the sum counts as spaces; some old programs added signed bytes.
    let others = block[..<148] + block[156...]
    let sum = others.reduce(8 * 0x20) { $0 + Int($1) }
    let signed = others.reduce(8 * 0x20) { $0 + Int(Int8(bitPattern: $1)) }
    guard let said = Self.number(field(148, 8)), said == sum || said == signed else { return nil }

    let name = text(0, 100), prefix = text(345, 155)
    // GNU's own headers have times in the place of the prefix, and other bytes after the magic word.
    let hasPrefix = field(257, 6).elementsEqual("ustar\0".utf8) && !prefix.isEmpty
    self.name = hasPrefix ? prefix + [UInt8(ascii: "/")] + name : Array(name)
    size = Self.number(field(124, 12))
    kind = Self.kind(block[156])
    isContinued = kind == .sparseFile && block[482] != 0
  }

  private static func kind(_ letter: UInt8) -> Kind {
    switch Unicode.Scalar(letter) {
    case "\0", "0", "7": .file
    case "1"..."6": .bare
    case "A", "D", "E", "I", "V": .note
    case "S": .sparseFile
    case "M": .restOfFile
    case "L": .longName
    case "K": .longLinkName
    case "x", "X": .records
    case "g": .globalRecords
    default: .unknown
    }
  }

  /// The number of a field: octal digits among spaces and zeros, or base 256 if the first bit is set.
  ///
  /// An empty field is zero; nil is none, or one that is negative or too large.
  private static func number(_ field: ArraySlice<UInt8>) -> Int? {
    guard let first = field.first, first < 0x80 else {
      var value = 0
      for (index, byte) in field.enumerated() {
        guard value >> (Int.bitWidth - 9) == 0 else { return nil }
        value = value << 8 | Int(index == 0 ? byte & 0x7F : byte)
      }
      return value
    }
    let digits = field.drop { $0 == UInt8(ascii: " ") }.prefix { $0 != UInt8(ascii: " ") && $0 != 0 }
    return digits.isEmpty ? 0 : wholeNumber(digits, radix: 8)
  }
}

/// The number that digits alone write; nil if there are none, others or too many.
func wholeNumber(_ digits: ArraySlice<UInt8>, radix: Int) -> Int? {
  guard !digits.isEmpty else { return nil }
  var value = 0
  for digit in digits {
    let digit = Int(digit) - Int(UInt8(ascii: "0"))
    guard (0..<radix).contains(digit) else { return nil }
    let (product, overflows) = value.multipliedReportingOverflow(by: radix)
    let (sum, carries) = product.addingReportingOverflow(digit)
    guard !overflows, !carries else { return nil }
    value = sum
  }
  return value
}
