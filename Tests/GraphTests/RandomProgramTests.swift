import Ops
import TestSupport
import Testing

@testable import Graph

/// A random graph of elementwise nodes, views, joins and cuts, together with a plain interpreter of it.
///
/// All arithmetic is exact to the bit in the interpreter too, so that any value that was overwritten shows.
private struct RandomProgram {
  private enum Step {
    case relu(Int), neg(Int), abs(Int)
    case add(Int, Int), sub(Int, Int), mul(Int, Int)
    case view(Int), join([Int]), cut(Int, Range<Int>)
  }

  private(set) var builder = GraphBuilder.test
  private var steps: [(step: Step, result: ValueID)] = []
  private(set) var counts: [ValueID: Int] = [:]
  private var constants: [ValueID: [Float]] = [:]
  /// Every computed value, the input first.
  private(set) var values: [ValueID] = []
  let width: Int

  init(using generator: inout SplitMix64) {
    width = Int.random(in: 1...9, using: &generator) * 7
    let input = builder.input("x")
    values = [input]
    counts[input] = width
    for _ in 0..<Int.random(in: 3...25, using: &generator) { addNode(using: &generator) }
  }

  private mutating func addNode(using generator: inout SplitMix64) {
    let a = values.suffix(6).randomElement(using: &generator)!, count = counts[a]!
    let b = values.filter { counts[$0] == count }.randomElement(using: &generator)!
    let result: ValueID, step: Step
    switch Int.random(in: 0..<10, using: &generator) {
    case 0, 1: (result, step) = (builder.first("Relu", [a]), .relu(a))
    case 2: (result, step) = (builder.first("Neg", [a]), .neg(a))
    case 3: (result, step) = (builder.first("Abs", [a]), .abs(a))
    case 4: (result, step) = (builder.first("Add", [a, b]), .add(a, b))
    case 5: (result, step) = (builder.first("Sub", [a, b]), .sub(a, b))
    case 6: (result, step) = (builder.first("Mul", [a, b]), .mul(a, b))
    case 7: (result, step) = (builder.first("Reshape", [a, builder.constant([-1])]), .view(a))
    case 8 where count <= 4 * width:
      let parts = join(from: a, b, using: &generator)
      (result, step) = (builder.first("Concat", parts, ["axis": .int(0)]), .join(parts))
    default:
      let start = Bool.random(using: &generator) ? 0 : Int.random(in: 0..<count, using: &generator)
      let range = start..<min(count, start + max(1, count / 2))
      let bounds = [builder.constant([Int64(range.lowerBound)]), builder.constant([Int64(range.upperBound)])]
      (result, step) = (builder.first("Slice", [a] + bounds), .cut(a, range))
    }
    counts[result] =
      switch step {
      case .join(let parts): parts.reduce(0) { $0 + counts[$1]! }
      case .cut(_, let range): range.count
      default: count
      }
    steps.append((step, result))
    values.append(result)
  }

  /// What a new join reads: two values, or those of an earlier join or a part of it with another value after it.
  private mutating func join(from a: ValueID, _ b: ValueID, using generator: inout SplitMix64) -> [ValueID] {
    let earlier = steps.compactMap { step -> [ValueID]? in if case .join(let parts) = step.step { parts } else { nil } }
    var parts = Bool.random(using: &generator) ? earlier.last ?? [a] : [a]
    if Int.random(in: 0...3, using: &generator) == 0 { parts.removeFirst(parts.count / 2) }
    if Int.random(in: 0...3, using: &generator) == 0 {
      parts.append(builder.constant([1, 2, 3], [3]))
      constants[parts.last!] = [1, 2, 3]
      counts[parts.last!] = 3
    }
    return parts + [b]
  }

  func forward(_ x: [Float]) -> [ValueID: [Float]] {
    var v = constants.merging([values[0]: x]) { $1 }
    for (step, result) in steps {
      v[result] =
        switch step {
        case .relu(let a): v[a]!.map { max($0, 0) }
        case .neg(let a): v[a]!.map { -$0 }
        case .abs(let a): v[a]!.map { $0.magnitude }
        case .add(let a, let b): zip(v[a]!, v[b]!).map { $0 + $1 }
        case .sub(let a, let b): zip(v[a]!, v[b]!).map { $0 - $1 }
        case .mul(let a, let b): zip(v[a]!, v[b]!).map { $0 * $1 }
        case .view(let a): v[a]!
        case .join(let parts): parts.flatMap { v[$0]! }
        case .cut(let a, let range): Array(v[a]![range])
        }
    }
    return v
  }

