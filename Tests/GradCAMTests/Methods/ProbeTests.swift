import Foundation
import Graph
import TestSupport
import Testing

@testable import GradCAM

@Suite struct ProbeTests {
  /// Batched or one after another, at tokens, windows and channels that are last, with and without ways around the tap.
  @Test(arguments: NetworkFixture.all, ["torchscript", "dynamo"])
  func scoresOfChangedActivationsAreThoseOfTheTail(_ network: NetworkFixture, _ exporter: String) throws {
    let model = try network.model(exporter)
    for place in network.taps {
      let observation = try Observation.of(
        network.contents()[network.input], by: model, nodes: [place.query], size: network.size)
      let value = observation.taps[0].value, layout = observation.taps[0].layout!
      let tail = try Tail(after: value, of: observation, roundsLittle: true)
      let activation = try observation.tensor(of: value)
      let probe = observation.probe(0, network.class), plane = layout.height * layout.width
      let found = try probe.scores(ofActivations: 4) { index, activation in
        if index > 0 { activation[(index - 1) % layout.channels * plane + (index - 1) % plane] += 1 }
      }
      let truth = try (0..<4).map { index in
        var values = activation.floats
        if index > 0 {
          let position = (index - 1) % plane
          values[layout.index((index - 1) % layout.channels, position / layout.width, position % layout.width)] += 1
        }
        return try tail.explainedContents(for: Tensor(values, shape: activation.shape))[network.class]
      }
      let scale = Double(try observation.logits.map(abs).max()!)
      expectClose(found, truth, within: 1e-4 * scale, place.query)
      expectClose([found[0]], [try probe.score], within: 1e-4 * scale, place.query)
    }
  }

  @Test(arguments: NetworkFixture.all)
  func changedInputsAreRunWhole(_ network: NetworkFixture) throws {
    let model = try network.model("dynamo"), image = try network.contents()[network.input]
    func observe(_ tensor: Tensor) throws -> Observation {
      try .of(tensor, by: model, nodes: [network.taps[0].query], size: network.size)
    }
    func dimmed(_ index: Int) -> Tensor { Tensor(image.floats.map { $0 / Float(index + 1) }, shape: image.shape) }
    var truth: [Float] = [], last: Tap?
    for index in 0..<5 {
      let observation = try observe(dimmed(index))
      truth.append(try observation.logits[network.class])
      last = try observation.taps(network.class)[0]
    }
    let probe = try observe(image).probe(0, network.class)
    func dim(_ index: Int, _ input: UnsafeMutableBufferPointer<Float>) {
      for pixel in input.indices { input[pixel] /= Float(index + 1) }
    }
    expectClose(try probe.scores(ofInputs: 5, change: dim), truth, within: 1e-4, isRelative: true)
    let tap = try probe.tap { dim(4, $0) }
    #expect(tap.activation == last!.activation && tap.gradient == last!.gradient)
    let later = try observe(dimmed(2)).probe(0, network.class).scores(ofInputs: 2) { _, _ in }
    expectClose(
      later, [truth[2], truth[2]], within: 1e-4 * Double(truth.map(abs).max()!), "the next image's scores are its own")
  }

  @Test(arguments: NetworkFixture.all)
  func gradientsAreThoseOfTheObservation(_ network: NetworkFixture) throws {
    let model = try network.model("dynamo")
    for place in network.taps {
      let observation = try Observation.of(
        network.contents()[network.input], by: model, nodes: [place.query], size: network.size)
      for score in ScoreKind.allCases {
        let gradient = try observation.taps(network.class, score)[0].gradient
        let probe = observation.probe(0, network.class, score)
        expectClose(
          try probe.gradient { _ in }, gradient, within: 1e-4, isRelative: true, "\(place.query), \(score)")
        guard score == .logit else { continue }
        let other = (network.class + 1) % observation.classCount
        let found = try probe.tap(explaining: observation.target(other)).gradient
        #expect(try found == observation.taps(other)[0].gradient, "\(place.query)")
        #expect(try observation.taps(network.class)[0].gradient == gradient, "one target leaves the other as it is")
      }
    }
  }

