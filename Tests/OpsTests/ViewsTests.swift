import Graph
import Ops
import TestSupport
import Testing

let viewsGradientChecks: [GradientCheck] = [
  GradientCheck(type: "Identity", inputs: [.uniform([2, 3])]),
  GradientCheck(type: "Dropout", inputs: [.uniform([2, 3])]),
  GradientCheck(type: "Reshape", inputs: [.uniform([2, 6]), .fixed(integers(3, -1))]),
  GradientCheck(type: "Reshape", attributes: ["shape": .ints([0, 2, 3])], inputs: [.uniform([2, 6])], opset: 1),
  GradientCheck(type: "Flatten", attributes: ["axis": .int(2)], inputs: [.uniform([2, 3, 4])]),
  GradientCheck(type: "Squeeze", inputs: [.uniform([1, 3, 1]), .fixed(integers(-1))]),
  GradientCheck(type: "Squeeze", attributes: ["axes": .ints([0])], inputs: [.uniform([1, 3, 1])], opset: 12),
  GradientCheck(type: "Unsqueeze", inputs: [.uniform([3, 2]), .fixed(integers(-1))]),
  GradientCheck(type: "Unsqueeze", attributes: ["axes": .ints([0, 2])], inputs: [.uniform([3, 2])], opset: 12),
]

@Suite struct ViewsTests {
  private func shape(
    _ type: String, _ x: Shape, _ others: [Tensor?] = [], _ attributes: [String: Attribute] = [:], opset: Int = 20
  ) throws -> Shape {
    let y = try evaluate(type, [counting(x)] + others, attributes, opset: opset)[0]
    #expect(y.floats == counting(x).floats)
    return y.shape
  }

  @Test func reshape() throws {
    #expect(try shape("Reshape", [2, 3, 4], [integers(0, -1)]) == [2, 12])
    #expect(try shape("Reshape", [2, 3, 4], [integers(4, 0, 2)]) == [4, 3, 2])
    #expect(try shape("Reshape", [1, 1], [integers()]) == [])
    #expect(try shape("Reshape", [2, 3], [], ["shape": .ints([-1])], opset: 4) == [6])
    #expect(try shape("Reshape", [0, 3], [integers(3, 0)], ["allowzero": .int(1)]) == [3, 0])
  }

  @Test func flatten() throws {
    #expect(try shape("Flatten", [2, 3, 4]) == [2, 12])
    #expect(try shape("Flatten", [2, 3, 4], [], ["axis": .int(0)]) == [1, 24])
    #expect(try shape("Flatten", [2, 3, 4], [], ["axis": .int(3)]) == [24, 1])
    #expect(try shape("Flatten", [2, 3, 4], [], ["axis": .int(-1)]) == [6, 4])
    #expect(try shape("Flatten", [5], [], ["axis": .int(0)]) == [1, 5])
  }

  @Test func squeezeAndUnsqueeze() throws {
    #expect(try shape("Squeeze", [1, 3, 1, 2]) == [3, 2])
    #expect(try shape("Squeeze", [1, 3, 1, 2], [integers(-2)]) == [1, 3, 2])
    #expect(try shape("Squeeze", [1, 3, 1], [], ["axes": .ints([0])], opset: 11) == [3, 1])
    #expect(try shape("Unsqueeze", [3, 2], [integers(0, -1)]) == [1, 3, 2, 1])
    #expect(try shape("Unsqueeze", [3, 2], [], ["axes": .ints([3, 1])], opset: 1) == [3, 1, 2, 1])
  }

  @Test func dropoutKeepsEverything() throws {
    let x = counting([2, 2])
    let off = Tensor([false], shape: [])
    let results = try evaluate("Dropout", [x, floats(0.9, shape: []), off], outputCount: 2)
    #expect(results[0].floats == x.floats)
    #expect(results[1].elementType == .bool)
    #expect(results[1].integers == [1, 1, 1, 1])
    let old = try evaluate(
      "Dropout", [x], ["ratio": .float(0.5), "is_test": .int(1), "consumed_inputs": .ints([0])], opset: 1,
      outputCount: 2)
    #expect(old[0].floats == x.floats)
    #expect(old[1].elementType == .float32)
    let on = Tensor([true], shape: [])
    expectError(.unsupported, saying: "training") { _ = try evaluate("Dropout", [x, nil, on]) }
    expectError(.unsupported, saying: "training") { _ = try evaluate("Dropout", [x, floats(0.1, shape: []), on]) }
    #expect(try evaluate("Dropout", [x, floats(0, shape: []), on])[0].floats == x.floats)
  }

  @Test func aViewMayBeLeftOut() throws {
    let graph = ComputeGraph(
      values: [Value(name: "x"), Value(name: "mask")],
      nodes: [Node(name: "", operatorName: OperatorName(type: "Dropout"), inputs: [0], outputs: [nil, 1])],
      inputs: [0], outputs: [1], opsets: ["": 13])
    let plan = try Plan(
      graph, operators: .standard,
      request: PlanRequest(
        inputs: [0: ValueInfo(.float32, [2])], outputs: [1],
        kernels: KernelRequest(threadCount: 1, reusesWeights: false)))
    #expect(try Executor(plan, pool: ThreadPool(threadCount: 1)).contents(of: 1).integers == [1, 1])
  }

  @Test func refusals() {
    expectError(.badData, saying: "2×3") { _ = try shape("Reshape", [2, 3], [integers(4)]) }
    expectError(.badData, saying: "1×4") { _ = try shape("Reshape", [2, 3], [integers(-1, 4)]) }
    expectError(.badData, saying: "1×-1") { _ = try shape("Reshape", [2, 3], [integers(-1, -1)]) }
    expectError(.badData, saying: "input 1 holds 9223372036854775807") {
      _ = try shape("Reshape", [2], [integers(.max, .max)])
    }
    expectError(.badData, saying: "[6, 1, 0]", "2×3") { _ = try shape("Reshape", [2, 3], [integers(6, 1, 0)]) }
    expectError(.badData, saying: "input 1") { _ = try shape("Reshape", [2, 3]) }
    expectError(.badData, saying: "axis 3") { _ = try shape("Flatten", [2, 3], [], ["axis": .int(3)]) }
    expectError(.badData, saying: "axis 0", "2×1") { _ = try shape("Squeeze", [2, 1], [integers(0)]) }
    expectError(.badData, saying: "[0, 0]") { _ = try shape("Unsqueeze", [2], [integers(0, 0)]) }
    expectError(.badData, saying: "axis 5") { _ = try shape("Unsqueeze", [2], [integers(5)]) }
    expectError(.badData, saying: "has 0 inputs", "takes 1") { _ = try evaluate("Identity", []) }
  }
}
