import Graph
import Ops
import Testing

struct GuardZoneTests {
  /// y = factor · x, by a kernel that writes the whole zone after its output.
  private struct Greedy: DifferentiableOperator {
    let factor: Float

    func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
      let x = try inputs.required(0)
      return [ValueInfo(x.elementType, x.shape)]
    }

    private func fill(_ y: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, _ count: Int) {
      for index in 0..<count { y[index] = factor * x[index] }
      for index in count..<count + GuardZone.byteCount / 4 { y[index] = .nan }
    }

    func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
      let count = outputs[0].shape.count
      return Kernel("greedy", guardByteCount: GuardZone.byteCount) { fill($0.output(0), $0.input(0), count) }
    }

    func gradient(
      _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
    ) throws -> GradientRule {
      let count = outputs[0].shape.count
      return GradientRule("greedy", guardByteCount: GuardZone.byteCount) {
        fill($0.inputGradient(0), $0.outputGradient, count)
      }
    }
  }

  private let operators = OperatorSet.standard.joined(
    with: OperatorSet([
      OperatorEntry("Greedy", inputs: 1...1) { Greedy(factor: try $0.float("factor", default: 1)) }
    ]))

  @Test func aZoneTellsWhetherItWasWritten() {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: GuardZone.byteCount + 8, alignment: 8)
    defer { memory.deallocate() }
    let start = memory + 3
    GuardZone.set(at: start)
    memory.storeBytes(of: 1, toByteOffset: 2, as: UInt8.self)
    memory.storeBytes(of: 1, toByteOffset: 3 + GuardZone.byteCount, as: UInt8.self)
    #expect(GuardZone.isIntact(at: start))
    for offset in [0, 17, GuardZone.byteCount - 1] {
      GuardZone.set(at: start)
      start.storeBytes(of: 1, toByteOffset: offset, as: UInt8.self)
      #expect(!GuardZone.isIntact(at: start))
    }
  }

  /// Where a result could lie inside the one that joins it, over an operand, or around the pieces that it is cut into.
  @Test func whatIsWrittenIntoAZoneHarmsNothing() throws {
    var builder = GraphBuilder.test
    let x = builder.input("x")
    func greedy(_ input: ValueID, _ factor: Float) -> ValueID {
      builder.first("Greedy", [input], ["factor": .float(factor)])
    }
    let first = greedy(x, 2), second = greedy(x, 3)
    let joined = builder.first("Concat", [second, first], ["axis": .int(0)])
    let third = greedy(joined, 5)
    let upper = builder.first("Split", [third], ["axis": .int(0)], outputCount: 2), lower = upper + 1
    let negated = builder.first("Neg", [greedy(lower, 7)])
    let y = builder.first("Concat", [negated, upper, greedy(upper, 11)], ["axis": .int(1)])
    let values = (0..<16).map { Float($0) - 5 }
    let plan = try builder.plan([2, 8], outputs: [y, joined], taps: [x], target: y, operators: operators)
    let executor = try Executor(plan, pool: ThreadPool(threadCount: 1))
    for _ in 0..<2 {
      try executor.set(x, to: Tensor(values, shape: [2, 8]))
      try executor.forward()
      #expect(executor.contents(of: joined).floats == values.map { 3 * $0 } + values.map { 2 * $0 })
      let found = executor.contents(of: y).floats
      for (index, value) in values.enumerated() {
        let row = index / 8 * 24 + index % 8
        #expect(found[row] == -2 * 5 * 7 * value && found[row + 8] == 15 * value && found[row + 16] == 15 * 11 * value)
      }
      try executor.backward(seed: [Float](repeating: 1, count: 48))
      #expect(executor.gradient(of: x).floats.allSatisfy { $0 == -70 + 15 + 165 })
    }
  }

  @Test func constantsAreComputedWithTheirZones() throws {
    var builder = GraphBuilder.test
    let y = builder.first("Greedy", [builder.constant([1, 2, 3], [3])], ["factor": .float(2)])
    let plan = try builder.plan([3], outputs: [y], operators: operators)
    #expect(try Executor(plan, pool: ThreadPool(threadCount: 1)).contents(of: y).floats == [2, 4, 6])
  }
}
