import Ops
import TestSupport
import Testing

@testable import Graph

@Suite struct PlanTests {
  @Test func aTapAfterAFusibleNodeKeepsItsValue() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x")
    let weights = builder.constant([2], [1, 1, 1, 1])
    let convolved = builder.first("Conv", [x, weights])
    let rectified = builder.first("Relu", [convolved])
    let negated = builder.first("Neg", [rectified])
    let plan = try builder.plan([1, 1, 2, 2], outputs: [negated], taps: [convolved, rectified], target: negated)
    let executor = try Executor(plan, pool: ThreadPool(threadCount: 1))
    try executor.set(x, to: Tensor([-1, 0.5, 2, -3], shape: [1, 1, 2, 2]))
    try executor.forward()
    try executor.backward(seed: [1, 2, 3, 4])
    #expect(executor.contents(of: convolved).floats == [-2, 1, 4, -6])
    #expect(executor.contents(of: rectified).floats == [0, 1, 4, 0])
    #expect(executor.contents(of: negated).floats == [0, -1, -4, 0])
    #expect(executor.gradient(of: rectified).floats == [-1, -2, -3, -4])
    #expect(executor.gradient(of: convolved).floats == [0, -2, -3, 0])
  }

  @Test func theTargetItselfMayBeATap() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x"), y = builder.first("Relu", [x])
    let executor = try Executor(
      try builder.plan([3], outputs: [y], taps: [y], target: y), pool: ThreadPool(threadCount: 1))
    try executor.set(x, to: Tensor([1, -2, 3], shape: [3]))
    try executor.forward()
    try executor.backward(seed: [4, 5, 6])
    #expect(executor.gradient(of: y).floats == [4, 5, 6])
    #expect(executor.contents(of: y).floats == [1, 0, 3])
  }

  @Test func aTapThatDoesNotLeadToTheTargetIsAUsageError() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x"), aside = builder.first("Relu", [x]), y = builder.first("Neg", [x])
    expectError(.usage, at: "'\(builder.graph.values[aside].name)'") {
      _ = try builder.plan([3], outputs: [y], taps: [aside], target: y)
    }
  }

  @Test func aTapDownstreamOfTheTargetIsAUsageError() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x"), y = builder.first("Neg", [x]), after = builder.first("Relu", [y])
    expectError(.usage, at: "'\(builder.graph.values[after].name)'") {
      _ = try builder.plan([3], outputs: [y], taps: [after], target: y)
    }
  }

  @Test func threeGradientsMeetAtOneValueWhereTwoAreKept() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x")
    let negated = builder.first("Neg", [x])
    let doubled = builder.first("Add", [x, x])
    let y = builder.first("Add", [negated, doubled])
    let executor = try Executor(
      try builder.plan([2], outputs: [y], taps: [x, doubled], target: y), pool: ThreadPool(threadCount: 1))
    try executor.set(x, to: Tensor([1, 2], shape: [2]))
    try executor.forward()
    try executor.backward(seed: [3, 5])
    #expect(executor.gradient(of: doubled).floats == [3, 5])
    #expect(executor.gradient(of: x).floats == [3, 5])
  }

  @Test func aTapMayBeAConstant() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x")
    let folded = builder.first("Neg", [builder.constant([1, 2, 3], [3])])
    let y = builder.first("Mul", [x, folded])
    let executor = try Executor(
      try builder.plan([3], outputs: [y], taps: [folded], target: y), pool: ThreadPool(threadCount: 1))
    try executor.set(x, to: Tensor([4, 5, 6], shape: [3]))
    try executor.forward()
    try executor.backward(seed: [1, 1, 1])
    #expect(executor.contents(of: folded).floats == [-1, -2, -3])
    #expect(executor.gradient(of: folded).floats == [4, 5, 6])
  }

  @Test func anOperatorWithoutGradientBetweenTapAndTargetIsNamed() throws {
    let step = OperatorEntry("Step", inputs: 1...1) { _ in OneWay() }
    var builder = GraphBuilder.test
    let x = builder.input("x"), y = builder.first("Step", [x], name: "wall")
    let operators = OperatorSet([step])
    _ = try builder.plan([3], outputs: [y], operators: operators)
    expectError(.unsupported, at: "node 'wall' (Step, #0)", saying: "operator Step") {
      _ = try builder.plan([3], outputs: [y], taps: [x], target: y, operators: operators)
    }
  }

  /// A gradient is passed on only to an input of the result's size; one that does not influence the result gets zeros.
  @Test func passedGradientsFit() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x"), half = builder.first("Half", [x])
    let wrong = builder.first("First", [half, x]), right = builder.first("First", [x, half])
    let operators = OperatorSet([
      OperatorEntry("Half", inputs: 1...1) { _ in Half() }, OperatorEntry("First", inputs: 2...2) { _ in First() },
    ])
    expectError(.badData, at: "node 'First' (First, #1)", saying: "input 1 of shape 4", "a result of shape 2") {
      _ = try builder.plan([4], outputs: [wrong], taps: [x], target: wrong, operators: operators)
    }
    let plan = try builder.plan([4], outputs: [right], taps: [half], target: right, operators: operators)
    let executor = try Executor(plan, pool: ThreadPool(threadCount: 1))
    try executor.set(x, to: Tensor([1, 2, 3, 4], shape: [4]))
    try executor.forward()
    try executor.backward(seed: [1, 1, 1, 1])
    #expect(executor.gradient(of: half).floats == [0, 0])
  }

  @Test func nodesThatNoOutputNeedsAreNotResolved() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x"), dead = builder.first("NoSuchOperator", [x]), y = builder.first("Neg", [x])
    let plan = try builder.plan([3], outputs: [y])
    #expect(plan.infos[dead] == nil)
    #expect(plan.steps.count == 1)
    expectError(.unsupported, at: "node 'NoSuchOperator' (NoSuchOperator, #0)", saying: "operator NoSuchOperator") {
      _ = try builder.plan([3], outputs: [dead])
    }
  }

  @Test func backwardVisitsOnlyThePathFromTapToTarget() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x")
    let early = builder.first("Abs", [builder.first("Abs", [x])])
    let tap = builder.first("Relu", [early])
    let aside = builder.first("Abs", [early])
    let y = builder.first("Mul", [builder.first("Abs", [tap]), aside])
    let plan = try builder.plan([3], outputs: [y], taps: [tap], target: y)
    let nodes = plan.steps[plan.backwardStart...].map { builder.graph.nodes[$0.node].operatorName.type }
    #expect(nodes == ["Mul", "Abs"])
  }

  @Test func whatDependsOnConstantsAloneIsComputedWhilePlanning() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x")
    let shape = builder.first("Shape", [x])
    let doubled = builder.first("Mul", [shape, builder.constant([2] as [Int64])])
    let floats = builder.first("Neg", [builder.first("Add", [builder.constant([1], [1]), builder.constant([2], [1])])])
    let y = builder.first("Mul", [x, floats])
    let plan = try builder.plan([2, 5], outputs: [y, doubled])
    #expect(plan.infos[doubled]?.constant?.integers == [4, 10])
    #expect(plan.infos[floats]?.constant?.floats == [-3])
    #expect(plan.steps.count == 1)
    let executor = try Executor(plan, pool: ThreadPool(threadCount: 1))
    try executor.set(x, to: Tensor([Float](repeating: 1, count: 10), shape: [2, 5]))
    try executor.forward()
    #expect(executor.contents(of: y).floats == [Float](repeating: -3, count: 10))
    #expect(executor.contents(of: doubled).integers == [4, 10])
  }

  @Test func aViewOfAKeptValueMayNotBeOverwritten() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x")
    let kept = builder.first("Neg", [x])
    let view = builder.first("Reshape", [kept, builder.constant([2, 2])])
    let y = builder.first("Relu", [view])
    let executor = try Executor(
      try builder.plan([4], outputs: [y, kept], taps: [kept], target: y), pool: ThreadPool(threadCount: 1))
    try executor.set(x, to: Tensor([1, -2, 3, -4], shape: [4]))
    try executor.forward()
    #expect(executor.contents(of: kept).floats == [-1, 2, -3, 4])
    #expect(executor.contents(of: y).floats == [0, 2, 0, 4])
    #expect(executor.contents(of: x).floats == [1, -2, 3, -4])
  }

  @Test func inputsOfAnotherShapeAreRefused() throws {
    var builder = GraphBuilder.test
    let x = builder.input("picture"), y = builder.first("Relu", [x])
    let executor = try Executor(try builder.plan([3], outputs: [y]), pool: ThreadPool(threadCount: 1))
    expectError(.badData, at: "input 'picture'", saying: "float32 2", "float32 3") {
      try executor.set(x, to: Tensor([1, 2], shape: [2]))
    }
    expectError(.badData, at: "input 'picture'", saying: "int64 3", "float32 3") {
      try executor.set(x, to: Tensor([1, 2, 3] as [Int64], shape: [3]))
    }
  }

  @Test func aNodeOfMissingContentsNamesTheInput() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x")
    let y = builder.first("Add", [x, builder.value("mask")], name: "join")
    expectError(.badData, at: "node 'join' (Add, #0)", saying: "'mask'") {
      _ = try builder.plan([3], outputs: [y])
    }
  }

  @Test func aCheckpointEndsARunByThrowing() throws {
    struct Stop: Error {}
    var builder = GraphBuilder.test
    let x = builder.input("x"), y = builder.first("Relu", [x])
    let executor = try Executor(try builder.plan([3], outputs: [y]), pool: ThreadPool(threadCount: 1))
    #expect(throws: Stop.self) { try executor.forward { throw Stop() } }
  }

  @Test func whatOnlyAGivenValueNeedsIsNotPlanned() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x")
    let tap = builder.first("Neg", [builder.first("NoSuchOperator", [x])])
    let y = builder.first("Abs", [builder.first("Relu", [tap])])
    let plan = try builder.plan([3], given: [tap: [3]], outputs: [y], taps: [tap], target: y)
    let forward = plan.steps[..<plan.backwardStart].map { plan.graph.nodes[$0.node].operatorName.type }
    #expect(forward == ["Relu", "Abs"])
    let executor = try Executor(plan, pool: ThreadPool(threadCount: 1))
    for values: [Float] in [[1, -2, 3], [-4, 5, 6]] {
      try executor.set(tap, to: Tensor(values, shape: [3]))
      try executor.forward()
      try executor.backward(seed: [7, 8, 9])
      #expect(executor.contents(of: tap).floats == values)
      #expect(executor.contents(of: y).floats == values.map { max($0, 0) })
      #expect(executor.gradient(of: tap).floats == zip(values, [7, 8, 9]).map { $0 > 0 ? $1 : 0 })
    }
  }

  @Test func whatGoesAroundAGivenValueIsComputedFromTheInput() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x")
    let early = builder.first("Neg", [x])
    let tap = builder.first("Abs", [early])
    let y = builder.first("Add", [builder.first("Neg", [tap]), early])
    let executor = try Executor(
      try builder.plan([2], given: [tap: [2]], outputs: [y]), pool: ThreadPool(threadCount: 1))
    try executor.set(x, to: Tensor([1, 2], shape: [2]))
    try executor.set(tap, to: Tensor([10, 20], shape: [2]))
    for _ in 0..<2 {
      try executor.forward()
      #expect(executor.contents(of: y).floats == [-11, -22])
    }
  }

  /// Conv and Relu are fused where nobody looks between them.
  @Test(arguments: [0, 1]) func aGivenValueDoesNotVanishInARewrite(position: Int) throws {
    var builder = GraphBuilder.test
    let x = builder.input("x")
    let convolved = builder.first("Conv", [x, builder.constant([2], [1, 1, 1, 1])])
    let rectified = builder.first("Relu", [convolved])
    let y = builder.first("Neg", [rectified])
    let tap = [convolved, rectified][position]
    let executor = try Executor(
      try builder.plan([1, 1, 1, 2], given: [tap: [1, 1, 1, 2]], outputs: [y]), pool: ThreadPool(threadCount: 1))
    try executor.set(x, to: Tensor([100, 100], shape: [1, 1, 1, 2]))
    try executor.set(tap, to: Tensor([3, 4], shape: [1, 1, 1, 2]))
    try executor.forward()
    #expect(executor.contents(of: y).floats == [-3, -4])
  }

  @Test func aRewriteSeesThatAGivenValueIsNotPrivate() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x")
    let first = builder.first("Neg", [x]), second = builder.first("Neg", [first])
    let y = builder.first("Relu", [second])
    let operators = OperatorSet(
      [OperatorEntry("Relu", inputs: 1...1) { _ in OneWay() }, OperatorEntry("Neg", inputs: 1...1) { _ in OneWay() }],
      rewrites: [SkipWhatIsPrivate()])
    func read(given: [ValueID: Shape]) throws -> [ValueID?] {
      try builder.plan([3], given: given, outputs: [y], operators: operators).graph.nodes.map { $0.inputs[0] }
    }
    #expect(try read(given: [:]) == [x, x, x])
    #expect(try read(given: [second: [3]]) == [x, first, second])
  }

  @Test func oneOfSeveralOutputsMayBeGiven() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x")
    let left = builder.first("Split", [x], ["axis": .int(0)], outputCount: 2), right = left + 1
    let y = builder.first("Add", [left, right])
    for given in [left, right] {
      let executor = try Executor(
        try builder.plan([4], given: [given: [2]], outputs: [y]), pool: ThreadPool(threadCount: 1))
      try executor.set(x, to: Tensor([1, 2, 3, 4], shape: [4]))
      try executor.set(given, to: Tensor([10, 20], shape: [2]))
      try executor.forward()
      #expect(executor.contents(of: y).floats == (given == left ? [13, 24] : [11, 22]))
    }
  }

  @Test func aGivenValueWithContentsIsAConstant() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x"), constant = builder.constant([1, 1], [2])
    let tap = builder.first("Neg", [x])
    let doubled = builder.first("Add", [tap, constant])
    let y = builder.first("Mul", [doubled, x])
    let plan = try Plan(
      builder.graph, operators: .standard,
      request: PlanRequest(
        inputs: [
          x: ValueInfo(.float32, [2]), tap: ValueInfo(Tensor([5, 6], shape: [2])),
          constant: ValueInfo(Tensor([10, 20], shape: [2])),
        ],
        outputs: [y], kernels: KernelRequest(threadCount: 1, reusesWeights: false)))
    #expect(plan.infos[doubled]?.constant?.floats == [15, 26])
    #expect(plan.steps.count == 1)
  }

  @Test func nodesWhoseGradientIsAnEstimateAreReported() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x"), scale = builder.constant([0.5], [])
    let quantized = builder.first("QuantizeLinear", [x, scale])
    let tap = builder.first("DequantizeLinear", [quantized, scale])
    let y = builder.first("Relu", [tap])
    #expect(try builder.plan([3], outputs: [y], taps: [x], target: y).estimatedGradients == [0])
    #expect(try builder.plan([3], outputs: [y], taps: [tap], target: y).estimatedGradients == [])
  }
}

