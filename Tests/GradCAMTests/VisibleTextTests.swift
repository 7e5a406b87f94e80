import Testing

@testable import GradCAM

/// Names and labels come from strangers' files.
@Suite struct VisibleTextTests {
  @Test(arguments: [
    ("a\u{1B}[31mb", "a\\x1b[31mb"), ("one\r\ntwo\tthree\0", "one\\r\\ntwo\\tthree\\x00"),
    ("\u{7F}\u{9B}2J", "\\x7f\\x9b2J"), ("gpj.\u{202E}exe\u{2066}", "gpj.\\u{202e}exe\\u{2066}"),
    ("\u{61C}\u{200E}\u{200F}\u{2028}\u{2029}", "\\u{061c}\\u{200e}\\u{200f}\\u{2028}\\u{2029}"),
    ("e\u{301}é 花 👩‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿 \\n", "e\u{301}é 花 👩‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿 \\n"), ("", ""),
  ])
  func controlCharactersAreShown(_ text: String, _ shown: String) {
    #expect(Array(text.visible.unicodeScalars) == Array(shown.unicodeScalars))
  }

  @Test func jsonKeepsItsMeaning() {
    let text = "{\n  \"a\": \"\u{7F}\u{9B}\u{202E}é\"\n}"
    #expect(text.withVisibleJSONStrings == "{\n  \"a\": \"\\u007f\\u009b\\u202eé\"\n}")
  }

  @Test(arguments: [
    ("a/b:c d\u{1B}\n\u{202E}e", "a_b_c_d___e"), ("..", ".._"), ("", "_"), ("x/\u{301}y", "x_\u{301}y"),
    ("../\u{301}up", ".._\u{301}up"), (String(repeating: "n", count: 40), String(repeating: "n", count: 40)),
  ])
  func partsOfFileNames(_ text: String, _ part: String) {
    #expect(Array(text.asPartOfFileName(upTo: 40).unicodeScalars) == Array(part.unicodeScalars))
  }

  @Test(arguments: ["n", "é", "花", "👩‍👩‍👧"])
  func longPartsAreCutAtCharactersAndStayDifferent(_ character: String) {
    let long = String(repeating: character, count: 100)
    let parts = [long, long + "a", long + "b"].map { $0.asPartOfFileName(upTo: 60) }
    #expect(Set(parts).count == 3)
    for part in parts {
      #expect(part.utf8.count <= 60)
      #expect(part.prefix { $0 != "~" }.allSatisfy { String($0) == character } && part.first == Character(character))
    }
  }

  @Test(arguments: [
    ["plain", "a,b", "say \"yes\"", ""], ["two\nlines", "two\r\nlines", "\r"],
    ["\u{301}x", ",\u{301}", "\"\u{301}", "é"],
  ])
  func tablesKeepEveryField(_ fields: [String]) throws {
    let record = CSV.record(fields)
    let read = try #require(CSV.fields(record))
    #expect(read.map { Array($0.unicodeScalars) } == fields.map { Array($0.unicodeScalars) })
    #expect(CSV.quoteCount(record) % 2 == 0)
  }

  @Test func lineEndsAreQuoted() {
    #expect(CSV.record(["a\r\nb", "c"]) == "\"a\r\nb\",c")
    #expect(CSV.record(["a\nb", "c"]) == "\"a\nb\",c")
  }
}