  /// The gradients of all values, in double precision.
  func backward(_ v: [ValueID: [Float]], from target: ValueID, seed: [Float]) -> [ValueID: [Double]] {
    var g = counts.mapValues { [Double](repeating: 0, count: $0) }
    g[target] = seed.map(Double.init)
    for (step, result) in steps.reversed() {
      let dy = g[result]!
      func add(_ value: ValueID, _ rule: (Int) -> Double) {
        for index in dy.indices { g[value]![index] += rule(index) }
      }
      switch step {
      case .relu(let a): add(a) { v[a]![$0] > 0 ? dy[$0] : 0 }
      case .neg(let a): add(a) { -dy[$0] }
      case .abs(let a): add(a) { v[a]![$0] > 0 ? dy[$0] : v[a]![$0] < 0 ? -dy[$0] : 0 }
      case .add(let a, let b):
        add(a) { dy[$0] }
        add(b) { dy[$0] }
      case .sub(let a, let b):
        add(a) { dy[$0] }
        add(b) { -dy[$0] }
      case .mul(let a, let b):
        add(a) { dy[$0] * Double(v[b]![$0]) }
        add(b) { dy[$0] * Double(v[a]![$0]) }
      case .view(let a): add(a) { dy[$0] }
      case .cut(let a, let range): for index in range { g[a]![index] += dy[index - range.lowerBound] }
      case .join(let parts):
        var start = 0
        for part in parts {
          for index in 0..<counts[part]! { g[part]![index] += dy[start + index] }
          start += counts[part]!
        }
      }
    }
    return g
  }

  func reaches(_ target: ValueID, from tap: ValueID) -> Bool {
    var reached: Set<ValueID> = [tap]
    for (step, result) in steps {
      let operands =
        switch step {
        case .relu(let a), .neg(let a), .abs(let a), .view(let a), .cut(let a, _): [a]
        case .add(let a, let b), .sub(let a, let b), .mul(let a, let b): [a, b]
        case .join(let parts): parts
        }
      if operands.contains(where: reached.contains) { reached.insert(result) }
    }
    return reached.contains(target)
  }
}

@Suite struct RandomProgramTests {
  @Test(arguments: 0..<300) func everyValueAskedForIsWhatAnInterpreterSays(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let program = RandomProgram(using: &generator)
    let target = program.values.last!
    let taps = program.values.filter {
      program.reaches(target, from: $0) && Int.random(in: 0...3, using: &generator) == 0
    }
    let outputs = program.values.filter { _ in Int.random(in: 0...7, using: &generator) == 0 } + [target]
    let plan = try program.builder.plan(
      [program.width], outputs: outputs, taps: taps, target: target, threadCount: 2)
    let executor = try Executor(plan, pool: ThreadPool(threadCount: 2))

    func numbers(_ count: Int) -> [Float] { (0..<count).map { _ in .random(in: -1.5...1.5, using: &generator) } }
    for _ in 0..<2 {
      let x = numbers(program.width), truth = program.forward(x)
      try executor.set(program.values[0], to: Tensor(x, shape: [program.width]))
      try executor.forward()
      // Several walks back from one forward pass, as for several classes.
      for _ in 0..<2 {
        let dy = numbers(program.counts[target]!)
        try executor.backward(seed: dy)
        for value in Set(outputs + taps) { #expect(executor.contents(of: value).floats == truth[value]!) }
        let gradients = program.backward(truth, from: target, seed: dy)
        for tap in taps {
          let expected = gradients[tap]!, found = executor.gradient(of: tap).floats
          let scale = max(1, expected.map(abs).max() ?? 0)
          expectClose(found, expected.map { Float($0) }, within: 1e-4 * scale, "tap \(tap)")
        }
      }
    }
  }

  @Test func aLongChainNeedsTwoBuffersAtMost() throws {
    var builder = GraphBuilder.test
    var value = builder.input("x")
    for _ in 0..<50 { value = builder.first("Neg", [builder.first("Relu", [value])]) }
    let plan = try builder.plan([1000], outputs: [value])
    #expect(plan.arenaByteCount <= 2 * 4032)
  }
}