/// Lets every node read what the node before it reads, where the value between them is private.
private struct SkipWhatIsPrivate: GraphRewrite {
  func apply(to graph: inout ComputeGraph, knowing facts: RewriteFacts) {
    for (index, node) in graph.nodes.enumerated() {
      guard let input = node.inputs[0], facts.isPrivate(input), let before = graph.nodes[..<index].last else {
        continue
      }
      graph.nodes[index].inputs = before.inputs
    }
  }
}

/// An operator without derivative.
private struct OneWay: Operator {
  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] { [try inputs.required(0)] }
  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel { .view() }
}

/// The first half of a list.
private struct Half: DifferentiableOperator {
  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    [ValueInfo(.float32, [try inputs.required(0).shape[0] / 2])]
  }
  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    Kernel("half") { run in run.output(0).update(from: run.input(0), count: outputs[0].shape.count) }
  }
  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    GradientRule("half") { run in run.inputGradient(0).update(repeating: 1, count: 4) }
  }
}

/// Returns its first input; by mistake, it passes the gradient on to a second one that is larger, too.
private struct First: DifferentiableOperator {
  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] { [try inputs.required(0)] }
  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel { .view() }
  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    .passing(to: inputs[1]!.shape.count > outputs[0].shape.count ? [0, 1] : [0])
  }
}
