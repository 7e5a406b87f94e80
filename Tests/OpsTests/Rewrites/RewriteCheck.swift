import Ops
import TestSupport
import Testing

@testable import Graph

/// A small network of one input, planned with the rewrites of the standard operators and without.
struct RewriteCheck {
  var graph = ComputeGraph(values: [Value(name: "x")], inputs: [0], opsets: ["": 17])
  /// The contents of the input.
  let x: Tensor

  /// Fills the input with numbers between −4 and 4.
  init(_ shape: Shape) {
    var generator = SplitMix64(seed: 1)
    x = Tensor((0..<shape.count).map { _ in .random(in: -4...4, using: &generator) }, shape: shape)
  }

  mutating func constant(_ tensor: Tensor) -> ValueID {
    graph.values.append(Value(name: "value\(graph.values.count)", constant: tensor))
    return graph.values.count - 1
  }

  /// A scalar.
  mutating func constant(_ number: Float) -> ValueID { constant(Tensor([number], shape: [])) }

  /// Numbers from a range.
  mutating func constant(_ shape: Shape, in range: ClosedRange<Float> = -1...1) -> ValueID {
    var generator = SplitMix64(seed: UInt64(graph.values.count))
    return constant(Tensor((0..<shape.count).map { _ in .random(in: range, using: &generator) }, shape: shape))
  }

  mutating func node(_ type: String, _ inputs: ValueID?..., attributes: [String: Attribute] = [:]) -> ValueID {
    graph.values.append(Value(name: "value\(graph.values.count)"))
    let output = graph.values.count - 1
    graph.nodes.append(
      Node(
        name: "", operatorName: OperatorName(type: type), inputs: inputs, outputs: [output], attributes: attributes))
    return output
  }

  private func executor(
    _ output: ValueID, taps: [ValueID], operators: OperatorSet = .standard
  ) throws -> Executor {
    let plan = try Plan(
      graph, operators: operators,
      request: PlanRequest(
        inputs: [0: ValueInfo(.float32, x.shape)],
        outputs: [output], taps: taps, target: output,
        kernels: KernelRequest(threadCount: 2, reusesWeights: false)))
    let executor = try Executor(plan, pool: ThreadPool(threadCount: 2))
    try executor.set(0, to: x)
    try executor.forward()
    return executor
  }

  /// The operators that run on the way to a value, in order.
  func steps(to output: ValueID, taps: [ValueID] = [0]) throws -> [String] {
    try executor(output, taps: taps).profile(seed: nil).map { "\($0.operatorName)" }
  }

  /// The kernels that run on the way to a value, in order.
  func kernels(to output: ValueID, taps: [ValueID]) throws -> [String] {
    try executor(output, taps: taps).profile(seed: nil).map(\.kernel)
  }

  /// The contents of a value.
  func contents(of output: ValueID, taps: [ValueID], operators: OperatorSet = .standard) throws -> [Float] {
    try executor(output, taps: taps, operators: operators).contents(of: output).floats
  }

  /// Expects these operators to run where nobody looks inside, the same numbers as without rewrites, and no rewrite
  /// where one of the inner values is tapped.
  func expect(
    _ steps: [String], to output: ValueID, inner: [ValueID], tolerance: Double = 1e-6,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(try self.steps(to: output) == steps, sourceLocation: sourceLocation)
    let plain = try run(output, taps: [0], operators: OperatorSet.standard.withoutRewrites)
    for taps in [[0]] + inner.map({ [0, $0] }) {
      let rewritten = try run(output, taps: taps, operators: .standard)
      for (found, truth) in [(rewritten.output, plain.output), (rewritten.gradient, plain.gradient)] {
        let scale = Double(max(1, truth.map(abs).max() ?? 0))
        expectClose(found, truth, within: tolerance * scale, "taps \(taps)", sourceLocation: sourceLocation)
      }
    }
    for tap in inner {
      #expect(try self.steps(to: output, taps: [0, tap]) != steps, "tapped at \(tap)", sourceLocation: sourceLocation)
    }
  }

  /// Expects the numbers of the graph without rewrites where one value is tapped, which carries the only gradient.
  func expectSame(
    _ output: ValueID, at tap: ValueID, _ comment: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let plain = try run(output, taps: [tap], operators: OperatorSet.standard.withoutRewrites)
    let rewritten = try run(output, taps: [tap], operators: .standard)
    for (found, truth) in [(rewritten.output, plain.output), (rewritten.gradient, plain.gradient)] {
      let scale = Double(max(1, truth.map(abs).max() ?? 0))
      expectClose(found, truth, within: 1e-5 * scale, "\(comment), tap \(tap)", sourceLocation: sourceLocation)
    }
  }

  /// The contents of the output, and the gradient at the first tap.
  private func run(
    _ output: ValueID, taps: [ValueID], operators: OperatorSet
  ) throws -> (output: [Float], gradient: [Float]) {
    let executor = try executor(output, taps: taps, operators: operators)
    let result = executor.contents(of: output).floats
    var generator = SplitMix64(seed: 2)
    try executor.backward(seed: result.map { _ in .random(in: -1...1, using: &generator) })
    return (result, executor.gradient(of: taps[0]).floats)
  }
}
