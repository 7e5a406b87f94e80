import Testing

@testable import Graph
@testable import Ops

/// A product, convolution or normalisation, with or without a bias, that rewrites may join with what follows.
enum FusedProducer: CaseIterable, Sendable {
  case matMul, matMulBias, matMulBiasFirst, gemm, gemmBias, convolution, convolutionBias, convolutionNormalized,
    transposed
  case transposedBias, normalization

  /// Adds it to a network; returns its inner values and its result.
  func add(to check: inout RewriteCheck, _ x: ValueID) -> (inner: [ValueID], y: ValueID) {
    let channels = 4
    switch self {
    case .matMul: return ([], check.node("MatMul", x, check.constant([6, 5])))
    case .matMulBias, .matMulBiasFirst:
      let product = check.node("MatMul", x, check.constant([6, 5])), bias = check.constant([5])
      return ([product], self == .matMulBias ? check.node("Add", product, bias) : check.node("Add", bias, product))
    case .gemm: return ([], check.node("Gemm", x, check.constant([6, 5])))
    case .gemmBias: return ([], check.node("Gemm", x, check.constant([6, 5]), check.constant([5])))
    case .convolution: return ([], check.node("Conv", x, check.constant([channels, 3, 3, 3])))
    case .convolutionBias:
      return ([], check.node("Conv", x, check.constant([channels, 3, 3, 3]), check.constant([channels])))
    case .convolutionNormalized:
      let y = check.node("Conv", x, check.constant([channels, 3, 3, 3]))
      return ([y], normalized(&check, y, channels))
    case .transposed: return ([], check.node("ConvTranspose", x, check.constant([3, channels, 2, 2])))
    case .transposedBias:
      return ([], check.node("ConvTranspose", x, check.constant([3, channels, 2, 2]), check.constant([channels])))
    case .normalization: return ([], normalized(&check, x, 3))
    }
  }

  private func normalized(_ check: inout RewriteCheck, _ x: ValueID, _ channels: Int) -> ValueID {
    let parameters = (0..<4).map { check.constant([channels], in: $0 == 3 ? 0.5...2 : -1...1) }
    return check.node("BatchNormalization", x, parameters[0], parameters[1], parameters[2], parameters[3])
  }

  var shape: Shape {
    switch self {
    case .matMul, .matMulBias, .matMulBiasFirst, .gemm, .gemmBias: [7, 6]
    default: [1, 3, 6, 5]
    }
  }
}

/// An activation, as one operator or as exporters write it.
enum FusedActivationForm: CaseIterable, Sendable {
  case relu, clip, leakyRelu, pRelu, elu, selu, celu, sigmoid, hardSigmoid, hardSwish, softplus, tanh, gelu, tanhGelu,
    mish
  case swish, silu, siluGateFirst, quickGelu, hardSwishProduct, mishProduct, geluByErf, geluByTanh, none

