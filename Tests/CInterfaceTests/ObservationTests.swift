import CGradCAM
import Foundation
import GradCAM
import Graph
import Testing

/// One image, and what C gets for any questions about it.
struct ObservationTests {
  private let client: Client
  private let observation: Observed
  private let model: Model
  private let picture: Picture

  init() throws {
    client = try Client()
    observation = try Observed(client, sample)
    model = try Model(contentsOf: shipped("shapes-resnet.onnx"))
    picture = try Picture(contentsOf: sample)
  }

  /// An observation that a program in C holds.
  private final class Observed {
    private(set) var handle: OpaquePointer?

    init(_ client: Client, _ path: String) throws {
      var image = gradcam_image()
      image.size = MemoryLayout<gradcam_image>.size
      try path.withCString { path in
        image.path = path
        try check(gradcam_observe(client.model, &image, &handle))
      }
    }

    deinit { gradcam_close_observation(handle) }

    /// The maps of a request, of which the list is closed before they are used.
    func ask(
      nodes: [String] = [], methods: [String] = [], classes: [String] = [], sweeps: Bool = false,
      _ set: (inout gradcam_request) -> Void = { _ in }
    ) throws -> [Made] {
      try withTexts(nodes) { nodes, nodeCount in
        try withTexts(methods) { methods, methodCount in
          try withTexts(classes) { classes, classCount in
            var request = gradcam_request()
            request.size = MemoryLayout<gradcam_request>.size
            (request.nodes, request.node_count) = (nodes, nodeCount)
            (request.methods, request.method_count) = (methods, methodCount)
            (request.classes, request.class_count) = (classes, classCount)
            set(&request)
            var list: OpaquePointer?, count = 0
            try check(sweeps ? gradcam_sweep(handle, &request, &list) : gradcam_ask(handle, &request, &list))
            defer { gradcam_close_explanations(list) }
            try check(gradcam_count_explanations(list, &count))
            return try (0..<count).map { index in
              var explanation: OpaquePointer?
              try check(gradcam_get_explanation(list, index, &explanation))
              return Made(explanation)
            }
          }
        }
      }
    }
  }

  /// What the library makes of the same questions.
  private func truth(
    nodes: [String] = ["auto"], methods: [String] = ["gradcam"], compatibility: Compatibility = .pytorchGradCAM,
    fusion: Fusion? = nil, _ set: (inout TargetRequest) -> Void = { _ in }
  ) throws -> [Explanation] {
    var request = TargetRequest()
    set(&request)
    let explainer = try Explainer(
      model, explaining: request, nodes: nodes, compatibility: compatibility, reusesWeights: true)
    let observation = try explainer.observe(explainer.prepare(picture))
    return try TargetChoice(of: explainer).targets(explainer, of: observation).flatMap {
      try explainer.explain($0, of: observation, methods: methods, fusion: fusion)
    }
  }

  private func expectEqual(
    _ made: [Made], _ truth: [Explanation], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(made.count == truth.count, sourceLocation: sourceLocation)
    for (made, truth) in zip(made, truth) {
      let info = try made.info
      #expect(string(info.node) == truth.node && string(info.method) == truth.method, sourceLocation: sourceLocation)
      #expect(string(info.target) == truth.target.description, sourceLocation: sourceLocation)
      #expect(string(info.tensor) == truth.tensor, sourceLocation: sourceLocation)
      expectClose(try made.array(GRADCAM_MAP).values, truth.rectifiedMap().values, sourceLocation)
      expectClose(try made.array(GRADCAM_HEAT).values, truth.drawnMap().values, sourceLocation)
    }
  }

  /// Fused and unfused plans round differently.
  private func expectClose(_ values: [Float], _ truth: [Float], _ place: SourceLocation) {
    let largest = truth.map(abs).max() ?? 0
    #expect(values.count == truth.count, sourceLocation: place)
    #expect(zip(values, truth).allSatisfy { abs($0 - $1) <= 1e-4 * max(largest, 1e-6) }, sourceLocation: place)
  }

