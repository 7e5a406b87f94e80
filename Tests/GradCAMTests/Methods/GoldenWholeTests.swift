import Foundation
import Graph
import Testing

@testable import GradCAM

/// Maps of narrow networks by methods that look at more than a node, made by Fixtures/methods/make_whole.py.
private struct GoldenWhole: Decodable, CustomTestStringConvertible {
  struct Concept: Decodable {
    let vector, scores, map: [Float]
  }

  let name: String
  let nodes: [String]
  let shape: [Int]
  let input: [Float]
  let target: Int
  let maps: [String: [Float]]
  let concepts: [Concept]?

  var testDescription: String { name }
  var size: PixelSize { PixelSize(width: shape[3], height: shape[2]) }

  static let all: [GoldenWhole] = GoldenFixture.read("whole.json")

  func session(_ nodes: [String]) throws -> Session {
    let model = try Model(contentsOf: GoldenFixture.folder.appending(path: "\(name).onnx").path)
    let session = try Session(model, nodes: nodes, inputSize: size, threadCount: 2)
    try session.forward(Tensor(input, shape: Shape(shape)))
    try session.backward(classIndex: target)
    return session
  }

  /// The map of a method at the node that the library was given.
  func map(by name: String, _ session: Session) throws -> HeatMap {
    let tap = name == "guided-gradcam" ? 0 : session.taps.count - 1
    return try Registry.standard.method(named: name).map(
      of: session.tap(tap), probe: session.probe(tap, classIndex: target))
  }
}

@Suite struct GoldenWholeTests {
  /// RefineCAM's is the one that pytorch-grad-cam gives away only rescaled.
  @Test(arguments: GoldenWhole.all)
  fileprivate func mapsAreThoseOfTheLibraries(_ golden: GoldenWhole) throws {
    let session = try golden.session(golden.nodes)
    for (name, truth) in golden.maps.sorted(by: { $0.key < $1.key }) {
      var map = try golden.map(by: name, session)
      if name == "refinecam" { map = map.rescaled() }
      let deviation = Deviation(map.values, from: truth)
      #expect(deviation.relative < 1e-4, "\(name): \(deviation)")
    }
  }

  /// The second image has maps of its own, from the plans that the first one left.
  @Test(arguments: GoldenWhole.all)
  fileprivate func laterImagesHaveTheirOwnMaps(_ golden: GoldenWhole) throws {
    let session = try golden.session(golden.nodes), methods = golden.maps.keys.sorted()
    func maps() throws -> [[Float]] {
      try session.backward(classIndex: golden.target)
      return try methods.map { try golden.map(by: $0, session).values }
    }
    let first = try maps()
    try session.forward(Tensor(golden.input.map { 1 - $0 }, shape: Shape(golden.shape)))
    let other = try maps()
    try session.forward(Tensor(golden.input, shape: Shape(golden.shape)))
    #expect(try maps() == first)
    for (name, pair) in zip(methods, zip(first, other)) { #expect(pair.0 != pair.1, "\(name)") }
  }

  @Test(arguments: GoldenWhole.all.filter { $0.maps["guided-backprop"] != nil })
  fileprivate func guidanceChangesTheGradient(_ golden: GoldenWhole) throws {
    let session = try golden.session(golden.nodes), probe = try session.probe(0, classIndex: golden.target)
    let plain = try probe.inputTap(isGuided: false), guided = try probe.inputTap(isGuided: true)
    #expect(plain.activation == golden.input && guided.activation == golden.input)
    #expect(Deviation(guided.gradient, from: plain.gradient).relative > 0.1)
  }

  /// The factorisation starts from the numbers that scikit-learn draws, so that it ends where scikit-learn's does.
  @Test func conceptsAreThoseOfPytorchGradCAM() throws {
    let golden = try #require(GoldenWhole.all.first { $0.concepts != nil }), truth = try #require(golden.concepts)
    let session = try golden.session([golden.nodes[1]])
    let probe = try session.probe(0, classIndex: golden.target)
    probe.settings.conceptCount = truth.count
    let tap = session.tap(0), found = try DeepFeatureFactorization().concepts(of: tap, probe: probe)
    let vectors = DeepFeatureFactorization.factors(of: tap, count: truth.count).concepts
    #expect(found.count == truth.count)
    for (index, concept) in truth.enumerated() {
      // The library rescales before it resizes, and no more.
      let map = found[index].map.normalized().resized(width: golden.size.width, height: golden.size.height)
      for (name, deviation) in [
        ("map", Deviation(map.values, from: concept.map)), ("vector", Deviation(vectors[index], from: concept.vector)),
        ("scores", Deviation(try #require(found[index].logits), from: concept.scores)),
      ] { #expect(deviation.relative < 1e-2, "\(name) of concept \(index): \(deviation)") }
    }
  }

  /// NumPy's `RandomState(0).standard_normal`.
  @Test func numbersAreThoseOfNumPy() {
    var noise = MersenneTwister(seed: 0)
    let drawn = (0..<1000).map { _ in noise.normal() }
    let truth = [1.764052345967664, 0.4001572083672233, 0.9787379841057392, 2.240893199201458, 1.8675579901499675]
    for (found, truth) in zip(drawn, truth) { #expect(abs(found - truth) < 1e-14) }
    #expect(abs(drawn[999] - -0.35811407547985674) < 1e-12)
  }

  @Test func whatDoesNotApplyIsUnsupportedByName() throws {
    func attempt(_ method: String, _ network: String, _ node: String) throws {
      let golden = try #require(GoldenWhole.all.first { $0.name == network }), session = try golden.session([node])
      _ = try Registry.standard.method(named: method).map(
        of: session.tap(0), probe: session.probe(0, classIndex: golden.target))
    }
    expectError(.unsupported, saying: "method 'cam'", "Gather") { try attempt("cam", "transformer", "auto") }
    expectError(.unsupported, saying: "method 'cam'", "8 channels", "6", "Relu_output") {
      try attempt("cam", "normalised", "Relu:0")
    }
    expectError(.unsupported, saying: "method 'legrad'", "softmax") { try attempt("legrad", "plain", "auto") }
  }
}
