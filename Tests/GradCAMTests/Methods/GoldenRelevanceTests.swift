import Graph
import TestSupport
import Testing

@testable import GradCAM

/// Maps of narrow networks by methods that share out contributions, made by Fixtures/methods/make_relevance.py.
private struct GoldenRelevance: Decodable, CustomTestStringConvertible {
  let name: String
  let shape: [Int]
  let input: [Float]
  let target: Int
  let maps: [String: [Float]]

  var testDescription: String { name }
  var size: PixelSize { PixelSize(width: shape[3], height: shape[2]) }

  static let all: [GoldenRelevance] = GoldenFixture.read("methods/relevance.json")

  /// The image, of a picture that ImageNet's preprocessing prepared.
  func observation(_ input: [Float]? = nil) throws -> Observation {
    let planner = try ModelPlanner(GoldenFixture.model(name), inputSize: size, pool: ThreadPool(threadCount: 2))
    var image = PreparedImage(Tensor(input ?? self.input, shape: Shape(shape)), size: size)
    image.preprocessing = Preprocessing(.imagenet, size: size)
    return try Observation(planner, image, try planner.focus())
  }

  func map(by name: String, _ observation: Observation) throws -> [Float] {
    try Registry.standard.method(named: name).map(
      of: observation.taps(target)[0], probe: observation.probe(0, target)
    ).values
  }
}

@Suite struct GoldenRelevanceTests {
  @Test(arguments: GoldenRelevance.all)
  fileprivate func mapsAreThoseOfTheLibraries(_ golden: GoldenRelevance) throws {
    let observation = try golden.observation()
    for (name, truth) in golden.maps.sorted(by: { $0.key < $1.key }) {
      expectClose(try golden.map(by: name, observation), truth, within: 1e-3, isRelative: true, name)
    }
  }

  /// A second image and a second target have their own maps, by the plans that the first ones left.
  @Test(arguments: GoldenRelevance.all)
  fileprivate func laterQuestionsHaveTheirOwnAnswers(_ golden: GoldenRelevance) throws {
    let observation = try golden.observation(), other = golden.input.map { 1 - $0 }
    let sibling = try observation.sibling(Tensor(other, shape: Shape(golden.shape)))
    for name in golden.maps.keys.sorted() {
      let first = try golden.map(by: name, observation), second = try golden.map(by: name, sibling)
      #expect(first != second, "\(name)")
      #expect(try golden.map(by: name, observation) == first, "\(name)")
      #expect(try golden.map(by: name, golden.observation(other)) == second, "\(name)")
    }
  }

  /// The sum is the difference of the scores from that of the baseline.
  @Test func deepLIFTAddsUp() throws {
    let golden = try #require(GoldenRelevance.all.first { $0.name == "mixed" })
    let observation = try golden.observation(), probe = observation.probe(0, golden.target)
    for level: Float in [0, 0.7] {
      let baseline = Tensor([Float](repeating: level, count: golden.input.count), shape: Shape(golden.shape))
      let method = DeepLIFT(baseline: .images([baseline]))
      let map = try method.map(of: observation.taps(golden.target)[0], probe: probe)
      let reference = try golden.observation([Float](repeating: level, count: golden.input.count))
      let difference = try probe.score - reference.probe(0, golden.target).score
      #expect(abs(map.values.reduce(0, +) - difference) < 1e-4 * max(1, abs(difference)))
    }
  }

  /// Layers without biases pass on all of the score, if all activations are rectified.
  @Test func relevanceIsConservedWithoutBiases() throws {
    let golden = try #require(GoldenRelevance.all.first { $0.name == "mixed" })
    let model = try GoldenFixture.model("plain")
    var graph = model.graph
    for node in graph.nodes where [.convolution, .product].contains(node.role) && node.inputs.count > 2 {
      guard let bias = node.inputs[2], let tensor = graph.values[bias].constant else { continue }
      graph.values[bias].constant = Tensor([Float](repeating: 0, count: tensor.shape.count), shape: tensor.shape)
    }
    let planner = try ModelPlanner(model.with(graph), inputSize: golden.size, pool: ThreadPool(threadCount: 2))
    let image = PreparedImage(Tensor(golden.input, shape: Shape(golden.shape)), size: golden.size)
    let observation = try Observation(planner, image, planner.focus())
    let score = try observation.probe(0, golden.target).score
    for name in ["lrp", "lrp-alpha2-beta1"] {
      let sum = try golden.map(by: name, observation).reduce(0, +)
      #expect(abs(sum - score) < 1e-2 * abs(score), "\(name): \(sum) of \(score)")
    }
  }

  @Test func whatDoesNotApplyIsUnsupportedByName() throws {
    func attempt(_ method: String, _ network: String) throws {
      let golden = try #require(GoldenRelevance.all.first { $0.name == network })
      _ = try golden.map(by: method, golden.observation())
    }
    for method in ["attention-rollout", "transformer-attribution", "attnlrp"] {
      expectError(.unsupported, saying: "method '\(method)'", "softmax") { try attempt(method, "mixed") }
    }
    expectError(.unsupported, saying: "LayerNormalization", "rule") { try attempt("deeplift", "fused-attention") }
    let golden = try #require(GoldenRelevance.all.first { $0.name == "mixed" })
    var image = try golden.observation().image
    image.preprocessing = nil
    let observation = try Observation(golden.observation().planner, image, golden.observation().focus)
    expectError(.unsupported, saying: "method 'lrp-gamma-box'", "range") {
      _ = try golden.map(by: "lrp-gamma-box", observation)
    }
  }
}
