/// Comma-separated values as in RFC 4180.
///
/// Texts are read scalar by scalar: a line end of CR LF, and a quotation mark with an accent, are one `Character`.
package enum CSV {
  /// A record without its line end; fields with commas, quotation marks or line ends are quoted.
  package static func record(_ fields: [String]) -> String {
    fields.map { field in
      field.unicodeScalars.contains { ",\"\r\n".unicodeScalars.contains($0) } ? quoted(field) : field
    }.joined(separator: ",")
  }

  private static func quoted(_ field: String) -> String {
    var text: String.UnicodeScalarView = "\"".unicodeScalars
    for scalar in field.unicodeScalars {
      if scalar == "\"" { text.append(scalar) }
      text.append(scalar)
    }
    text.append("\"")
    return String(text)
  }

  /// The number of quotation marks in a text: odd if a quoted field is open at its end.
  package static func quoteCount(_ text: String) -> Int { text.utf8.count { $0 == UInt8(ascii: "\"") } }

  /// The fields of a record; nil if a quotation mark is misplaced.
  package static func fields(_ record: String, separator: Unicode.Scalar = ",") -> [String]? {
    var fields: [String] = [], field = String.UnicodeScalarView(), isQuoted = false, isClosed = false
    var scalars = Array(record.unicodeScalars)[...]
    while let scalar = scalars.popFirst() {
      switch scalar {
      case "\"" where isQuoted:
        if scalars.first == "\"" {
          field.append(scalars.removeFirst())
        } else {
          (isQuoted, isClosed) = (false, true)
        }
      case "\"":
        guard field.isEmpty, !isClosed else { return nil }
        isQuoted = true
      case separator where !isQuoted:
        fields.append(String(field))
        (field, isClosed) = (String.UnicodeScalarView(), false)
      default:
        guard !isClosed else { return nil }
        field.append(scalar)
      }
    }
    return isQuoted ? nil : fields + [String(field)]
  }
}