  @Test func nodesClassesAndMethodsOfOneRun() throws {
    let nodes = ["layer1.0.relu", "layer3", "auto"], methods = ["gradcam", "layercam", "eigencam"]
    let made = try observation.ask(nodes: nodes, methods: methods, classes: ["star", "4"])
    #expect(made.count == 18)
    try expectEqual(made, truth(nodes: nodes, methods: methods) { $0.classes = ["star", "4"] })
    try expectEqual(observation.ask { $0.top = 2 }, truth { $0.top = 2 })
  }

  @Test func targetsOfTheCommandLine() throws {
    try "star,cross".withCString { pair in
      try expectEqual(observation.ask { $0.contrast = pair }, truth { $0.contrast = "star,cross" })
    }
    let output = model.graph.values[model.graph.outputs[0]].name, elements = "\(output)[0,2:5]"
    try elements.withCString { text in
      try expectEqual(observation.ask { $0.target = text }, truth { $0.elements = elements })
    }
    let other = shipped("samples/pair-000-square-star.png")
    try other.withCString { path in
      try expectEqual(observation.ask { $0.embedding = path }, truth { $0.embedding = other })
    }
    try expectEqual(
      observation.ask { ($0.counterfactual, $0.of_probability) = (1, 1) },
      truth { ($0.isCounterfactual, $0.score) = (true, .probability) })
  }

  @Test func partsOfBoxes() throws {
    let path = shipped("../Tests/CommandTests/Fixtures/masks"),
      disc = shipped("../Tests/CommandTests/Fixtures/disc.png")
    let segmenting = try Observed(Client("../Tests/CommandTests/Fixtures/masks"), disc)
    let model = try Model(contentsOf: path + ".onnx"), picture = try Picture(contentsOf: disc)
    var made: [Made] = []
    for part in ["mask:0", "mask:1"] {
      var request = TargetRequest()
      request.elements = part
      let explainer = try Explainer(model, explaining: request, nodes: ["relu2"], reusesWeights: true)
      let seen = try explainer.observe(explainer.prepare(picture))
      let target = try TargetChoice(of: explainer).targets(explainer, of: seen)[0]
      let truth = try explainer.explain(target, of: seen, methods: ["odam"])
      let asked = try part.withCString { text in try segmenting.ask(nodes: ["relu2"]) { $0.target = text } }
      try expectEqual(asked, truth)
      made += asked
      #expect(try part.withCString { text in try segmenting.ask(sweeps: true) { $0.target = text } }.count > 3)
    }
    // Targets of other values than the class scores are measured, too.
    var values = [Double](repeating: .nan, count: 3)
    made += try segmenting.ask(nodes: ["relu2"]) { $0.detection = 1 }
    try withExtendedLifetime(made) {
      try check(gradcam_measure(segmenting.handle, made.map(\.handle), 3, "insertion", nil, 0, &values))
    }
    #expect(values.allSatisfy(\.isFinite) && Set(values).count == 3 && (0...1).contains(values[2]))
  }

  @Test func fusedAndOtherLibrariesMaps() throws {
    try "max".withCString { way in
      try expectEqual(
        observation.ask(nodes: ["layer2", "layer3"]) { $0.fuse = way },
        truth(nodes: ["layer2", "layer3"], fusion: .max))
    }
    try "captum".withCString { name in
      try expectEqual(observation.ask { $0.compat = name }, truth(compatibility: .captum))
    }
  }

