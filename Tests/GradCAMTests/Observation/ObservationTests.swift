import Graph
import TestSupport
import Testing

@testable import GradCAM

@Suite struct ObservationTests {
  private func planner(_ network: NetworkFixture) throws -> ModelPlanner {
    try ModelPlanner(network.model("dynamo"), inputSize: network.size, pool: ThreadPool(threadCount: 2))
  }

  /// Other nodes, classes and methods of an open observation: a few steps forward where a node lies inside a fused one.
  @Test(arguments: NetworkFixture.all)
  func furtherQuestionsRunNoForwardPass(_ network: NetworkFixture) throws {
    let planner = try planner(network), numbers = try network.contents()
    let image = PreparedImage(numbers[network.input], size: network.size)
    let observation = try Observation(planner, image, try planner.focus(nodes: ["auto"]))
    let whole = observation.forwardStepCount
    #expect(whole > 5)
    var before = whole
    for tap in network.taps {
      let focused = try observation.focused(on: try planner.focus(nodes: [tap.query]))
      for classIndex in [network.class, (network.class + 1) % focused.classCount] {
        let taps = try focused.taps(classIndex)
        for method in ["gradcam", "layercam", "xgradcam"] {
          _ = try Registry.standard.method(named: method).map(
            of: taps[0], probe: focused.probe(0, classIndex))
        }
        #expect(observation.forwardStepCount - before <= 3, "\(tap.query)")
        before = observation.forwardStepCount
        guard classIndex == network.class else { continue }
        expectClose(taps[0].activation, numbers[tap.activation].floats, within: 1e-4, isRelative: true, tap.query)
        expectClose(taps[0].gradient, numbers[tap.gradient].floats, within: 1e-3, isRelative: true, tap.query)
      }
    }
  }

  /// What `progress` throws ends an explanation at once, and the observation can be asked again.
  @Test func whatProgressThrowsEndsTheWork() throws {
    struct Cancelled: Error {}
    let network = try NetworkFixture.named("residual")
    let explainer = try Explainer(network.model("dynamo"), inputSize: network.size, threadCount: 2)
    let observation = try explainer.observe(explainer.prepare(try network.contents()[network.input]))
    let target = observation.target(network.class)
    func explain(_ progress: @escaping (Double) throws -> Void) throws -> [Float] {
      let explained = try explainer.explain(target, of: observation, methods: ["scorecam"], progress: progress)
      return explained[0].map.values
    }
    let undisturbed = try explain { _ in }
    var reports = 0
    #expect(throws: Cancelled.self) {
      _ = try explain { _ in
        reports += 1
        throw Cancelled()
      }
    }
    #expect(reports == 1)
    #expect(try explain { _ in } == undisturbed)
  }

  /// Taps that are visited one after another do not last; what is asked of them afterwards is computed again.
  @Test func contentsOfVisitedTapsAreRight() throws {
    let network = try NetworkFixture.named("residual"), planner = try planner(network)
    let image = PreparedImage(try network.contents()[network.input], size: network.size), nodes = ["all"]
    let visiting = try Observation(planner, image, planner.focus(nodes: nodes, visitsTaps: true), isOpen: false)
    let keeping = try Observation(planner, image, planner.focus(nodes: nodes), isOpen: false)
    for tap in visiting.taps {
      let (visited, kept) = (try visiting.tensor(of: tap.value), try keeping.tensor(of: tap.value))
      expectClose(visited.floats, kept.floats, within: 1e-5, isRelative: true, tap.label)
    }
    // An open observation has no run that visits: it keeps everything anyway.
    let open = try Observation(planner, image, visiting.focus, isOpen: true), target = open.target(network.class)
    var gradients: [Int: [Float]] = [:]
    try open.visit(target) { gradients[$0] = $1.gradient }
    for (index, tap) in try keeping.taps(of: target).enumerated() {
      expectClose(try #require(gradients[index]), tap.gradient, within: 1e-5, isRelative: true, "\(index)")
    }
  }

  /// What was expected costs one pass; the first other question one more, the next none.
  @Test func whatWasNotExpectedIsObservedOnceMore() throws {
    let network = try NetworkFixture.named("residual"), planner = try planner(network)
    let image = PreparedImage(try network.contents()[network.input], size: network.size)
    let focus = try planner.focus(nodes: [network.taps[0].query])
    let observation = try Observation(planner, image, focus, isOpen: false)
    let expected = observation.forwardStepCount
    _ = try observation.taps(0)
    _ = try observation.taps(1)
    #expect(observation.forwardStepCount == expected)
    let other = try observation.focused(on: try planner.focus(nodes: [network.taps[1].query]))
    _ = try other.taps(0)
    let opened = observation.forwardStepCount
    #expect(opened > expected)
    _ = try other.taps(1)
    #expect(observation.forwardStepCount - opened <= 3)
  }

  @Test func observationsOfOneModelLiveSideBySide() throws {
    let network = try NetworkFixture.named("residual"), planner = try planner(network)
    let input = try network.contents()[network.input], focus = try planner.focus(nodes: [network.taps[0].query])
    let images = (0..<4).map { number in
      PreparedImage(Tensor(input.floats.map { $0 * Float(number + 1) }, shape: input.shape), size: network.size)
    }
    func gradients(_ image: PreparedImage) throws -> [Float] {
      try Observation(planner, image, focus).taps(network.class)[0].gradient
    }
    let alone = try images.map(gradients)
    let together = try images.map { try Observation(planner, $0, focus) }
    #expect(try together.reversed().map { try $0.taps(network.class)[0].gradient } == alone.reversed())
    let fromThreads = ThreadPool(threadCount: 2).map(images.count) { try? gradients(images[$0]) }
    #expect(fromThreads == alone)
  }

  /// A feature map that nothing reads but the graph inside an If.
  @Test func aMapThatOnlyABodyCapturesIsExplained() throws {
    var body = ComputeGraph(
      values: [Value(name: "map"), Value(name: "means"), Value(name: "scores")],
      nodes: [
        Node(name: "pool", operatorName: OperatorName(type: "GlobalAveragePool"), inputs: [0], outputs: [1]),
        Node(name: "flatten", operatorName: OperatorName(type: "Flatten"), inputs: [1], outputs: [2]),
      ], opsets: ["": 17])
    body.outputs = [2]
    let extents: [DeclaredDimension] = [1, 3, 4, 4].map { .fixed($0) }
    var graph = ComputeGraph(
      values: [
        Value(name: "image", elementType: .float32, dimensions: extents), Value(name: "map"),
        Value(name: "condition", constant: Tensor([true], shape: [])), Value(name: "logits"),
      ],
      nodes: [
        Node(name: "relu", operatorName: OperatorName(type: "Relu"), inputs: [0], outputs: [1]),
        Node(
          name: "if", operatorName: OperatorName(type: "If"), inputs: [2], outputs: [3],
          attributes: ["then_branch": .graph(body), "else_branch": .graph(body)], captures: ["map": 1]),
      ], opsets: ["": 17])
    (graph.inputs, graph.outputs) = ([0], [3])
    let model = try Model(graph, path: "captured.onnx", registry: .standard), size = PixelSize(width: 4, height: 4)
    #expect(try NodeCatalogue(model, size: size).entries.map(\.isAuto) == [true, false])
    let image = Tensor((0..<48).map { Float($0) + 1 }, shape: [1, 3, 4, 4])
    let tap = try Observation.of(image, by: model, nodes: ["map"], size: size).taps(1)[0]
    let expected: [Float] = (0..<48).map { $0 / 16 == 1 ? 1 / 16 : 0 }
    #expect(tap.gradient == expected)
  }
}
