import Testing

@testable import GradCAM
@testable import Graph

@Suite struct GradientVerificationTests {
  private func verify(
    _ model: Model, at node: String, size: PixelSize? = nil, classIndex: Int? = nil
  ) throws -> GradientVerification {
    let size = try size ?? DecidedPreprocessing(for: model).inputSize
    let observation = try Observation.of(
      model.imageShape.noise(size), by: model, nodes: [node], size: size, isOpen: true)
    let logits = try observation.logits, top = logits.indices.max { logits[$0] < logits[$1] }!
    return try GradientVerification(observation, of: observation.target(classIndex ?? top))
  }

  @Test(arguments: NetworkFixture.all, NetworkGradientTests.exporters)
  func rightGradientsAgree(_ network: NetworkFixture, exporter: String) throws {
    let model = try network.model(exporter)
    for tap in network.taps {
      let found = try verify(model, at: tap.query, size: network.size, classIndex: network.class)
      #expect(found.comparisons.map(\.direction) == GradientVerification.Direction.allCases)
      for comparison in found.comparisons { #expect(comparison.verdict != .disagrees, "\(tap.query): \(comparison)") }
    }
    #expect(try verify(model, at: "auto", size: network.size).verdict == .agrees)
  }

  @Test(arguments: ["shapes-vgg.onnx", "shapes-resnet.onnx"])
  func mostDirectionsHaveAVerdict(model: String) throws {
    let model = try shippedModel(model)
    for node in try NodeCatalogue(model, size: DecidedPreprocessing(for: model).inputSize).spread(4) {
      let found = try verify(model, at: node)
      #expect(found.verdict == .agrees)
      #expect(found.comparisons.count { $0.verdict == .agrees } >= 3, "\(node): \(found.comparisons)")
    }
  }

  /// Among the zeros after the first ReLU are windows of the max-pool that follows.
  @Test func tiesAreLeftOutBeforeAMaxPool() throws {
    let found = try verify(shippedModel("shapes-vgg.onnx"), at: "Relu:0")
    #expect(found.comparisons[0].leavesOutTies && found.comparisons[0].verdict == .agrees)
    #expect(try !verify(shippedModel("shapes-vgg.onnx"), at: "auto").comparisons[0].leavesOutTies)
  }

  struct WrongRule: CustomTestStringConvertible, Sendable {
    let type, network, node: String
    /// How often the operator stands between node and score.
    let count: Int

    var testDescription: String { "\(type) after \(node) of \(network)" }
  }

  @Test(arguments: [
    WrongRule(type: "Relu", network: "shapes-vgg", node: "Conv:-1", count: 1),
    WrongRule(type: "Relu", network: "shapes-vgg", node: "Conv:-3", count: 3),
    WrongRule(type: "MaxPool", network: "shapes-vgg", node: "Relu:1", count: 2),
    WrongRule(type: "Elu", network: "sigmoid", node: "Conv:-1", count: 1),
    WrongRule(type: "Gelu", network: "convnext", node: "linear", count: 1),
    WrongRule(type: "Mul", network: "convnext", node: "gelu", count: 1),
    WrongRule(type: "LayerNormalization", network: "convnext", node: "Add:-1", count: 2),
  ])
  func aRuleThatIsOnePercentWrongIsCaught(_ rule: WrongRule) throws {
    func found(_ factor: Float) throws -> GradientVerification.DirectionCheck {
      let registry = Registry.scalingGradient(of: rule.type) { _ in factor }
      if rule.network.hasPrefix("shapes") {
        return try verify(shippedModel(rule.network + ".onnx", registry: registry), at: rule.node).comparisons[0]
      }
      let network = try NetworkFixture.named(rule.network)
      let exporter = rule.network == "convnext" ? "dynamo" : "torchscript"
      return try verify(
        network.model(exporter, registry: registry), at: rule.node, size: network.size,
        classIndex: network.class
      ).comparisons[0]
    }
    #expect(try found(1).verdict == .agrees)
    for factor: Float in [0.99, 1.01] {
      let wrong = try found(factor)
      #expect(wrong.direction == .gradient)
      #expect(wrong.verdict == .disagrees, "\(wrong)")
      #expect(abs(wrong.error - 0.01 * Double(rule.count)) < 0.003 * Double(rule.count), "\(wrong)")
    }
  }

  /// Along what is left of the gradient the score changes as it says.
  @Test(arguments: [2, 1])
  func aGradientThatIsZeroWhereItShouldNotBeIsCaughtByRandomDirections(period: Int) throws {
    let registry = Registry.scalingGradient(of: "Relu") { Float($0 % period) }
    let found = try verify(shippedModel("shapes-vgg.onnx", registry: registry), at: "Conv:-1")
    #expect(found.verdict == .disagrees)
    for comparison in found.comparisons {
      #expect(comparison.verdict == (comparison.direction == .random ? .disagrees : .agrees), "\(comparison)")
    }
    #expect(found.comparisons.count == (period == 1 ? 1 : 5))
  }

  /// A chain of functions of one value, applied to the exponential of the image, and the mean of each channel.
  private func chain(_ functions: [(type: String, attributes: [String: Attribute])]) throws -> Model {
    let extents: [DeclaredDimension] = [1, 3, 8, 8].map { .fixed($0) }
    var builder = GraphBuilder(
      ComputeGraph(
        values: [Value(name: "image", elementType: .float32, dimensions: extents)], inputs: [0], opsets: ["": 17]))
    var y = builder.node("Exp", [0], name: "map")[0]
    for function in functions { y = builder.node(function.type, [y], function.attributes)[0] }
    let logits = builder("Flatten", builder("GlobalAveragePool", y))
    return try Model(builder.returning(logits), path: "chain.onnx", registry: .standard)
  }

  @Test func aGradientThatIsZeroEverywhereDoesNotAgree() throws {
    let found = try verify(chain([("Sign", [:])]), at: "map")
    #expect(found.verdict == .none && found.comparisons.map(\.verdict) == [.none])
  }

  /// The score is not rounded to 16 bits on the way, though the network is.
  @Test(arguments: [ElementType.float16, .bfloat16]) func halfPrecisionHasAVerdict(type: ElementType) throws {
    let half: (String, [String: Attribute]) = ("Cast", ["to": .int(Int64(type.onnxCode))])
    let single: (String, [String: Attribute]) = ("Cast", ["to": .int(Int64(ElementType.float32.onnxCode))])
    let found = try verify(
      chain([half, ("Tanh", [:]), single, ("Sigmoid", [:]), half, ("Tanh", [:]), single]), at: "map")
    #expect(found.verdict == .agrees && found.comparisons.count { $0.verdict == .agrees } >= 3, "\(found.comparisons)")
  }
}

extension Registry {
  /// The standard operators, none fused, where the gradient of one is multiplied by factors that its elements have.
  fileprivate static func scalingGradient(
    of type: String, by factor: @escaping @Sendable (Int) -> Float
  ) -> Registry {
    let standard = OperatorSet.standard
    var registry = Registry.standard
    registry.operators = OperatorSet(
      standard.entries.values.flatMap { $0 }.map { entry in
        guard entry.name == OperatorName(type: type) else { return entry }
        return OperatorEntry(type, since: entry.since, inputs: entry.inputs) { reader in
          ScaledGradient(base: try entry.make(&reader) as! any DifferentiableOperator, factor: factor)
        }
      })
    return registry
  }
}

private struct ScaledGradient: DifferentiableOperator {
  let base: any DifferentiableOperator
  let factor: @Sendable (Int) -> Float

  var role: OperatorRole { base.role }

  func axes(_ inputs: NodeInputs) -> AxisMapping { base.axes(inputs) }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] { try base.infer(inputs) }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    try base.kernel(inputs, outputs, request)
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let rule = try base.gradient(wanted, inputs, outputs, request)
    precondition(rule.passes.isEmpty)
    let whole = rule.kernel!
    let counts = (0..<inputs.count).map { inputs[$0]?.shape.count ?? 0 }
    let kernel = Kernel(
      whole.name, placement: whole.placement, scratchByteCount: whole.scratchByteCount,
      workerScratchByteCount: whole.workerScratchByteCount
    ) { run in
      try whole.run(run)
      for input in wanted { for index in 0..<counts[input] { run.output(input)[index] *= factor(index) } }
    }
    return GradientRule(kernel, readsInputs: rule.readsInputs, readsOutputs: rule.readsOutputs)
  }
}
