import Foundation
import Graph
import Testing

@testable import GradCAM

@Suite struct ProbeTests {
  /// Batched or one after another, at tokens, windows and channels that are last, with and without ways around the tap.
  @Test(arguments: NetworkFixture.all, ["torchscript", "dynamo"])
  func scoresOfChangedActivationsAreThoseOfTheTail(_ network: NetworkFixture, _ exporter: String) throws {
    let model = try network.model(exporter)
    for place in network.taps {
      let session = try Session(model, nodes: [place.query], inputSize: network.size, threadCount: 2)
      try session.forward(network.contents()[network.input])
      let tail = try session.tail(0), activation = session.activation(0), layout = session.taps[0].layout!
      let probe = try session.probe(0, classIndex: network.class), plane = layout.height * layout.width
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
      let scale = session.logits.map(abs).max()!
      #expect(zip(found, truth).allSatisfy { abs($0 - $1) < 1e-4 * scale }, "\(place.query): \(found), not \(truth)")
      #expect(try abs(found[0] - probe.score) < 1e-4 * scale)
    }
  }

  @Test(arguments: NetworkFixture.all)
  func changedInputsAreRunWhole(_ network: NetworkFixture) throws {
    let model = try network.model("dynamo"), image = try network.contents()[network.input]
    let session = try Session(model, nodes: [network.taps[0].query], inputSize: network.size, threadCount: 2)
    func dimmed(_ index: Int) -> Tensor { Tensor(image.floats.map { $0 / Float(index + 1) }, shape: image.shape) }
    var truth: [Float] = [], last: Tap?
    for index in 0..<5 {
      try session.forward(dimmed(index))
      truth.append(session.logits[network.class])
      try session.backward(classIndex: network.class)
      last = session.tap(0)
    }
    try session.forward(image)
    let probe = try session.probe(0, classIndex: network.class)
    func dim(_ index: Int, _ input: UnsafeMutableBufferPointer<Float>) {
      for pixel in input.indices { input[pixel] /= Float(index + 1) }
    }
    let found = try probe.scores(ofInputs: 5, change: dim), scale = truth.map(abs).max()!
    #expect(zip(found, truth).allSatisfy { abs($0 - $1) < 1e-4 * scale }, "\(found), not \(truth)")
    let tap = try probe.tap { dim(4, $0) }
    #expect(tap.activation == last!.activation && tap.gradient == last!.gradient)
    try session.forward(dimmed(2))
    let later = try session.probe(0, classIndex: network.class).scores(ofInputs: 2) { _, _ in }
    #expect(abs(later[1] - truth[2]) < 1e-4 * scale, "the next image's scores are its own")
  }

  @Test(arguments: NetworkFixture.all)
  func gradientsAreThoseOfTheSession(_ network: NetworkFixture) throws {
    let model = try network.model("dynamo")
    for place in network.taps {
      let session = try Session(model, nodes: [place.query], inputSize: network.size, threadCount: 2)
      try session.forward(network.contents()[network.input])
      for score in ScoreKind.allCases {
        try session.backward(classIndex: network.class, score: score)
        let probe = try session.probe(0, classIndex: network.class, score: score), gradient = session.tap(0).gradient
        let same = Deviation(try probe.gradient { _ in }, from: gradient)
        #expect(same.relative < 1e-4, "\(place.query), \(score): \(same)")
        guard score == .logit else { continue }
        let other = (network.class + 1) % session.classCount
        try session.backward(classIndex: other)
        let truth = session.tap(0).gradient
        try session.backward(from: probe.target)
        let found = try probe.tap(explaining: session.target(classIndex: other)).gradient
        #expect(Deviation(found, from: truth).relative < 1e-5, "\(place.query)")
        #expect(session.tap(0).gradient == gradient, "the session keeps its own")
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
    let seed = target.gradient(logits)
    for index in logits.indices {
      var above = logits.map(Double.init), below = above
      above[index] += 1e-4
      below[index] -= 1e-4
      let slope = (difference(above) - difference(below)) / 2e-4
      #expect(abs(Double(seed[index]) - slope) < 1e-5, "\(index): \(seed[index]), not \(slope)")
    }
  }

  /// A channel of rising values on a wider input: corner to corner, and edge to edge.
  @Test func masksAreResizedBothWays() {
    let tap = Tap(channels: 1, height: 1, width: 2, activation: [1, 3], gradient: [0, 0])
    let size = PixelSize(width: 5, height: 1)
    func isNear(_ mask: [Float], _ truth: [Float]) -> Bool { zip(mask, truth).allSatisfy { abs($0 - $1) < 1e-6 } }
    #expect(isNear(ChannelMasks(tap, size: size, order: .resizedThenRescaled)[0], [0, 0.25, 0.5, 0.75, 1]))
    #expect(isNear(ChannelMasks(tap, size: size, order: .rescaledThenResized)[0], [0, 0.1, 0.5, 0.9, 1]))
  }

  @Test func noiseIsNormalAndFixed() {
    var noise = NormalNoise(seed: 7), again = NormalNoise(seed: 7)
    let drawn = (0..<10_000).map { _ in noise.next() }
    #expect(drawn[0..<10].allSatisfy { $0 == again.next() })
    let mean = drawn.reduce(0, +) / 10_000
    #expect(abs(mean) < 0.03 && abs(drawn.reduce(0) { $0 + $1 * $1 } / 10_000 - 1) < 0.05)
  }

  /// Behind the tap is a mean over positions and a linear layer: everything can be told from its weights.
  @Test(arguments: ["softmax", "sigmoid"])
  func behindAMeanAblationAndOnePositionAreKnown(_ name: String) throws {
    let network = try NetworkFixture.named(name), model = try network.model("torchscript")
    let session = try Session(model, nodes: ["features"], inputSize: network.size, threadCount: 2)
    try session.forward(network.contents()[network.input])
    try session.backward(classIndex: network.class)
    let tap = session.tap(0), probe = try session.probe(0, classIndex: network.class)
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
    #expect(Deviation(found, from: scores.map { $0 - scores.min()! }).relative < 1e-3)
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
