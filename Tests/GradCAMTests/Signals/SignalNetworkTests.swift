import Graph
import TestSupport
import Testing

@testable import GradCAM

/// Networks of signals, volumes, films and many channels, as PyTorch explains them.
@Suite struct SignalNetworkTests {
  @Test(
    arguments: [
      ("ecg", "1×12×L ncl"), ("wave", "1×1×400 ncl"), ("bare", "1×L nl"), ("last", "1×L×3 nlc"),
      ("sequence", "1×24×5 nlc"), ("recurrent", "1×18×3 nlc"), ("volume", "1×1×D×H×W ncdhw"),
      ("film", "1×3×4×16×14 ncdhw"), ("frames", "1×4×3×16×12 ndchw"), ("bands", "1×6×H×W nchw"),
      ("segments", "1×2×L ncl"),
    ])
  func theFirstLayerSaysWhatDimensionsCount(name: String, shape: String) throws {
    let input = try SignalFixture.named(name).model().imageShape
    #expect("\(input)" == shape && !input.isAssumed && !input.takesPictures)
    #expect(input.takesFrames == ["film", "frames", "volume"].contains(name))
  }

  @Test(arguments: SignalFixture.all.filter { !$0.taps.isEmpty }, [false, true])
  func equalsPyTorch(_ network: SignalFixture, reusesWeights: Bool) throws {
    let (explainer, observation, target) = try network.explained(
      at: network.taps.map(\.query), reusesWeights: reusesWeights)
    expectClose(
      try observation.output.floats, try network.tensor(network.output).floats, within: 1e-4, isRelative: true, "output"
    )
    let explanations = try explainer.explain(target, of: observation)
    try #require(explanations.count == network.taps.count)
    for (explanation, tap) in zip(explanations, network.taps) {
      let found = try #require(explanation.tap), truth = try network.tensor(tap.activation)
      #expect([1, found.channels] + found.size.extents == truth.shape.dimensions, "\(tap.query)")
      expectClose(found.activation, truth.floats, within: 1e-4, isRelative: true, "activation at \(tap.query)")
      let gradient = Deviation(found.gradient, from: try network.tensor(tap.gradient).floats)
      #expect(gradient.relative <= 1e-3 && gradient.cosine >= 0.9999, "gradient at \(tap.query): \(gradient)")
      let map = try network.tensor(tap.gradcam), drawn = try network.tensor(tap.drawn)
      #expect(explanation.map.size.extents == map.shape.dimensions)
      expectClose(explanation.map.values, map.floats, within: 1e-3, isRelative: true, "map at \(tap.query)")
      #expect(explanation.inputMap().size.extents == drawn.shape.dimensions)
      expectClose(explanation.drawnMap().values, drawn.floats, within: 1e-3, "drawn map at \(tap.query)")
    }
  }

  /// The last feature map before the scores is found in all of them.
  @Test(arguments: SignalFixture.all) func autoIsAFeatureMap(_ network: SignalFixture) throws {
    let (explainer, observation, target) = try network.explained(at: [])
    let explanation = try explainer.explain(target, of: observation)[0]
    #expect(explanation.map.size.rank == explainer.model.imageShape.rank && explanation.map.values.count > 1)
    let mappable = explainer.focus.catalogue.entries.filter(\.isMappable)
    #expect(mappable.contains { $0.isAuto } && mappable.allSatisfy { $0.shape != nil })
    if let last = network.taps.last, !["sequence", "bare", "last"].contains(network.name) {
      #expect(explanation.map.size.extents == last.gradcam.shape, "\(explanation.node)")
    }
  }