  @Test func sweepsGiveAMapAtEveryNode() throws {
    let swept = try observation.ask(sweeps: true)
    var names: [String] = []
    for index in 0..<(try client.info.node_count) {
      var node = gradcam_node()
      node.size = MemoryLayout<gradcam_node>.size
      try check(gradcam_get_node(client.model, index, &node))
      if node.is_mappable != 0 { names.append("#\(index)") }
    }
    #expect(swept.count == names.count && names.count > 10)
    let asked = try observation.ask(nodes: names)
    for (a, b) in zip(swept, asked) { #expect(try a.array(GRADCAM_MAP).values == b.array(GRADCAM_MAP).values) }
    #expect(throws: Failure.self) { try observation.ask(methods: ["gradcam", "layercam"], sweeps: true) }
  }

  @Test func activationAndGradientAreLent() throws {
    let made = try observation.ask(nodes: ["layer2"])[0], tap = try truth(nodes: ["layer2"])[0].tap!
    let (activation, shape) = try made.array(GRADCAM_ACTIVATION), (gradient, _) = try made.array(GRADCAM_GRADIENT)
    #expect(shape == [tap.channels, tap.height, tap.width])
    expectClose(activation, tap.activation, #_sourceLocation)
    expectClose(gradient, tap.gradient, #_sourceLocation)
    var first = gradcam_array(), second = gradcam_array()
    try check(gradcam_get_array(made.handle, Int32(GRADCAM_GRADIENT), &first))
    try check(gradcam_get_array(made.handle, Int32(GRADCAM_GRADIENT), &second))
    #expect(first.values == second.values)
    let fused = try "mean".withCString { way in
      try observation.ask(nodes: ["layer2", "layer3"]) { $0.fuse = way }[0]
    }
    #expect(gradcam_get_array(fused.handle, Int32(GRADCAM_GRADIENT), &first) == Int32(GRADCAM_UNSUPPORTED))
    #expect(first.values == nil && gradcam_get_array(fused.handle, 99, &first) == Int32(GRADCAM_USAGE))
  }

  @Test func progressIsReportedAndMayEndTheWork() throws {
    final class Seen { var fractions: [Double] = [], limit = 2.0 }
    let seen = Seen(), context = Unmanaged.passUnretained(seen).toOpaque()
    func ask() throws -> [Made] {
      try observation.ask(methods: ["scorecam", "ablationcam"]) { request in
        request.context = context
        request.progress = { context, fraction in
          let seen = Unmanaged<Seen>.fromOpaque(context!).takeUnretainedValue()
          seen.fractions.append(fraction)
          return fraction >= seen.limit ? 1 : 0
        }
      }
    }
    #expect(try ask().count == 2)
    let fractions = seen.fractions
    #expect(fractions.count > 3 && fractions == fractions.sorted() && fractions.last! <= 1, "\(fractions)")
    (seen.limit, seen.fractions) = (0.3, [])
    let failure = #expect(throws: Failure.self) { try ask() }
    #expect(failure?.code == gradcam_status(GRADCAM_CANCELLED) && seen.fractions.last! < 1)
    #expect(try observation.ask().count == 1)
  }

  @Test func observationsOutliveTheModelAndEachOther() throws {
    let other = try Observed(client, shipped("samples/pair-000-square-star.png"))
    let before = try observation.ask().map { try $0.array(GRADCAM_MAP).values }
    #expect(try other.ask().map { try $0.array(GRADCAM_MAP).values } != before)
    gradcam_close(client.model)
    let made = try observation.ask()
    #expect(try made.map { try $0.array(GRADCAM_MAP).values } == before)
    var classes = [gradcam_class](repeating: gradcam_class(), count: 3), count = 0
    try check(gradcam_get_classes(observation.handle, &classes, 3, &count))
    let explained = try made[0].info.class_index
    #expect(count == 3 && classes[0].index == explained)
  }

  @Test func mapsAreMeasured() throws {
    let made = try observation.ask(methods: ["gradcam", "eigencam"])
    let explainer = try Explainer(model, nodes: ["auto"], reusesWeights: true)
    let seen = try explainer.observe(explainer.prepare(picture))
    let best = try explainer.classes(of: seen, count: 1)[0].index
    let truth = try explainer.measure(
      explainer.explain(classIndex: best, of: seen, methods: ["gradcam", "eigencam"]), of: seen,
      by: [Metrics.named("average-drop"), Metrics.named("energy-inside")],
      boxes: [PixelRectangle(x: 4, y: 4, width: 40, height: 40)])
    for (column, metric) in ["average-drop", "energy-inside"].enumerated() {
      var values = [0.0, 0.0]
      let box: [Int32] = [4, 4, 40, 40]
      try check(gradcam_measure(observation.handle, made.map(\.handle), 2, metric, box, 1, &values))
      for (value, row) in zip(values, truth) { #expect(abs(value - (row[column] ?? .nan)) < 1e-3) }
    }
    var value = 0.0
    let code = withExtendedLifetime(made) {
      gradcam_measure(observation.handle, made.map(\.handle), 1, "beauty", nil, 0, &value)
    }
    #expect(code == gradcam_status(GRADCAM_USAGE))
    #expect(lastError.contains("beauty"))
  }

  @Test func modelsTellWhatTheyKnow() throws {
    let info = try client.info, graph = model.graph
    #expect(Int(info.metadata_count) == graph.metadata.count)
    for index in 0..<info.metadata_count {
      var key: UnsafePointer<CChar>?, value: UnsafePointer<CChar>?
      try check(gradcam_get_metadata(client.model, index, &key, &value))
      #expect(graph.metadata[string(key) ?? ""] == string(value))
    }
    var preprocessing = gradcam_preprocessing()
    preprocessing.size = MemoryLayout<gradcam_preprocessing>.size
    try check(gradcam_get_preprocessing(client.model, &preprocessing))
    let known = try DecidedPreprocessing(for: model).preprocessing
    #expect(preprocessing.range == known.range && preprocessing.mean.1 == known.mean[1])
    #expect(string(preprocessing.channels) == known.channels.rawValue)
    #expect(string(info.preprocessing)?.isEmpty == false)
  }

  @Test func preprocessingIsAsGiven() throws {
    var options = gradcam_options(), opened: OpaquePointer?
    options.size = MemoryLayout<gradcam_options>.size
    let mean: [Float] = [1, 2, 3]
    try mean.withUnsafeBufferPointer { mean in
      try "bgr".withCString { order in
        (options.mean, options.range, options.channels) = (mean.baseAddress, 255, order)
        try check(gradcam_open(shipped("shapes-resnet.onnx"), &options, &opened))
      }
    }
    defer { gradcam_close(opened) }
    var preprocessing = gradcam_preprocessing()
    preprocessing.size = MemoryLayout<gradcam_preprocessing>.size
    try check(gradcam_get_preprocessing(opened, &preprocessing))
    #expect(preprocessing.mean == (1, 2, 3) && preprocessing.range == 255 && string(preprocessing.channels) == "bgr")
    options.range = -1
    #expect(gradcam_open(shipped("shapes-resnet.onnx"), &options, &opened) == gradcam_status(GRADCAM_USAGE))
  }

  @Test func wrongRequestsAreErrors() throws {
    for (set, part) in [
      ({ $0.concept_count = 65 }, "concept_count: is 65"), ({ $0.detection = -1 }, "detection"),
      ({ ($0.nodes, $0.node_count) = (nil, 1) }, "argument 'nodes': is NULL"), ({ $0.top = -1 }, "top"),
    ] as [((inout gradcam_request) -> Void, String)] {
      let failure = #expect(throws: Failure.self) { try observation.ask(set) }
      #expect(failure?.description.contains(part) ?? false, "\(failure?.description ?? "")")
    }
    let unknown = #expect(throws: Failure.self) { try observation.ask(nodes: ["layer9"]) }
    #expect(unknown?.description.contains("node 'layer9'") ?? false)
    var list: OpaquePointer?
    #expect(gradcam_ask(nil, nil, &list) == gradcam_status(GRADCAM_USAGE))
    #expect(gradcam_ask(client.model, nil, &list) == gradcam_status(GRADCAM_USAGE) && list == nil)
    #expect(gradcam_get_explanation(nil, 0, &list) == gradcam_status(GRADCAM_USAGE))
  }
}

extension Made {
  /// An array that the explanation lends.
  fileprivate func array(_ kind: Int) throws -> (values: [Float], shape: [Int]) {
    var array = gradcam_array()
    try check(gradcam_get_array(handle, Int32(kind), &array))
    let shape = withUnsafeBytes(of: array.shape) { $0.bindMemory(to: Int64.self).prefix(Int(array.rank)).map(Int.init) }
    return (Array(UnsafeBufferPointer(start: array.values, count: shape.reduce(1, *))), shape)
  }
}

/// Lends texts as an array of C strings.
private func withTexts<Result>(
  _ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?, Int) throws -> Result
) rethrows -> Result {
  let copies = texts.map { UnsafePointer(strdup($0)!) as UnsafePointer<CChar>? }
  defer { for copy in copies { free(UnsafeMutablePointer(mutating: copy)) } }
  return try copies.withUnsafeBufferPointer { try body($0.baseAddress, texts.count) }
}
