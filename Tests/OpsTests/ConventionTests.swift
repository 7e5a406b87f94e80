import Foundation
import Graph
import Ops
import TestSupport
import Testing

/// A node with what PyTorch's autograd says about it, as Fixtures/conventions/make.py wrote it.
struct ConventionRow: Decodable, Sendable, CustomStringConvertible {
  struct Array: Decodable, Sendable {
    let shape: [Int]
    let values: [Float]

    var tensor: Tensor { Tensor(values, shape: Shape(shape)) }
    var integers: Tensor { Tensor(values.map { Int64($0) }, shape: Shape(shape)) }
  }

  enum AttributeValue: Decodable, Sendable {
    case int(Int64), float(Float), string(String), ints([Int64])
  }

  let name, type: String
  let opset: Int
  let attributes: [String: AttributeValue]
  let input: Array
  /// The inputs after the first, and whether each is of integers.
  let others: [Array?]
  let integers: [Bool]
  let output, outputGradient, inputGradient: Array

  var description: String { name }

  static let all: [ConventionRow] = {
    do {
      let file = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Fixtures/conventions/conventions.json")
      return try JSONDecoder().decode([ConventionRow].self, from: Data(contentsOf: file))
    } catch {
      fatalError("the fixtures cannot be read: \(error)")
    }
  }()
}

@Suite struct ConventionTests {
  @Test(arguments: ConventionRow.all) func followsPyTorch(_ row: ConventionRow) throws {
    var graph = ComputeGraph(opsets: ["": row.opset])
    graph.values = [Value(name: "x"), Value(name: "y")]
    var inputs: [ValueID?] = [0]
    for (other, isInteger) in zip(row.others, row.integers) {
      guard let other else {
        inputs.append(nil)
        continue
      }
      graph.values.append(Value(name: "constant", constant: isInteger ? other.integers : other.tensor))
      inputs.append(graph.values.count - 1)
    }
    graph.nodes = [
      Node(
        name: "node", operatorName: OperatorName(type: row.type), inputs: inputs, outputs: [1],
        attributes: row.attributes.mapValues(attribute))
    ]
    let x = row.input.tensor
    let plan = try Plan(
      graph, operators: .standard,
      request: PlanRequest(
        inputs: [0: ValueInfo(.float32, x.shape)], outputs: [1], taps: [0], target: 1,
        kernels: KernelRequest(threadCount: 2, reusesWeights: false)))
    let executor = try Executor(plan, pool: ThreadPool(threadCount: 2))
    try executor.set(0, to: x)
    try executor.forward()
    try executor.backward(seed: row.outputGradient.values)
    #expect(executor.contents(of: 1).shape == Shape(row.output.shape))
    expectClose(executor.contents(of: 1).floats, row.output.values)
    expectClose(executor.gradient(of: 0).floats, row.inputGradient.values)
  }

  private func attribute(_ value: ConventionRow.AttributeValue) -> Attribute {
    switch value {
    case .int(let number): .int(number)
    case .float(let number): .float(number)
    case .string(let text): .string(text)
    case .ints(let numbers): .ints(numbers)
    }
  }
}

extension ConventionTests {
  /// Whether a clamp runs inside its convolution must not show: looking at the convolution's output prevents it.
  @Test(arguments: ["Relu", "Clip"]) func fusedClampsHaveTheGradientOfFreeOnes(type: String) throws {
    var graph = ComputeGraph(opsets: ["": 17])
    graph.values = [
      Value(name: "x"), Value(name: "weights", constant: floats(1, shape: [1, 1, 1, 1])), Value(name: "convolved"),
      Value(name: "low", constant: Tensor([0], shape: [])), Value(name: "high", constant: Tensor([6], shape: [])),
      Value(name: "y"),
    ]
    graph.nodes = [
      Node(name: "conv", operatorName: OperatorName(type: "Conv"), inputs: [0, 1], outputs: [2]),
      Node(
        name: "clamp", operatorName: OperatorName(type: type), inputs: type == "Clip" ? [2, 3, 4] : [2], outputs: [5]),
    ]
    let x = floats(-1, 0, 1, 5, 6, 7, shape: [1, 1, 1, 6])
    func run(taps: [ValueID]) throws -> (kernels: Int, gradient: [Float]) {
      let plan = try Plan(
        graph, operators: .standard,
        request: PlanRequest(
          inputs: [0: ValueInfo(.float32, x.shape)], outputs: [5], taps: taps, target: 5,
          kernels: KernelRequest(threadCount: 1, reusesWeights: false)))
      let executor = try Executor(plan, pool: ThreadPool(threadCount: 1))
      try executor.set(0, to: x)
      let kernels = try executor.profile(seed: nil).count
      try executor.backward(seed: [1, 2, 3, 4, 5, 6])
      return (kernels, executor.gradient(of: 0).floats)
    }
    let fused = try run(taps: [0]), free = try run(taps: [0, 2])
    #expect((fused.kernels, free.kernels) == (1, 2))
    #expect(fused.gradient == free.gradient)
    #expect(fused.gradient == (type == "Clip" ? [0, 0, 3, 4, 0, 0] : [0, 0, 3, 4, 5, 6]))
  }
}