  /// Adds it to a network; returns its inner values and its result.
  func add(to check: inout RewriteCheck, _ x: ValueID) -> (inner: [ValueID], y: ValueID) {
    func one(_ type: String, _ attributes: [String: Attribute] = [:]) -> (inner: [ValueID], y: ValueID) {
      ([], check.node(type, x, attributes: attributes))
    }
    switch self {
    case .none: return ([], x)
    case .relu: return one("Relu")
    case .clip: return ([], check.node("Clip", x, check.constant(0), check.constant(6)))
    case .leakyRelu: return one("LeakyRelu", ["alpha": .float(0.1)])
    case .pRelu: return ([], check.node("PRelu", x, check.constant(Tensor([0.25], shape: [1]))))
    case .elu: return one("Elu")
    case .selu: return one("Selu")
    case .celu: return one("Celu")
    case .sigmoid: return one("Sigmoid")
    case .hardSigmoid: return one("HardSigmoid")
    case .hardSwish: return one("HardSwish")
    case .softplus: return one("Softplus")
    case .tanh: return one("Tanh")
    case .gelu: return one("Gelu")
    case .tanhGelu: return one("Gelu", ["approximate": .string("tanh")])
    case .mish: return one("Mish")
    case .swish: return one("Swish", ["alpha": .float(1.5)])
    case .silu, .siluGateFirst:
      let gate = check.node("Sigmoid", x)
      return ([gate], self == .silu ? check.node("Mul", x, gate) : check.node("Mul", gate, x))
    case .quickGelu:
      let scaled = check.node("Mul", x, check.constant(1.702)), gate = check.node("Sigmoid", scaled)
      return ([scaled, gate], check.node("Mul", x, gate))
    case .hardSwishProduct:
      let gate = check.node("HardSigmoid", x, attributes: ["alpha": .float(1 / 6)])
      return ([gate], check.node("Mul", x, gate))
    case .mishProduct:
      let inner = check.node("Softplus", x), gate = check.node("Tanh", inner)
      return ([inner, gate], check.node("Mul", x, gate))
    case .geluByErf:
      let scaled = check.node("Div", x, check.constant(1.4142135)), curve = check.node("Erf", scaled)
      let gate = check.node("Add", curve, check.constant(1)), product = check.node("Mul", x, gate)
      return ([scaled, curve, gate, product], check.node("Mul", product, check.constant(0.5)))
    case .geluByTanh:
      let cube = check.node("Pow", x, check.constant(3)), cubic = check.node("Mul", cube, check.constant(0.044715))
      let sum = check.node("Add", x, cubic), scaled = check.node("Mul", sum, check.constant(0.7978846))
      let curve = check.node("Tanh", scaled), gate = check.node("Add", curve, check.constant(1))
      let half = check.node("Mul", x, check.constant(0.5))
      return ([cube, cubic, sum, scaled, curve, gate, half], check.node("Mul", half, gate))
    }
  }
}

/// Every rewrite that joins a product, convolution or normalisation with what follows it, looked at from every place.
@Suite struct FusionTableTests {
  @Test(arguments: FusedProducer.allCases, FusedActivationForm.allCases)
  func hasTheGradientOfTheUnfusedGraphAtEveryValue(_ producer: FusedProducer, _ activation: FusedActivationForm) throws
  {
    for hasResidual in [false, true] {
      var check = RewriteCheck(producer.shape)
      check.graph.opsets[""] = 24
      let before = check.node("Neg", 0)
      var (inner, sum) = producer.add(to: &check, before)
      if hasResidual {
        inner.append(sum)
        sum = check.node("Add", sum, check.node("Cos", sum))
      }
      let (gates, activated) = activation.add(to: &check, sum)
      let y = check.node("Neg", activated)
      for tap in [0, before] + inner + [sum] + gates + [activated, y] {
        try check.expectSame(y, at: tap, "\(producer), \(activation), residual \(hasResidual)")
      }
    }
  }

  /// A rewrite whose node cannot be computed is this program's fault.
  @Test func aRewriteThatBreaksAGraphIsADefect() throws {
    var check = RewriteCheck([2])
    let y = check.node("Neg", 0)
    let broken = OperatorSet.standard.joined(with: OperatorSet([], rewrites: [Breaking()]))
    func plan(_ operators: OperatorSet) throws {
      _ = try Plan(
        check.graph, operators: operators,
        request: PlanRequest(
          inputs: [0: ValueInfo(.float32, [2])], outputs: [y],
          kernels: KernelRequest(threadCount: 1, reusesWeights: false)))
    }
    #expect(try planningError { try plan(broken) }.kind == .defect)
    // What fails without the rewrite, too, is the file's fault.
    check.graph.nodes[0].inputs = []
    #expect(try planningError { try plan(broken) }.kind == .badData)
  }

  private func planningError(_ plan: () throws -> Void) throws -> GradCAMError {
    try #require(throws: GradCAMError.self) { try plan() }
  }
}

/// Replaces all nodes by one that cannot be computed.
private struct Breaking: GraphRewrite {
  func apply(to graph: inout ComputeGraph, knowing facts: RewriteFacts) {
    for index in graph.nodes.indices {
      graph.nodes[index].operation = UnresolvableOperator(error: GradCAMError(.unsupported, problem: "it is broken"))
    }
  }
}