  @Test(arguments: ["ecg", "volume", "film"]) func scoreCAMEnlargesMasksAlongAllAxes(name: String) throws {
    let network = try SignalFixture.named(name)
    for (place, tap) in network.taps.enumerated() {
      let (_, observation, target) = try network.explained(at: network.taps.map(\.query))
      let found = try observation.taps(of: target)[place]
      let probe = Probe(observation, tap: place, target: target)
      let weights = try ScoreCAM().weighting(of: found, probe: probe).weights
      expectClose(weights, try network.tensor(#require(tap.scores)).floats, within: 1e-3, isRelative: true, tap.query)
    }
  }

  @Test(arguments: ["ecg", "volume", "film"]) func metricsWorkOnAnyRank(name: String) throws {
    let network = try SignalFixture.named(name)
    let (explainer, observation, target) = try network.explained(at: network.taps.map(\.query))
    let explanations = try explainer.explain(target, of: observation)
    let metrics = try ["insertion", "deletion", "average-drop", "increase", "insertion-deletion"].map(Metrics.named)
    let values = try explainer.measure(explanations, of: observation, by: metrics)
    for (tap, values) in zip(network.taps, values) {
      #expect(abs(try #require(values[0]) - tap.insertion!) < 1e-4, "\(tap.query)")
      #expect(abs(try #require(values[1]) - tap.deletion!) < 1e-4, "\(tap.query)")
      #expect(values[2...].allSatisfy { $0 != nil })
    }
    expectError(.unsupported, at: "metric 'road'", saying: "pictures alone", "insertion") {
      _ = try explainer.measure(explanations, of: observation, by: [Metrics.named("road")])
    }
  }

  /// Only what is defined for pictures is refused, by its name.
  @Test(arguments: ["ecg", "volume", "film", "segments", "bands", "last"])
  func methodsWorkOnAnyRankOrSayThatTheyDoNot(name: String) throws {
    let network = try SignalFixture.named(name)
    let (explainer, observation, target) = try network.explained(at: [network.taps[0].query])
    let isClass = target is ClassTarget
    for method in CAMMethods.all.map(\.name) {
      do {
        let maps = try explainer.explain(target, of: observation, methods: [method])
        #expect(maps.allSatisfy { $0.map.size.rank == explainer.model.imageShape.rank }, "\(method)")
        #expect(maps.allSatisfy { $0.drawnMap().size == observation.image.geometry.original }, "\(method)")
        #expect(method != "recipro-cam" || name == "bands")
      } catch let error as GradCAMError {
        let attentive = ["legrad", "attention-rollout", "transformer-attribution", "attnlrp"]
        let refused =
          ["recipro-cam", "lrp-gamma-box", "expected-gradients", "d-rise"] + attentive
          + (isClass ? [] : ["cam", "finercam"])
        #expect(error.kind == .unsupported && (refused + ["cam"]).contains(method), "\(method): \(error)")
        #expect("\(error)".contains(method))
      }
    }
  }

  @Test(arguments: ["ecg", "volume", "frames"]) func gradientsAreVerified(name: String) throws {
    let network = try SignalFixture.named(name)
    let (_, observation, target) = try network.explained(at: [network.taps[0].query])
    #expect(try GradientVerification(observation, of: target).verdict == .agrees)
  }

  @Test func mapsOfNodesAreFusedAndSmoothed() throws {
    let network = try SignalFixture.named("volume")
    let (explainer, observation, target) = try network.explained(at: network.taps.map(\.query))
    for fusion in Fusion.allCases {
      let fused = try explainer.explain(target, of: observation, fusion: fusion)[0]
      #expect(fused.map.size.extents == [6, 12, 10] && fused.map.values.max()! <= 1.001)
    }
    #expect(try explainer.explain(target, of: observation, smoothing: [.aug, .eigen]).count == 2)
    let signal = try SignalFixture.named("ecg").explained(at: [])
    expectError(.unsupported, at: "smooth 'aug'", saying: "signals") {
      _ = try signal.explainer.explain(signal.target, of: signal.observation, smoothing: [.aug])
    }
    for compatibility in Compatibility.allCases {
      let drawn = try compatibility.drawnMap(
        explainer.explainedMap(target, observation), geometry: observation.image.geometry)
      #expect(drawn.size.extents == [6, 12, 10])
    }
  }

  /// Signals of any length, each with a plan of its own; and of the wrong number of channels.
  @Test func openExtentsAreThoseOfTheTensor() throws {
    let explainer = try Explainer(SignalFixture.named("ecg").model(), threadCount: 1)
    for length in [40, 41, 200, 40] {
      let tensor = Tensor([Float](repeating: 0.1, count: 12 * length), shape: [1, 12, length])
      let observation = try explainer.observe(explainer.prepare(tensor))
      let map = try explainer.explain(classIndex: 0, of: observation)[0]
      #expect(map.drawnMap().size == PixelSize(extents: [length]) && map.map.values.count == (length + 7) / 8)
    }
    expectError(.badData, saying: "1×3×40", "1×12×L ncl") {
      let file = NumberFile(shape: [1, 3, 40], values: [Float](repeating: 0, count: 120))
      _ = try explainer.prepare(["input": .file(file)])
    }
    expectError(.unsupported, at: "input 'input'", saying: "no picture") {
      _ = try explainer.prepare(Picture(width: 1, height: 1, pixels: [1, 2, 3]))
    }
  }

  /// The user says what nothing in the file does.
  @Test func whatNothingTellsIsAssumedAndSaid() throws {
    var builder = GraphBuilder()
    let input = builder.input("x")
    let mean = builder("ReduceMean", builder("Relu", input), with: ["axes": .ints([1]), "keepdims": .int(0)])
    var graph = builder.returning(mean)
    graph.values[input].dimensions = [.fixed(1), .fixed(7), .fixed(9)]
    let model = try Model(graph, path: "x.onnx", registry: .standard)
    #expect("\(model.imageShape)" == "1×7×9 ncl" && model.imageShape.isAssumed)
    let warnings = try DecidedPreprocessing(for: model).warnings
    #expect(warnings.map(\.code) == [.axesAssumed] && "\(warnings[0].text)".contains("layout"))
    #expect("\(try Model(graph, path: "x.onnx", layout: .nhwc, registry: .standard).imageShape)" == "1×7×9 nlc")
  }
}

extension Explainer {
  fileprivate func explainedMap(_ target: any Target, _ observation: Observation) throws -> HeatMap {
    try explain(target, of: observation)[0].map
  }
}
