import Graph
import Testing

@testable import GradCAM

@Suite struct NetworkGradientTests {
  static let exporters = ["torchscript", "dynamo"]

  @Test(arguments: NetworkFixture.all, exporters)
  func equalsAutogradAtAllTapsAtOnce(_ network: NetworkFixture, exporter: String) throws {
    try check(network, exporter, network.taps, reusesWeights: true)
  }

  /// Another plan with other memory for every tap.
  @Test(arguments: NetworkFixture.all, exporters)
  func equalsAutogradAtEachTapAlone(_ network: NetworkFixture, exporter: String) throws {
    for tap in network.taps { try check(network, exporter, [tap], reusesWeights: false) }
  }

  private func check(
    _ network: NetworkFixture, _ exporter: String, _ taps: [NetworkFixture.Tap], reusesWeights: Bool
  ) throws {
    let numbers = try network.contents()
    let explainer = try Explainer(
      network.model(exporter), nodes: taps.map(\.query), inputSize: network.size, threadCount: 2,
      reusesWeights: reusesWeights)
    let image = explainer.prepare(numbers[network.input])
    _ = try explainer.classify(image, count: 1)
    let session = explainer.session
    #expect(session.output.shape == numbers[network.output].shape)
    expectClose(session.output.floats, numbers[network.output].floats, within: 1e-4, "output")
    expectClose(session.logits, numbers[network.logits].floats, within: 1e-4, "logits")

    let explanations = try explainer.explain(classIndex: network.class, of: image)
    try #require(explanations.count == taps.count)
    for (explanation, tap) in zip(explanations, taps) {
      let found = try #require(explanation.tap), truth = numbers[tap.activation]
      #expect([1, found.channels, found.height, found.width] == truth.shape.dimensions, "\(tap.query)")
      expectClose(found.activation, truth.floats, within: 1e-4, "activation at \(tap.query)")
      let gradient = Deviation(found.gradient, from: numbers[tap.gradient].floats)
      #expect(gradient.relative <= 1e-3 && gradient.cosine >= 0.99999, "gradient at \(tap.query): \(gradient)")
      expectClose(explanation.map.values, numbers[tap.gradcam].floats, within: 1e-3, "map at \(tap.query)")
    }
  }

  private func expectClose(_ found: [Float], _ truth: [Float], within tolerance: Double, _ what: String) {
    let deviation = Deviation(found, from: truth)
    #expect(deviation.relative <= tolerance, "\(what): \(deviation)")
  }

  @Test(arguments: ["softmax", "sigmoid"], exporters)
  func probabilityIsDifferentiatedThroughTheHead(name: String, exporter: String) throws {
    let network = try NetworkFixture.named(name), numbers = try network.contents()
    let session = try Session(
      network.model(exporter), nodes: network.taps.map(\.query), inputSize: network.size, threadCount: 1)
    try session.forward(numbers[network.input])
    try session.backward(classIndex: network.class, score: .probability)
    for (index, tap) in network.taps.enumerated() {
      let truth = numbers[try #require(tap.probabilityGradient)].floats
      let deviation = Deviation(session.tap(index).gradient, from: truth)
      #expect(deviation.relative <= 1e-3 && deviation.cosine >= 0.99999, "\(tap.query): \(deviation)")
    }
    expectClose(
      session.model.head.probabilities(session.logits), numbers[network.output].floats, within: 1e-4, "probabilities")
  }

  @Test(arguments: NetworkFixture.all)
  func resultsHaveTheSameBitsForAnyNumberOfThreads(_ network: NetworkFixture) throws {
    let numbers = try network.contents(), model = try network.model("dynamo")
    func run(_ threadCount: Int) throws -> [[UInt32]] {
      let session = try Session(
        model, nodes: network.taps.map(\.query), inputSize: network.size, threadCount: threadCount)
      try session.forward(numbers[network.input])
      try session.backward(classIndex: network.class)
      let taps = network.taps.indices.map(session.tap)
      return ([session.logits] + taps.flatMap { [$0.activation, $0.gradient] }).map { $0.map(\.bitPattern) }
    }
    let single = try run(1)
    #expect(try run(2) == single)
    #expect(try run(3) == single)
  }

  @Test(arguments: NetworkFixture.all)
  func aSessionThatServedOtherImagesAndClassesGivesTheSameBits(_ network: NetworkFixture) throws {
    let numbers = try network.contents(), model = try network.model("torchscript"), image = numbers[network.input]
    func session() throws -> Session {
      try Session(model, nodes: network.taps.map(\.query), inputSize: network.size, threadCount: 2)
    }
    let fresh = try session()
    try fresh.forward(image)
    try fresh.backward(classIndex: network.class)

    let used = try session()
    try used.forward(Tensor(image.floats.map { 3 - $0 }, shape: image.shape))
    try used.backward(classIndex: 0)
    try used.forward(image)
    for index in 0..<used.classCount where index != network.class { try used.backward(classIndex: index) }
    try used.backward(classIndex: network.class)
    for index in network.taps.indices {
      #expect(used.tap(index).activation == fresh.tap(index).activation)
      #expect(used.tap(index).gradient == fresh.tap(index).gradient)
    }
  }
}
