import Graph
import Ops
import TestSupport
import Testing

@Suite struct RandomTests {
  @Test func aDistributionOfOneValueIsDetermined() throws {
    let one: [String: Attribute] = ["low": .float(0.5), "high": .float(0.5)]
    #expect(try evaluate("RandomUniformLike", [counting([2, 2])], one, opset: 22)[0].floats == [0.5, 0.5, 0.5, 0.5])
    let uniform = try evaluate("RandomUniform", [], one.merging(["shape": .ints([3])]) { $1 }, opset: 22)[0]
    #expect(uniform.elementType == .float32 && uniform.floats == [0.5, 0.5, 0.5])
    let normal = try evaluate(
      "RandomNormalLike", [counting([2])], ["mean": .float(1.5), "scale": .float(0), "dtype": .int(10)], opset: 22)[0]
    #expect(normal.elementType == .float16 && normal.floats == [1.5, 1.5])
    #expect(try evaluate("Bernoulli", [floats(1, 0)], ["dtype": .int(7)], opset: 22, free: [])[0].integers == [1, 0])
  }

  @Test func anyOtherIsNot() {
    for (type, attributes) in [
      ("RandomUniformLike", ["seed": .float(1)]), ("RandomNormalLike", [:]), ("Bernoulli", ["seed": .float(1)]),
    ] as [(String, [String: Attribute])] {
      expectError(.unsupported, saying: "random") { _ = try evaluate(type, [floats(0.5)], attributes, opset: 22) }
    }
    expectError(.unsupported, saying: "random") { _ = try evaluate("Bernoulli", [floats(0.5)], opset: 22, free: []) }
  }
}
