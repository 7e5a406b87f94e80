import Ops
import Testing

@testable import Graph

@Suite struct PlanTests {
  @Test func aTapBehindAFusibleNodeKeepsItsValue() throws {
    var builder = GraphBuilder()
    let x = builder.input("x")
    let weights = builder.constant([2], [1, 1, 1, 1])
    let convolved = builder.node("Conv", [x, weights])
    let rectified = builder.node("Relu", [convolved])
    let negated = builder.node("Neg", [rectified])
    let plan = try builder.plan([1, 1, 2, 2], outputs: [negated], taps: [convolved, rectified], target: negated)
    let executor = Executor(plan, pool: ThreadPool(threadCount: 1))
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
    var builder = GraphBuilder()
    let x = builder.input("x"), y = builder.node("Relu", [x])
    let executor = Executor(
      try builder.plan([3], outputs: [y], taps: [y], target: y), pool: ThreadPool(threadCount: 1))
    try executor.set(x, to: Tensor([1, -2, 3], shape: [3]))
    try executor.forward()
    try executor.backward(seed: [4, 5, 6])
    #expect(executor.gradient(of: y).floats == [4, 5, 6])
    #expect(executor.contents(of: y).floats == [1, 0, 3])
  }

  @Test func aTapThatDoesNotLeadToTheTargetIsAUsageError() throws {
    var builder = GraphBuilder()
    let x = builder.input("x"), aside = builder.node("Relu", [x]), y = builder.node("Neg", [x])
    let error = #expect(throws: GradCAMError.self) {
      try builder.plan([3], outputs: [y], taps: [aside], target: y)
    }
    #expect(error?.kind == .usage)
    #expect(error?.place.first == "'\(builder.graph.values[aside].name)'")
  }

  @Test func aTapBehindTheTargetIsAUsageError() throws {
    var builder = GraphBuilder()
    let x = builder.input("x"), y = builder.node("Neg", [x]), behind = builder.node("Relu", [y])
    let error = #expect(throws: GradCAMError.self) { try builder.plan([3], outputs: [y], taps: [behind], target: y) }
    #expect(error?.kind == .usage)
  }

  @Test func threeGradientsMeetAtOneValueWhereTwoAreKept() throws {
    var builder = GraphBuilder()
    let x = builder.input("x")
    let negated = builder.node("Neg", [x])
    let doubled = builder.node("Add", [x, x])
    let y = builder.node("Add", [negated, doubled])
    let executor = Executor(
      try builder.plan([2], outputs: [y], taps: [x, doubled], target: y), pool: ThreadPool(threadCount: 1))
    try executor.set(x, to: Tensor([1, 2], shape: [2]))
    try executor.forward()
    try executor.backward(seed: [3, 5])
    #expect(executor.gradient(of: doubled).floats == [3, 5])
    #expect(executor.gradient(of: x).floats == [3, 5])
  }

  @Test func aTapMayBeAConstant() throws {
    var builder = GraphBuilder()
    let x = builder.input("x")
    let folded = builder.node("Neg", [builder.constant([1, 2, 3], [3])])
    let y = builder.node("Mul", [x, folded])
    let executor = Executor(
      try builder.plan([3], outputs: [y], taps: [folded], target: y), pool: ThreadPool(threadCount: 1))
    try executor.set(x, to: Tensor([4, 5, 6], shape: [3]))
    try executor.forward()
    try executor.backward(seed: [1, 1, 1])
    #expect(executor.contents(of: folded).floats == [-1, -2, -3])
    #expect(executor.gradient(of: folded).floats == [4, 5, 6])
  }

  @Test func anOperatorWithoutGradientBetweenTapAndTargetIsNamed() throws {
    let step = OperatorEntry("Step") { _ in OneWay() }
    var builder = GraphBuilder()
    let x = builder.input("x"), y = builder.node("Step", [x], name: "wall")
    let operators = OperatorSet([step])
    _ = try builder.plan([3], outputs: [y], operators: operators)
    let error = #expect(throws: GradCAMError.self) {
      try builder.plan([3], outputs: [y], taps: [x], target: y, operators: operators)
    }
    #expect(error?.kind == .unsupported)
    #expect(error?.description.contains("'wall' (Step, #0)") == true)
  }

  @Test func nodesThatNoOutputNeedsAreNotResolved() throws {
    var builder = GraphBuilder()
    let x = builder.input("x"), dead = builder.node("NoSuchOperator", [x]), y = builder.node("Neg", [x])
    let plan = try builder.plan([3], outputs: [y])
    #expect(plan.infos[dead] == nil)
    #expect(plan.steps.count == 1)
    let error = #expect(throws: GradCAMError.self) { try builder.plan([3], outputs: [dead]) }
    #expect(error?.kind == .unsupported)
    #expect(error?.problem == "operator NoSuchOperator is not supported")
  }

  @Test func backwardVisitsOnlyThePathFromTapToTarget() throws {
    var builder = GraphBuilder()
    let x = builder.input("x")
    let early = builder.node("Abs", [builder.node("Abs", [x])])
    let tap = builder.node("Relu", [early])
    let aside = builder.node("Abs", [early])
    let y = builder.node("Mul", [builder.node("Abs", [tap]), aside])
    let plan = try builder.plan([3], outputs: [y], taps: [tap], target: y)
    let nodes = plan.steps[plan.backwardStart...].map { builder.graph.nodes[$0.node].operatorName.type }
    #expect(nodes == ["Mul", "Abs"])
  }

  @Test func whatDependsOnConstantsAloneIsComputedWhilePlanning() throws {
    var builder = GraphBuilder()
    let x = builder.input("x")
    let shape = builder.node("Shape", [x])
    let doubled = builder.node("Mul", [shape, builder.constant([2] as [Int64])])
    let floats = builder.node("Neg", [builder.node("Add", [builder.constant([1], [1]), builder.constant([2], [1])])])
    let y = builder.node("Mul", [x, floats])
    let plan = try builder.plan([2, 5], outputs: [y, doubled])
    #expect(plan.infos[doubled]?.constant?.integers == [4, 10])
    #expect(plan.infos[floats]?.constant?.floats == [-3])
    #expect(plan.steps.count == 1)
    let executor = Executor(plan, pool: ThreadPool(threadCount: 1))
    try executor.set(x, to: Tensor([Float](repeating: 1, count: 10), shape: [2, 5]))
    try executor.forward()
    #expect(executor.contents(of: y).floats == [Float](repeating: -3, count: 10))
    #expect(executor.contents(of: doubled).integers == [4, 10])
  }

  @Test func aViewOfAKeptValueMayNotBeOverwritten() throws {
    var builder = GraphBuilder()
    let x = builder.input("x")
    let kept = builder.node("Neg", [x])
    let view = builder.node("Reshape", [kept, builder.constant([2, 2])])
    let y = builder.node("Relu", [view])
    let executor = Executor(
      try builder.plan([4], outputs: [y, kept], taps: [kept], target: y), pool: ThreadPool(threadCount: 1))
    try executor.set(x, to: Tensor([1, -2, 3, -4], shape: [4]))
    try executor.forward()
    #expect(executor.contents(of: kept).floats == [-1, 2, -3, 4])
    #expect(executor.contents(of: y).floats == [0, 2, 0, 4])
    #expect(executor.contents(of: x).floats == [1, -2, 3, -4])
  }

  @Test func inputsOfAnotherShapeAreRefused() throws {
    var builder = GraphBuilder()
    let x = builder.input("picture"), y = builder.node("Relu", [x])
    let executor = Executor(try builder.plan([3], outputs: [y]), pool: ThreadPool(threadCount: 1))
    let error = #expect(throws: GradCAMError.self) { try executor.set(x, to: Tensor([1, 2], shape: [2])) }
    #expect(error?.kind == .badData)
    #expect(error?.place == ["input 'picture'"])
    #expect(throws: GradCAMError.self) { try executor.set(x, to: Tensor([1, 2, 3] as [Int64], shape: [3])) }
  }

  @Test func aNodeOfMissingContentsNamesTheInput() throws {
    var builder = GraphBuilder()
    let x = builder.input("x")
    builder.graph.values.append(Value(name: "mask"))
    let y = builder.node("Add", [x, builder.graph.values.count - 1], name: "join")
    let error = #expect(throws: GradCAMError.self) { try builder.plan([3], outputs: [y]) }
    #expect(error?.kind == .badData)
    #expect(error?.description.contains("'mask'") == true)
    #expect(error?.place.first == "node 'join' (Add, #0)")
  }

  @Test func aCheckpointEndsARunByThrowing() throws {
    struct Stop: Error {}
    var builder = GraphBuilder()
    let x = builder.input("x"), y = builder.node("Relu", [x])
    let executor = Executor(try builder.plan([3], outputs: [y]), pool: ThreadPool(threadCount: 1))
    executor.checkpoint = { throw Stop() }
    #expect(throws: Stop.self) { try executor.forward() }
  }
}

/// An operator without derivative.
private struct OneWay: Operator {
  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] { [try inputs.required(0)] }
  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel { .view() }
}
