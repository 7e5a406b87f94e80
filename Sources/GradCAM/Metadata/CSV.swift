/// Comma-separated values as in RFC 4180.
package enum CSV {
  /// A record without its line end.
  package static func record(_ fields: [String]) -> String {
    fields.map { field in
      field.contains { ",\"\r\n".contains($0) }
        ? "\"" + field.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\"" : field
    }.joined(separator: ",")
  }

  /// The fields of a record on one line; nil if a quotation mark is misplaced.
  package static func fields(_ record: String, separator: Character = ",") -> [String]? {
    var fields: [String] = [], field = "", isQuoted = false, isClosed = false
    var characters = Array(record)[...]
    while let character = characters.popFirst() {
      switch character {
      case "\"" where isQuoted:
        if characters.first == "\"" {
          field.append(characters.removeFirst())
        } else {
          (isQuoted, isClosed) = (false, true)
        }
      case "\"":
        guard field.isEmpty, !isClosed else { return nil }
        isQuoted = true
      case separator where !isQuoted:
        fields.append(field)
        (field, isClosed) = ("", false)
      default:
        guard !isClosed else { return nil }
        field.append(character)
      }
    }
    return isQuoted ? nil : fields + [field]
  }
}
