import GradCAM

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// HTML that is also well-formed XML.
///
/// Interpolated strings are escaped: no name of a file or class becomes markup.
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

    /// One of the program's own style or script files, unescaped.
    mutating func appendInterpolation(resource: [UInt8]) { text += String(decoding: resource, as: UTF8.self) }

    /// A data URL that contains a JPEG file.
    mutating func appendInterpolation(jpeg: [UInt8]) {
      text += "data:image/jpeg;base64,"
      text += Data(jpeg).base64EncodedString()
    }
  }

  /// A name in which a line may break after `_`, `.` or `/`.
  static func breakable(_ name: String) -> HTML {
    let pieces = name.map { character -> HTML in
      "\(String(character))\("_./".contains(character) ? "<wbr/>" : "" as HTML)"
    }
    return "\(pieces)"
  }

  /// A dash for a missing value, with the reason for screen readers and as a tooltip.
  static func missing(_ reason: String) -> HTML {
    "<span title=\"\(reason)\" aria-hidden=\"true\">–</span><span class=\"unseen\">\(reason)</span>"
  }
}

extension String {
  /// The text with HTML's special characters escaped and control characters shown as their escapes.
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
      case "\u{FFFE}", "\u{FFFF}": escaped += "\u{FFFD}"
      case _ where scalar.isControl: escaped += String(scalar).visible
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
