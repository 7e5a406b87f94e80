extension Unicode.Scalar {
  /// Whether terminals obey it, break the line at it or turn the direction of text, instead of showing it: the control
  /// characters of ASCII and Latin-1, Unicode's line separators, and its marks, embeddings and isolates of direction.
  package var isControl: Bool {
    switch value {
    case 0..<0x20, 0x7F..<0xA0, 0x61C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}

extension String {
  /// The text as one line that is safe to show: `\n`, `\r`, `\t`, `\x1b` or `\u{202e}` for each control character.
  package var visible: String {
    replacingControls { control in
      switch control {
      case "\n": "\\n"
      case "\r": "\\r"
      case "\t": "\\t"
      default: control.value < 0x100 ? "\\x\(control.hexadecimal(2))" : "\\u{\(control.hexadecimal(4))}"
      }
    }
  }

  /// The text with `_` for each control character.
  package var withoutControls: String { replacingControls { _ in "_" } }

  /// A JSON text with escapes in place of the control characters that JSON lets strings contain.
  package var withVisibleJSONStrings: String {
    replacingControls { $0 == "\n" ? "\n" : "\\u\($0.hexadecimal(4))" }
  }

  /// The text with another one for each control character.
  package func replacingControls(_ replacement: (Unicode.Scalar) -> String) -> String {
    guard unicodeScalars.contains(where: \.isControl) else { return self }
    var text = String.UnicodeScalarView()
    for scalar in unicodeScalars {
      if scalar.isControl { text += replacement(scalar).unicodeScalars } else { text.append(scalar) }
    }
    return String(text)
  }
}

extension Unicode.Scalar {
  fileprivate func hexadecimal(_ digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }
}
