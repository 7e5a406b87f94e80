import Graph
import TestSupport
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
    let observation = try explainer.observe(explainer.prepare(numbers[network.input]))
    #expect(try observation.output.shape == numbers[network.output].shape)
    expectClose(try observation.output.floats, numbers[network.output].floats, within: 1e-4, isRelative: true, "output")
    expectClose(try observation.logits, numbers[network.logits].floats, within: 1e-4, isRelative: true, "logits")

    let explanations = try explainer.explain(classIndex: network.class, of: observation)
    try #require(explanations.count == taps.count)
    for (explanation, tap) in zip(explanations, taps) {
      let found = try #require(explanation.tap), truth = numbers[tap.activation]
      #expect([1, found.channels, found.height, found.width] == truth.shape.dimensions, "\(tap.query)")
      expectClose(found.activation, truth.floats, within: 1e-4, isRelative: true, "activation at \(tap.query)")
      let gradient = Deviation(found.gradient, from: numbers[tap.gradient].floats)
      #expect(gradient.relative <= 1e-3 && gradient.cosine >= 0.99999, "gradient at \(tap.query): \(gradient)")
      expectClose(
        explanation.map.values, numbers[tap.gradcam].floats, within: 1e-3, isRelative: true, "map at \(tap.query)")
    }
  }

  @Test(arguments: ["softmax", "sigmoid"], exporters)
  func probabilityIsDifferentiatedThroughTheHead(name: String, exporter: String) throws {
    let network = try NetworkFixture.named(name), numbers = try network.contents()
    let observation = try Observation.of(
      numbers[network.input], by: network.model(exporter), nodes: network.taps.map(\.query), size: network.size,
      threadCount: 1)
    for (tap, found) in zip(network.taps, try observation.taps(network.class, .probability)) {
      let truth = numbers[try #require(tap.probabilityGradient)].floats
      let deviation = Deviation(found.gradient, from: truth)
      #expect(deviation.relative <= 1e-3 && deviation.cosine >= 0.99999, "\(tap.query): \(deviation)")
    }
    expectClose(
      observation.model.head.probabilities(try observation.logits), numbers[network.output].floats, within: 1e-4,
      isRelative: true, "probabilities")
  }

  @Test(arguments: NetworkFixture.all)
  func resultsHaveTheSameBitsForAnyNumberOfThreads(_ network: NetworkFixture) throws {
    let numbers = try network.contents(), model = try network.model("dynamo")
    func run(_ threadCount: Int) throws -> [[UInt32]] {
      let observation = try Observation.of(
        numbers[network.input], by: model, nodes: network.taps.map(\.query), size: network.size,
        threadCount: threadCount)
      let taps = try observation.taps(network.class)
      return ([try observation.logits] + taps.flatMap { [$0.activation, $0.gradient] }).map { $0.map(\.bitPattern) }
    }
    let single = try run(1)
    #expect(try run(2) == single)
    #expect(try run(3) == single)
  }
}
