import Foundation
import Graph
import TestSupport
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

  static let all: [GoldenWhole] = GoldenFixture.read("methods/whole.json")

  func observation(_ nodes: [String], of input: [Float]? = nil) throws -> Observation {
    try .of(
      Tensor(input ?? self.input, shape: Shape(shape)), by: GoldenFixture.model(name), nodes: nodes, size: size)
  }

  /// The map of a method at the node that the library was given.
  func map(by name: String, _ observation: Observation) throws -> HeatMap {
    let tap = name == "guided-gradcam" ? 0 : observation.taps.count - 1
    return try Registry.standard.method(named: name).map(
      of: observation.taps(target)[tap], probe: observation.probe(tap, target))
  }
}

@Suite struct GoldenWholeTests {
  /// RefineCAM's is the one that pytorch-grad-cam gives away only rescaled.
  @Test(arguments: GoldenWhole.all)
  fileprivate func mapsAreThoseOfTheLibraries(_ golden: GoldenWhole) throws {
    let observation = try golden.observation(golden.nodes)
    for (name, truth) in golden.maps.sorted(by: { $0.key < $1.key }) {
      var map = try golden.map(by: name, observation)
      if name == "refinecam" { map = map.rescaled() }
      expectClose(map.values, truth, within: 1e-4, isRelative: true, name)
    }
  }

  /// The second image has the maps that it has alone, from the plans that the first one left.
  @Test(arguments: GoldenWhole.all)
  fileprivate func laterImagesHaveTheirOwnMaps(_ golden: GoldenWhole) throws {
    let observation = try golden.observation(golden.nodes), methods = golden.maps.keys.sorted()
    func maps(_ seen: Observation) throws -> [[Float]] { try methods.map { try golden.map(by: $0, seen).values } }
    func sibling(_ input: [Float]) throws -> Observation {
      try observation.sibling(Tensor(input, shape: Shape(golden.shape)))
    }
    let inverted = golden.input.map { 1 - $0 }
    let first = try maps(sibling(golden.input)), other = try maps(sibling(inverted))
    #expect(try maps(sibling(golden.input)) == first)
    #expect(try maps(golden.observation(golden.nodes, of: inverted)) == other)
    for (name, pair) in zip(methods, zip(first, other)) { #expect(pair.0 != pair.1, "\(name)") }
  }

  @Test(arguments: GoldenWhole.all.filter { $0.maps["guided-backprop"] != nil })
  fileprivate func guidanceChangesTheGradient(_ golden: GoldenWhole) throws {
    let probe = try golden.observation(golden.nodes).probe(0, golden.target)
    let plain = try probe.inputTap(isGuided: false), guided = try probe.inputTap(isGuided: true)
    #expect(plain.activation == golden.input && guided.activation == golden.input)
    #expect(Deviation(guided.gradient, from: plain.gradient).relative > 0.1)
    let truth = try #require(golden.maps["guided-backprop"])
    expectClose(guided.sum { _, gradient in gradient }.values, truth, within: 1e-4, isRelative: true)
  }

  /// The factorisation starts from the numbers that scikit-learn draws, so that it ends where scikit-learn's does.
  @Test func conceptsAreThoseOfPytorchGradCAM() throws {
    let golden = try #require(GoldenWhole.all.first { $0.concepts != nil }), truth = try #require(golden.concepts)
    let observation = try golden.observation([golden.nodes[1]])
    let probe = observation.probe(0, golden.target)
    let tap = try observation.taps(golden.target)[0]
    let found = try DeepFeatureFactorization(conceptCount: truth.count).concepts(of: tap, probe: probe)
    let vectors = DeepFeatureFactorization.factors(of: tap, count: truth.count).concepts
    #expect(found.count == truth.count)
    for (index, concept) in truth.enumerated() {
      // The library rescales before it resizes, and no more.
      let map = found[index].map.normalized().resized(width: golden.size.width, height: golden.size.height)
      let scores = try #require(found[index].logits)
      for (name, found, truth) in [
        ("map", map.values, concept.map), ("vector", vectors[index], concept.vector),
        ("scores", scores, concept.scores),
      ] { expectClose(found, truth, within: 1e-2, isRelative: true, "\(name) of concept \(index)") }
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
      let golden = try #require(GoldenWhole.all.first { $0.name == network })
      let observation = try golden.observation([node])
      _ = try Registry.standard.method(named: method).map(
        of: observation.taps(golden.target)[0], probe: observation.probe(0, golden.target))
    }
    expectError(.unsupported, saying: "method 'cam'", "Gather") { try attempt("cam", "transformer", "auto") }
    expectError(.unsupported, saying: "method 'cam'", "8 channels", "6", "Relu_output") {
      try attempt("cam", "normalised", "Relu:0")
    }
    expectError(.unsupported, saying: "method 'legrad'", "softmax") { try attempt("legrad", "plain", "auto") }
  }
}
