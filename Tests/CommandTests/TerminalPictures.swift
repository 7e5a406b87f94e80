import Foundation
import GradCAM
import Testing

/// Reads what the program shows in terminals.
enum TerminalPictures {
  /// Reads sixel graphics: raster attributes, colours, runs, returns and new lines; nil for anything else.
  static func sixel(_ bytes: some Sequence<UInt8>) -> Picture? {
    var text = String(decoding: Array(bytes), as: UTF8.self)[...]
    guard text.hasPrefix("\u{1B}P0;1;0q"), text.hasSuffix("\u{1B}\\") else { return nil }
    text = text.dropFirst(8).dropLast(2)
    func numbers() -> [Int] {
      let digits = text.prefix { $0.isNumber || $0 == ";" }
      text = text[digits.endIndex...]
      return digits.split(separator: ";").compactMap { Int($0) }
    }
    var palette: [Int: [UInt8]] = [:], width = 0, height = 0, color = 0, x = 0, y = 0
    var pixels: [UInt8] = [], isSet: [Bool] = []
    while let character = text.popFirst() {
      switch character {
      case "\"":
        let values = numbers()
        guard values.count == 4, values[0] == values[1] else { return nil }
        (width, height) = (values[2], values[3])
        pixels = [UInt8](repeating: 0, count: 3 * width * height)
        isSet = [Bool](repeating: false, count: width * height)
      case "#":
        let values = numbers()
        if values.count == 5 {
          guard values[1] == 2, values[2...].allSatisfy({ 0...100 ~= $0 }) else { return nil }
          palette[values[0]] = values[2...].map { UInt8(($0 * 255 + 50) / 100) }
        } else {
          guard values.count == 1 else { return nil }
          color = values[0]
        }
      case "$": x = 0
      case "-": (x, y) = (0, y + 6)
      default:
        let count = character == "!" ? numbers().first ?? 0 : 1
        guard let sixel = character == "!" ? text.popFirst() : character, let code = sixel.asciiValue,
          0x3F...0x7E ~= code, let rgb = palette[color]
        else { return nil }
        for _ in 0..<count {
          for row in 0..<6 where (code - 0x3F) >> row & 1 != 0 {
            guard x < width, y + row < height else { return nil }
            let pixel = (y + row) * width + x
            isSet[pixel] = true
            pixels.replaceSubrange(3 * pixel..<3 * pixel + 3, with: rgb)
          }
          x += 1
        }
      }
    }
    guard width > 0, isSet.allSatisfy({ $0 }) else { return nil }
    return Picture(width: width, height: height, pixels: pixels)
  }

  /// Reads lines of half blocks, with black for what has no colour; nil for anything else.
  static func halfBlocks(_ lines: [String]) -> Picture? {
    var rows: [[UInt8]] = []
    for line in lines {
      var upper: [UInt8] = [], lower: [UInt8] = [], colors: [[UInt8]] = [[0, 0, 0], [0, 0, 0]], rest = line[...]
      while let character = rest.popFirst() {
        switch character {
        case "▀":
          upper += colors[0]
          lower += colors[1]
        case " ":
          upper += [0, 0, 0]
          lower += [0, 0, 0]
        case "\u{1B}":
          guard rest.popFirst() == "[", let end = rest.firstIndex(of: "m") else { return nil }
          var numbers = rest[..<end].split(separator: ";").compactMap { Int($0) }[...]
          rest = rest[end...].dropFirst()
          while let kind = numbers.popFirst() {
            if kind == 0 { colors = [[0, 0, 0], [0, 0, 0]] }
            guard kind != 0 else { continue }
            guard kind == 38 || kind == 48, let form = numbers.popFirst() else { return nil }
            let place = kind == 38 ? 0 : 1
            if form == 2, numbers.count >= 3 {
              colors[place] = numbers.prefix(3).map { UInt8($0) }
              numbers = numbers.dropFirst(3)
            } else if form == 5, let index = numbers.popFirst(), 16...255 ~= index {
              colors[place] = paletteColor(index)
            } else {
              return nil
            }
          }
        default: return nil
        }
      }
      rows += [upper, lower]
    }
    let width = rows.map(\.count).max() ?? 0
    guard width > 0 else { return nil }
    let pixels = rows.flatMap { $0 + [UInt8](repeating: 0, count: width - $0.count) }
    return Picture(width: width / 3, height: rows.count, pixels: pixels)
  }

  /// The colours 16 … 255 of xterm, as its 256colres.h has them.
  static func paletteColor(_ index: Int) -> [UInt8] {
    if index >= 232 { return [UInt8](repeating: UInt8(8 + 10 * (index - 232)), count: 3) }
    let cube = index - 16
    return [cube / 36, cube / 6 % 6, cube % 6].map { $0 == 0 ? 0 : UInt8(55 + 40 * $0) }
  }

  /// The data of kitty's escape codes, one after the other, and the keys of each.
  static func kitty(_ bytes: [UInt8]) -> (data: [UInt8], keys: [String])? {
    let text = String(decoding: bytes, as: UTF8.self)
    let codes = text.matches(of: /\u{1B}_G([^;]*);([^\u{1B}]*)\u{1B}\\/)
    guard let data = Data(base64Encoded: codes.map { String($0.2) }.joined()) else { return nil }
    return (Array(data), codes.map { String($0.1) })
  }

  /// How far two pictures differ: the peak signal-to-noise ratio in decibels.
  static func likeness(_ one: Picture, _ other: Picture) -> Double {
    let errors = zip(one.pixels, other.pixels).map { (Double($0) - Double($1)) * (Double($0) - Double($1)) }
    return 10 * log10(255 * 255 / max(errors.reduce(0, +) / Double(errors.count), 1e-9))
  }
}
