#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// HTML that is well-formed XML, too.
///
/// A string that is interpolated is escaped: no name of a file or class becomes markup.
struct HTML: ExpressibleByStringInterpolation, Equatable, Sendable {
  let text: String

  init(stringLiteral text: String) { self.text = text }
  init(stringInterpolation parts: StringInterpolation) { text = parts.text }

  struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var text = ""

    init(literalCapacity: Int, interpolationCount: Int) { text.reserveCapacity(literalCapacity) }

    mutating func appendLiteral(_ literal: String) { text += literal }
    mutating func appendInterpolation(_ string: String) { text += string.escapedForHTML }
    mutating func appendInterpolation(_ number: Int) { text += "\(number)" }
    mutating func appendInterpolation(_ html: HTML) { text += html.text }
    mutating func appendInterpolation(_ parts: [HTML]) { for part in parts { text += part.text } }

    /// A file of the program's own, of style or script, as it is.
    mutating func appendInterpolation(resource: [UInt8]) { text += String(decoding: resource, as: UTF8.self) }

    /// The address of a JPEG file that holds the file itself.
    mutating func appendInterpolation(jpeg: [UInt8]) {
      text += "data:image/jpeg;base64,"
      text += Data(jpeg).base64EncodedString()
    }
  }

  /// A name that may go on in the next line behind a sign that joins its parts.
  static func breakable(_ name: String) -> HTML {
    let pieces = name.map { character -> HTML in
      "\(String(character))\("_./".contains(character) ? "<wbr/>" : "" as HTML)"
    }
    return "\(pieces)"
  }

  /// A dash in place of what is not known, and why for those who hear the page or rest the pointer on it.
  static func missing(_ reason: String) -> HTML {
    "<span title=\"\(reason)\" aria-hidden=\"true\">–</span><span class=\"unseen\">\(reason)</span>"
  }
}

extension String {
  /// The text with what HTML gives a meaning to written as references; characters that it forbids are replaced.
  fileprivate var escapedForHTML: String {
    var escaped = ""
    escaped.reserveCapacity(utf8.count)
    for scalar in unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&#39;"
      case "\t", "\n": escaped.unicodeScalars.append(scalar)
      case "\0"..<" ", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}": escaped += "\u{FFFD}"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