  /// Σ_i p_i (y_c − y_i) ⁄ Σ_i p_i by central differences.
  @Test func finerCAMsTargetIsTheDifferenceWithItsGradient() throws {
    let logits: [Float] = [1, -0.5, 0.75, 2, 0.25], own = 2
    // The three nearest to 0.75.
    let compared = [0, 4, 1]
    func difference(_ logits: [Double]) -> Double {
      let powers = logits.map { exp($0) }, total = compared.reduce(0) { $0 + powers[$1] }
      return compared.reduce(0) { $0 + powers[$1] * (logits[own] - logits[$1]) } / total
    }
    let target = FinerTarget(of: ClassTarget(own, head: try ScoreHead(ComputeGraph.identity)))
    #expect(abs(Double(target.score(logits)) - difference(logits.map(Double.init))) < 1e-6)
    let slopes = logits.indices.map { index -> Float in
      var above = logits.map(Double.init), below = above
      above[index] += 1e-4
      below[index] -= 1e-4
      return Float((difference(above) - difference(below)) / 2e-4)
    }
    expectClose(target.gradient(logits), slopes)
  }

  /// A channel of rising values on a wider input: corner to corner, and edge to edge.
  @Test func masksAreResizedBothWays() {
    let tap = Tap(channels: 1, height: 1, width: 2, activation: [1, 3], gradient: [0, 0])
    let size = PixelSize(width: 5, height: 1)
    func mask(_ order: ChannelMasks.Order) -> [Float] { ChannelMasks(tap, size: size, order: order)[0] }
    expectClose(mask(.resizedThenRescaled), [0, 0.25, 0.5, 0.75, 1], within: 1e-6)
    expectClose(mask(.rescaledThenResized), [0, 0.1, 0.5, 0.9, 1], within: 1e-6)
  }

  @Test func noiseIsNormalAndFixed() {
    var noise = NormalNoise(seed: 7), again = NormalNoise(seed: 7)
    let drawn = (0..<10_000).map { _ in noise.next() }
    #expect(drawn[0..<10].allSatisfy { $0 == again.next() })
    let mean = drawn.reduce(0, +) / 10_000
    #expect(abs(mean) < 0.03 && abs(drawn.reduce(0) { $0 + $1 * $1 } / 10_000 - 1) < 0.05)
  }

  /// Downstream of the tap are a mean over positions and a linear layer: everything follows from its weights.
  @Test(arguments: ["softmax", "sigmoid"])
  func behindAMeanAblationAndOnePositionAreKnown(_ name: String) throws {
    let network = try NetworkFixture.named(name), model = try network.model("torchscript")
    let observation = try Observation.of(
      network.contents()[network.input], by: model, nodes: ["features"], size: network.size)
    let tap = try observation.taps(network.class)[0], probe = observation.probe(0, network.class)
    let zero = try probe.scores(ofActivations: 1) { _, activation in activation.update(repeating: 0) }[0]
    let found = try ReciproCAM().map(of: tap, probe: probe).values
    var scores = [Float](repeating: zero, count: tap.plane)
    for centre in 0..<tap.plane {
      for position in 0..<tap.plane {
        let rows = abs(centre / tap.width - position / tap.width),
          columns = abs(centre % tap.width - position % tap.width)
        guard rows < 2, columns < 2 else { continue }
        for channel in 0..<tap.channels {
          let index = channel * tap.plane + position
          scores[centre] += tap.gradient[index] * tap.activation[index] / Float(4 << (rows + columns))
        }
      }
    }
    let lowest = scores.min()!
    expectClose(found, scores.map { $0 - lowest }, within: 1e-3, isRelative: true)
  }
}

extension ComputeGraph {
  /// A graph whose output is its input.
  fileprivate static var identity: ComputeGraph {
    var graph = ComputeGraph(opsets: ["": 17])
    graph.values = [Value(name: "scores")]
    (graph.inputs, graph.outputs) = ([0], [0])
    return graph
  }
}
