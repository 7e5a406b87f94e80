import Ops
import Testing

@testable import Graph

@Suite struct NestingTests {
  private func offset(_ value: ValueID, in plan: Plan) throws -> Int {
    guard case .buffer(let buffer)? = plan.places[value] else { throw GradCAMError(.defect, problem: "no buffer") }
    return plan.layout.offsets[buffer]
  }

  /// The bytes in front of each part in a whole; nil where it lies elsewhere.
  private func isGathered(_ parts: [ValueID], in whole: ValueID, _ plan: Plan) throws -> Bool {
    var start = try offset(whole, in: plan)
    return try parts.allSatisfy { part in
      defer { start += plan.infos[part]!.shape.count * 4 }
      return try offset(part, in: plan) == start
    }
  }

  private func run(_ plan: Plan, _ input: ValueID, _ x: [Float]) throws -> Executor {
    let executor = try Executor(plan, pool: ThreadPool(threadCount: 1))
    try executor.set(input, to: Tensor(x, shape: plan.infos[input]!.shape))
    try executor.forward()
    return executor
  }

  @Test func inputsOfAJoinAreComputedInsideIt() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x")
    let a = builder.first("Neg", [x]), b = builder.first("Abs", [x])
    let y = builder.first("Concat", [a, b], ["axis": .int(1)])
    let plan = try builder.plan([1, 2, 1, 1], outputs: [y])
    #expect(try isGathered([a, b], in: y, plan))
    #expect(try run(plan, x, [1, -2]).contents(of: y).floats == [-1, 2, 1, 2])
  }

  /// As in DenseNet, where every layer reads what all before it made.
  @Test func growingJoinsAreAllPartsOfTheLargest() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x")
    var parts = [builder.first("Neg", [x])], joins: [(parts: [ValueID], whole: ValueID)] = []
    for _ in 0..<5 {
      let whole = parts.count == 1 ? parts[0] : builder.first("Concat", parts, ["axis": .int(1)])
      if parts.count > 1 { joins.append((parts, whole)) }
      // Relu would take its operand's place, but that is still needed.
      let sum = builder.first("ReduceSum", [builder.first("Relu", [whole]), builder.constant([1])])
      parts.append(sum)
    }
    let last = builder.first("Concat", parts, ["axis": .int(1)])
    joins.append((parts, last))
    let y = builder.first("Relu", [last])
    let plan = try builder.plan([1, 1, 3], outputs: [y], taps: [parts[2]], target: y)
    for (parts, whole) in joins { #expect(try isGathered(parts, in: whole, plan)) }
    // The largest holds what the tap keeps; without the tap its reader may overwrite it.
    #expect(try offset(y, in: plan) != offset(last, in: plan))
    let untapped = try builder.plan([1, 1, 3], outputs: [y])
    #expect(try offset(y, in: untapped) == offset(last, in: untapped))
    let executor = try run(plan, x, [-1, 2, -3])
    #expect(executor.contents(of: y).floats == [1, 0, 3, 1, 0, 3, 2, 0, 6, 4, 0, 12, 8, 0, 24, 16, 0, 48])
    #expect(executor.contents(of: parts[2]).floats == [2, 0, 6])
    try executor.backward(seed: [Float](repeating: 1, count: 18))
    #expect(executor.gradient(of: parts[2]).floats == [8, 0, 8])
  }

  @Test func joinsOfJoinsLieInEachOther() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x")
    let a = builder.first("Neg", [x]), b = builder.first("Abs", [x]), c = builder.first("Relu", [x])
    let inner = builder.first("Concat", [a, b], ["axis": .int(0)])
    let y = builder.first("Concat", [c, inner], ["axis": .int(0)])
    let plan = try builder.plan([2], outputs: [y])
    #expect(try isGathered([c, inner], in: y, plan))
    #expect(try isGathered([c, a, b], in: y, plan))
    #expect(try run(plan, x, [1, -2]).contents(of: y).floats == [1, 0, -1, 2, 1, 2])
  }

  @Test func aChainThatOverwritesItsOperandRunsInsideTheJoin() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x")
    let product = builder.first("MatMul", [x, builder.constant([1, 1, 1, -1], [2, 2])])
    let a = builder.first("Relu", [builder.first("Neg", [product])])
    let y = builder.first("Concat", [x, a], ["axis": .int(0)])
    let plan = try builder.plan([1, 2], outputs: [y])
    #expect(try offset(product, in: plan) == offset(a, in: plan))
    #expect(try offset(a, in: plan) == offset(y, in: plan) + 8)
    #expect(try run(plan, x, [1, 2]).contents(of: y).floats == [1, 2, 0, 1])
  }

  @Test func inputsConstantsAndRepetitionsAreCopied() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x"), constant = builder.constant([7, 8], [2])
    let a = builder.first("Neg", [x])
    let y = builder.first("Concat", [x, a, constant, a], ["axis": .int(0)])
    let plan = try builder.plan([2], outputs: [y])
    #expect(try offset(x, in: plan) != offset(y, in: plan))
    #expect(try offset(a, in: plan) == offset(y, in: plan) + 8)
    let executor = try run(plan, x, [1, -2])
    for _ in 0..<2 {
      try executor.forward()
      #expect(executor.contents(of: y).floats == [1, -2, -1, 2, 7, 8, -1, 2])
    }
  }

  @Test func whatOneJoinHoldsAnotherCopies() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x")
    let a = builder.first("Neg", [x]), b = builder.first("Abs", [x])
    let first = builder.first("Concat", [a, b], ["axis": .int(0)])
    let second = builder.first("Concat", [b, a], ["axis": .int(0)])
    let y = builder.first("Sub", [first, second])
    let plan = try builder.plan([2], outputs: [first, second, y])
    let executor = try run(plan, x, [1, -2])
    #expect(executor.contents(of: first).floats == [-1, 2, 1, 2])
    #expect(executor.contents(of: second).floats == [1, 2, -1, 2])
    #expect(executor.contents(of: y).floats == [-2, 0, 2, 0])
  }

  @Test func severalImagesAreCopied() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x")
    let a = builder.first("Neg", [x]), b = builder.first("Abs", [x])
    let y = builder.first("Concat", [a, b], ["axis": .int(1)])
    let plan = try builder.plan([2, 1, 1, 1], outputs: [y])
    #expect(try !isGathered([a, b], in: y, plan))
    #expect(try run(plan, x, [1, -2]).contents(of: y).floats == [-1, 1, 2, 2])
  }

  @Test func piecesOfAnInputLieInIt() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x")
    let first = builder.first("Split", [x, builder.constant([1, 2])], outputCount: 2)
    // Relu would take its operand's place, but that is the caller's.
    let y = builder.first("Relu", [first + 1])
    let plan = try builder.plan([3], outputs: [first, y])
    #expect(try isGathered([first, first + 1], in: x, plan))
    let executor = try run(plan, x, [1, -2, 3])
    for _ in 0..<2 {
      try executor.forward()
      #expect(executor.contents(of: first).floats == [1])
      #expect(executor.contents(of: y).floats == [0, 3])
    }
  }

  /// As in YOLO, where the halves of a tensor are joined again with what is computed from one of them.
  @Test func aTensorWhosePiecesAreJoinedInOrderLiesInTheJoin() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x")
    let whole = builder.first("Relu", [builder.first("Neg", [x])])
    let left = builder.first("Split", [whole, builder.constant([2, 2])], outputCount: 2), right = left + 1
    let y = builder.first("Concat", [left, right, builder.first("Neg", [right])], ["axis": .int(0)])
    let plan = try builder.plan([4], outputs: [y])
    #expect(try isGathered([whole], in: y, plan))
    #expect(try isGathered([left, right], in: y, plan))
    #expect(try run(plan, x, [1, -2, 3, -4]).contents(of: y).floats == [0, 2, 0, 4, -0, -4])
  }

  @Test func piecesThatDoNotFollowOneAnotherAreCopied() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x")
    let whole = builder.first("Neg", [x])
    let left = builder.first("Split", [whole], ["axis": .int(1)], outputCount: 2)
    let y = builder.first("Sub", [left, left + 1])
    let plan = try builder.plan([2, 2], outputs: [y])
    #expect(try !isGathered([left], in: whole, plan))
    #expect(try run(plan, x, [1, 2, 4, 8]).contents(of: y).floats == [1, 4])
  }
}
