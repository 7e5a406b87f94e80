import Graph
import TestSupport
import Testing

/// An operator that tells which entry made it.
private struct Versioned: Operator {
  let version: Int
  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] { [] }
  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel { .view() }
}

private func node(_ type: String, domain: String = "") -> Node {
  Node(name: "n", operatorName: OperatorName(domain: domain, type: type), inputs: [], outputs: [])
}

@Suite struct OperatorSetTests {
  private let operators = OperatorSet([
    OperatorEntry("Op", since: 11, inputs: 0...2) { _ in Versioned(version: 11) },
    OperatorEntry("Op", since: 1, inputs: 0...2) { _ in Versioned(version: 1) },
    OperatorEntry("Op", since: 13, inputs: 0...2) { _ in Versioned(version: 13) },
    OperatorEntry("New", since: 20, inputs: 0...2) { _ in Versioned(version: 20) },
    OperatorEntry("Op", domain: "com.example", inputs: 0...2) { _ in Versioned(version: 100) },
  ])

  @Test(arguments: [(1, 1), (10, 1), (11, 11), (12, 11), (13, 13), (99, 13)])
  func takesTheHighestVersionNotAboveTheModels(opset: Int, version: Int) throws {
    let made = try operators.resolve(node("Op"), opsets: ["": opset])
    #expect((made as? Versioned)?.version == version)
  }

  @Test func domainsAreKeptApart() throws {
    let made = try operators.resolve(node("Op", domain: "com.example"), opsets: ["": 1, "com.example": 1])
    #expect((made as? Versioned)?.version == 100)
    let standard = try operators.resolve(node("Op", domain: "ai.onnx"), opsets: ["": 12])
    #expect((standard as? Versioned)?.version == 11)
  }

  @Test func aDomainThatIsNotImportedMeansTheNewest() throws {
    #expect((try operators.resolve(node("Op"), opsets: [:]) as? Versioned)?.version == 13)
  }

  /// Inputs that are omitted at the end do not count.
  @Test func theNumberOfInputsIsChecked() throws {
    let operators = OperatorSet([
      OperatorEntry("Pair", inputs: 2...3) { _ in Versioned(version: 1) },
      OperatorEntry("Many", inputs: 1...Int.max) { _ in Versioned(version: 1) },
    ])
    func resolve(_ type: String, _ inputs: [ValueID?]) throws {
      _ = try operators.resolve(
        Node(name: "n", operatorName: OperatorName(type: type), inputs: inputs, outputs: []), opsets: ["": 13])
    }
    try resolve("Pair", [0, 1])
    try resolve("Pair", [0, nil, 1, nil, nil])
    try resolve("Many", [0, 1, 2, 3, 4])
    expectError(.badData, saying: "has 1 input, but operator Pair takes 2 to 3") { try resolve("Pair", [0]) }
    expectError(.badData, saying: "has 4 inputs", "2 to 3") { try resolve("Pair", [0, nil, nil, 1]) }
    expectError(.badData, saying: "has 0 inputs", "1 or more") { try resolve("Many", []) }
  }

  @Test func operatorsAndVersionsThatAreMissingAreNamed() {
    expectError(.unsupported, saying: "operator Nothing") {
      _ = try operators.resolve(node("Nothing"), opsets: ["": 13])
    }
    expectError(.unsupported, saying: "operator New", "opset 13", "opset 20") {
      _ = try operators.resolve(node("New"), opsets: ["": 13])
    }
  }
}
