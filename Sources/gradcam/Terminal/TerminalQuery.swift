/// Questions to a terminal, of which it answers those that it knows, the last in any case.
struct TerminalQuery {
  /// The bytes to write.
  let bytes: [UInt8]

  /// - Parameter asksForKitty: whether kitty's graphics are asked for.
  init(asksForKitty: Bool) {
    // XTVERSION, the size of a cell, the number of colour registers and primary device attributes, as xterm documents
    // them (https://invisible-island.net/xterm/ctlseqs/ctlseqs.html). Whatever a terminal shows of what it does not know
    // is erased.
    let questions = (asksForKitty ? KittyGraphics.question : "") + "\u{1B}[>0q\u{1B}[16t\u{1B}[?1;1;0S\u{1B}[c"
    bytes = Array("\u{1B}7\(questions)\u{1B}8\u{1B}[K".utf8)
  }
}

/// What a terminal answers to a `TerminalQuery`.
struct TerminalAnswers {
  /// Whether it has kitty's graphics.
  private(set) var hasKittyGraphics = false
  /// Its name and version; nil if it does not say.
  private(set) var name: String?
  /// The size of a character in pixels; nil if it does not say.
  private(set) var cell: (width: Int, height: Int)?
  /// How many colours sixel graphics may have; nil if it does not say.
  private(set) var colorRegisters: Int?
  /// The attributes of the device; nil until they arrive, which they do last.
  private(set) var attributes: [Int]?

  var hasSixel: Bool { attributes?.contains(4) ?? false }
  var isComplete: Bool { attributes != nil }

  /// Reads what arrived, between which there may be other bytes, such as keys that were pressed.
  init(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while let start = rest.firstIndex(of: 0x1B) {
      rest = rest[start...].dropFirst()
      switch rest.popFirst() {
      case UInt8(ascii: "["):
        let parameters = rest.prefix { 0x20...0x3F ~= $0 }
        rest = rest[parameters.endIndex...]
        if let final = rest.popFirst() { readControl(String(decoding: parameters, as: UTF8.self), final) }
      case UInt8(ascii: "_"), UInt8(ascii: "P"):
        let text = rest.prefix { $0 != 0x1B }
        rest = rest[text.endIndex...]
        if rest.first == 0x1B { readString(String(decoding: text, as: UTF8.self)) }
      default: break
      }
    }
  }

  private mutating func readControl(_ parameters: String, _ final: UInt8) {
    let isPrivate = parameters.hasPrefix("?")
    let numbers = parameters.drop { $0 == "?" }.split(separator: ";", omittingEmptySubsequences: false).map {
      Int($0) ?? 0
    }
    switch final {
    case UInt8(ascii: "c") where isPrivate: attributes = numbers
    case UInt8(ascii: "t") where numbers.count == 3 && numbers[0] == 6: cell = (numbers[2], numbers[1])
    case UInt8(ascii: "S") where isPrivate && numbers.count > 2 && numbers[..<2] == [1, 0]: colorRegisters = numbers[2]
    default: break
    }
  }

  private mutating func readString(_ text: String) {
    if text == KittyGraphics.answer { hasKittyGraphics = true }
    if text.hasPrefix(">|") { name = String(text.dropFirst(2)) }
  }
}
