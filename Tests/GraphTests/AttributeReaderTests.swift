import Graph
import TestSupport
import Testing

@Suite struct AttributeReaderTests {
  private enum Mode: String, CaseIterable { case fast, slow }

  private func reader(_ attributes: [String: Attribute]) -> AttributeReader {
    AttributeReader(
      Node(name: "n", operatorName: OperatorName(type: "Op"), inputs: [], outputs: [], attributes: attributes),
      opsets: ["": 17])
  }

  @Test func readsEveryKindAndTheDefaults() throws {
    var reader = reader([
      "int": .int(3), "flag": .int(1), "ints": .ints([1, -2]), "float": .float(0.5), "floats": .floats([1, 2]),
      "string": .string("slow"), "tensor": .tensor(Tensor([1], shape: [])),
    ])
    #expect(try reader.int("int") == 3)
    #expect(try reader.int("absent", default: 7) == 7)
    #expect(try reader.int("absent") == nil)
    #expect(try reader.flag("flag"))
    #expect(try reader.flag("absent", default: true))
    #expect(try reader.ints("ints") == [1, -2])
    #expect(try reader.float("float") == 0.5)
    #expect(try reader.float("absent", default: 2) == 2)
    #expect(try reader.floats("floats") == [1, 2])
    #expect(try reader.string("absent", default: "x") == "x")
    #expect(try reader.choice("string", default: Mode.fast) == .slow)
    #expect(try reader.tensor("tensor")?.floats == [1])
    try reader.finish()
  }

  @Test func whatNobodyReadIsAnErrorByName() throws {
    var reader = reader(["known": .int(1), "secret": .int(2), "another": .int(3)])
    _ = try reader.int("known")
    #expect(reader.has("secret"))
    expectError(.unsupported, saying: "'another', 'secret'") { try reader.finish() }
    reader.ignore("secret", "another", "absent")
    try reader.finish()
  }

  @Test func wrongKindsAreErrorsByName() {
    func expectMismatch(_ body: (inout AttributeReader) throws -> Void) {
      var reader = reader(["a": .ints([1])])
      expectError(.badData, at: "attribute 'a'") { try body(&reader) }
    }
    expectMismatch { _ = try $0.int("a") }
    expectMismatch { _ = try $0.float("a") }
    expectMismatch { _ = try $0.floats("a") }
    expectMismatch { _ = try $0.string("a", default: "") }
    expectMismatch { _ = try $0.tensor("a") }
  }

  @Test func unknownChoicesListTheKnown() {
    var reader = reader(["mode": .string("warp")])
    expectError(.unsupported, at: "attribute 'mode'", saying: "'warp'", "fast, slow") {
      _ = try reader.choice("mode", default: Mode.fast)
    }
  }

  @Test func valuesThatCannotBeHeldFailOnlyWhenRead() throws {
    let cause = GradCAMError(.unsupported, problem: "sparse tensors")
    var reader = reader(["value": .unsupported(cause)])
    expectError(.unsupported, saying: "sparse tensors") { _ = try reader.tensor("value") }
    var other = self.reader(["value": .unsupported(cause)])
    other.ignore("value")
    try other.finish()
  }
}
