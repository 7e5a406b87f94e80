import Testing

@testable import Graph
@testable import Ops

@Suite struct GradientTableTests {
  @Test(arguments: gradientTable) func agreesWithCentralDifferences(_ check: GradientCheck) throws {
    for comparison in try check.compare() {
      #expect(comparison.agrees(within: check.tolerance), "\(comparison)")
    }
  }

  /// In all its versions: for each, some row runs in an opset that resolves to it.
  @Test func coversEveryDifferentiableOperator() {
    struct Version: Hashable { let name: OperatorName, since: Int }
    let operators = OperatorSet.standard
    let covered = gradientTable.compactMap { check -> Version? in
      let name = OperatorName(domain: check.domain, type: check.type)
      return operators.entry(of: name, opset: check.opset).map { Version(name: name, since: $0.since) }
    }
    // Sequences are checked inside the branches of an If.
    let exempt = Set(fixedComposites.map(\.name)).union(quantizationCheckedByValue)
      .union(machineLearningCheckedByValue).union(collectionOperators.map(\.name))
    let wanted = operators.entries.values.joined().filter { $0.isDifferentiable && !exempt.contains($0.name) }
      .map { Version(name: $0.name, since: $0.since) }
    let missing = Set(wanted).subtracting(covered).map { "\($0.name) of opset \($0.since)" }.sorted()
    #expect(missing.isEmpty, "operators without a row: \(missing)")
  }

  @Test func catchesARuleThatIsSlightlyWrong() throws {
    let check = GradientCheck(type: "Square", domain: "test", inputs: [.uniform([2, 3])])
    for (factor, isRight) in [(2.0, true), (2.02, false), (1.98, false)] as [(Float, Bool)] {
      let operators = OperatorSet([
        OperatorEntry("Square", domain: "test", inputs: 1...1) { _ in Square(derivative: factor) }
      ])
      for comparison in try check.compare(operators: operators) {
        #expect(comparison.agrees(within: check.tolerance) == isRight, "\(factor): \(comparison)")
      }
    }
  }
}

/// x² with a derivative of `derivative`·x.
private struct Square: DifferentiableOperator {
  let derivative: Float

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] { [try inputs.required(0)] }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let count = outputs[0].shape.count
    return Kernel("square") { run in
      for index in 0..<count { run.output(0)[index] = run.input(0)[index] * run.input(0)[index] }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let count = outputs[0].shape.count
    return GradientRule("square", readsInputs: [0]) { run in
      for index in 0..<count {
        run.inputGradient(0)[index] = derivative * run.input(0)[index] * run.outputGradient[index]
      }
    }
  }
}
