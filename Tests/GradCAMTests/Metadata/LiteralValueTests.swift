import TestSupport
import Testing

@testable import GradCAM

@Suite struct LiteralValueTests {
  @Test(arguments: [
    ("[1, 2.5, -3e2]", LiteralValue.list([.number(1), .number(2.5), .number(-300)])),
    (#"{"a": null, "b": true, "c": [false]}"#, .map(["a": .null, "b": .bool(true), "c": .list([.bool(false)])])),
    ("{0: 'person', 1: \"it's\"}", .map(["0": .text("person"), "1": .text("it's")])),
    ("(640, 640,)", .list([.number(640), .number(640)])), ("[None, True]", .list([.null, .bool(true)])),
    (#""a\"\\\n\u00e9\ud83d\ude00""#, .text("a\"\\\né😀")), (#"'it\'s \x41'"#, .text("it's A")),
    ("'it''s'", .text("it's")), ("[cat, big dog]", .list([.text("cat"), .text("big dog")])), (" {} ", .map([:])),
  ])
  func readsJSONAndPython(_ text: String, _ value: LiteralValue) { #expect(LiteralValue(text) == value) }

  @Test(arguments: [
    "", "[1, 2", "{\"a\"}", "{\"a\": }", "[1] 2", "\"open", "[1 \n 2]", "{[1]: 2}", #""\ud83d""#, #""\q\u00""#,
    String(repeating: "[", count: 100_000),
  ])
  func anythingElseIsNil(_ text: String) { #expect(LiteralValue(text) == nil) }

  @Test(arguments: [
    (#"["cat", "dog"]"#, ["cat", "dog"]), (#"{"1": "dog", "0": "cat"}"#, ["cat", "dog"]),
    (#"{"cat": 0, "dog": 1}"#, ["cat", "dog"]), (#"{"0": ["n01440764", "tench"]}"#, ["tench"]),
    ("{0: 'cat', 2: 'dog'}", ["cat", "class 1", "dog"]),
    (#"[{"id": 1, "name": "b"}, {"id": 0, "name": "a"}]"#, ["a", "b"]),
    (#"{"0": 0, "1": 1}"#, ["0", "1"]),
  ])
  func namesOfClasses(_ text: String, _ names: [String]) { #expect(LiteralValue(text)?.classNames == names) }

  @Test(arguments: [
    #"{"cat": 0, "dog": 0}"#, #"{"0": 1, "1": 0}"#, #"{"a": "b"}"#, "{\"900\": \"far\"}", "[[1]]", "3", "{}",
    #"[{"id": 1}]"#,
  ])
  func otherValuesNameNothing(_ text: String) { #expect(LiteralValue(text)?.classNames == nil) }

  @Test(arguments: [
    #"{"a": [1, -2.5e3, 0, true, null], "b": {"a": "\u00e9\/\n"}}"#, " [] ", "3", #""text""#,
  ])
  func strictJSON(_ text: String) throws { #expect(try LiteralValue(json: text) == LiteralValue(text)) }

  @Test(arguments: [
    ("", "line 1: the text ends too early"), ("{\n\"a\": 1,\n\"a\": 2}", "line 3: the key 'a' occurs twice"),
    ("[1,\n2", "line 2: the text ends too early"), ("[1, 2,]", "is not JSON"), (#"{"a": 1,}"#, "is not JSON"),
    ("['a']", "is not JSON"), ("(1)", "is not JSON"), ("[None]", "is not JSON"), ("[a]", "is not JSON"),
    ("[01]", "is not JSON"), ("[1.]", "is not JSON"), ("[.5]", "is not JSON"), ("[+1]", "is not JSON"),
    ("[--1]", "is not JSON"), ("[nan]", "is not JSON"), ("[0x10]", "is not JSON"), ("{1: 2}", "is not JSON"),
    (#"["\x41"]"#, "is not JSON"), (#"["\q"]"#, "is not JSON"), ("[\"a\nb\"]", "is not JSON"), ("[1] 2", "is not JSON"),
  ])
  func anythingElseIsNotJSON(_ text: String, words: String) {
    expectError(.badData, saying: words) { _ = try LiteralValue(json: text) }
  }
}
