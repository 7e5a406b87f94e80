import CGradCAM
import GradCAM
import Graph
import Testing

/// What C gets is what the library gives.
struct ResultTests {
  private let explainer: Explainer
  private let picture: Picture

  init() throws {
    explainer = try Explainer(Model(contentsOf: shipped("shapes-resnet.onnx")), nodes: ["auto"], reusesWeights: true)
    picture = try Picture(contentsOf: sample)
  }

  /// What the library makes of a class, the top one where none is given, or of a target made of it.
  private func explanations(
    _ classIndex: Int? = nil, _ method: String = "gradcam", score: ScoreKind = .logit,
    target: (ClassTarget) -> any Target = { $0 }
  ) throws -> [Explanation] {
    let observation = try explainer.observe(explainer.prepare(picture))
    let best = try explainer.classes(of: observation, count: 1)[0]
    let asked = try explainer.target(classIndex: classIndex ?? best.index, score: score)
    return try explainer.explain(target(asked), of: observation, methods: [method])
  }

  private func explanation(_ classIndex: Int? = nil, _ method: String = "gradcam") throws -> Explanation {
    try explanations(classIndex, method)[0]
  }

  @Test func versionIsTheProgramsOwn() { #expect(string(gradcam_version()) == programVersion) }

  @Test func modelsAreDescribed() throws {
    let client = try Client(), info = try client.info
    #expect(string(info.node) == explainer.focus.taps[0].label)
    #expect((info.batch, info.channels, info.height, info.width) == (1, 3, 96, 96))
    #expect(info.channels_last == 0 && info.class_count == 8)
    #expect(Int(info.node_count) == explainer.focus.catalogue.entries.count)
    var label: UnsafePointer<CChar>?
    try check(gradcam_get_label(client.model, 3, &label))
    #expect(string(label) == "star")
  }

  @Test func nodesAreThoseOfTheCatalogue() throws {
    let client = try Client()
    for (index, entry) in explainer.focus.catalogue.entries.enumerated() {
      var node = gradcam_node()
      node.size = MemoryLayout<gradcam_node>.size
      try check(gradcam_get_node(client.model, Int32(index), &node))
      #expect(string(node.name) == entry.name && string(node.tensor) == entry.tensor)
      #expect(string(node.module) == entry.module && string(node.operator_name) == "\(entry.operatorName)")
      let shape = node.shape.map { shape in (0..<Int(node.rank)).map { Int(shape[$0]) } }
      #expect(shape == entry.shape?.dimensions)
      #expect((node.is_mappable != 0, node.is_auto != 0) == (entry.isMappable, entry.isAuto))
    }
  }

  @Test func topClassIsExplained() throws {
    let truth = try explanation(), client = try Client()
    try client.run(sample)
    let made = try client.explain(), info = try made.info
    #expect(Int(info.class_index) == truth.scored?.index && string(info.label) == truth.scored?.label)
    #expect(info.logit == truth.scored?.logit && info.probability == truth.scored?.probability)
    #expect(string(info.node) == truth.node && string(info.method) == "gradcam" && info.score == truth.score)
    #expect((Int(info.width), Int(info.height)) == (picture.width, picture.height))
    #expect((Int(info.map_width), Int(info.map_height)) == (truth.map.width, truth.map.height))
    #expect(try made.map() == truth.rectifiedMap().values)
    #expect(try made.heat() == truth.drawnMap().values)
    #expect(try made.drawn() == DrawingStyle.overlay.draw(truth.drawnMap(), on: picture).pixels)
  }

  @Test func requestsAreHonoured() throws {
    let client = try Client()
    try client.run(sample)
    let layercam = try explanation(4, "layercam")
    for name in ["4", "cross"] {
      let made = try "layercam".withCString { method in
        try name.withCString { name in try client.explain { ($0.method, $0.class_name) = (method, name) } }
      }
      #expect(try made.map() == layercam.rectifiedMap().values)
      #expect(try string(made.info.method) == "layercam")
    }
    let against = try client.explain { $0.counterfactual = 1 }
    let negated = try explanations(target: { $0.negated })[0]
    #expect(try against.map() == negated.rectifiedMap().values && against.info.score == negated.score)
    let probability = try client.explain { $0.of_probability = 1 }, derived = try explanations(score: .probability)[0]
    #expect(try probability.info.score == probability.info.probability)
    #expect(try probability.map() == derived.rectifiedMap().values)
    let concepts = try (1...2).map { number in
      try "dff".withCString { method in try client.explain { ($0.method, $0.concept_number) = (method, number) }.map() }
    }
    let truth = try explanations(nil, "dff").prefix(2).map { $0.rectifiedMap().values }
    #expect(concepts == truth && truth[0] != truth[1])
  }

  @Test func drawingsAreHonoured() throws {
    let client = try Client(), map = try explanation().drawnMap()
    try client.run(sample)
    let made = try client.explain()
    for style in DrawingStyle.allCases {
      let pixels = try style.rawValue.withCString { style in
        try "viridis".withCString { colormap in
          try made.drawn(widths: style[0] == 0x73 ? 2 : 1) {
            ($0.style, $0.colormap, $0.blend) = (style, colormap, 0.25)
          }
        }
      }
      #expect(pixels == style.draw(map, on: picture, colormap: .viridis, blend: 0.25).pixels)
    }
  }

  @Test func pixelsAndTensorsGiveTheSameAsTheFile() throws {
    let client = try Client(), truth = try explanation()
    let stride = 3 * picture.width + 5
    var rows = [UInt8](repeating: 77, count: stride * picture.height)
    for y in 0..<picture.height {
      rows.replaceSubrange(
        y * stride..<y * stride + 3 * picture.width,
        with: picture.pixels[3 * picture.width * y..<3 * picture.width * (y + 1)])
    }
    func size(_ image: inout gradcam_image) {
      (image.width, image.height) = (Int32(picture.width), Int32(picture.height))
    }
    try rows.withUnsafeBufferPointer { rows in
      try client.run { image in
        size(&image)
        (image.pixels, image.stride) = (rows.baseAddress, stride)
      }
    }
    #expect(try client.explain().heat() == truth.drawnMap().values)
    try picture.pixels.withUnsafeBufferPointer { pixels in
      try client.run { image in
        size(&image)
        image.pixels = pixels.baseAddress
      }
    }
    #expect(try client.explain().heat() == truth.drawnMap().values)
    let tensor = try explainer.prepare(picture).tensor.floats
    try tensor.withUnsafeBufferPointer { tensor in
      try client.run { ($0.tensor, $0.tensor_count) = (tensor.baseAddress, tensor.count) }
    }
    let made = try client.explain(), info = try made.info
    #expect(try made.map() == truth.rectifiedMap().values)
    #expect((info.width, info.height) == (96, 96))
    #expect(try made.drawn().count == 3 * 96 * 96)
  }

  @Test func classesFallInProbability() throws {
    let client = try Client()
    try client.run(sample)
    let truth = try explainer.classes(of: explainer.observe(explainer.prepare(picture)), count: 8)
    for capacity in [3, 8, 20] {
      var classes = [gradcam_class](repeating: gradcam_class(), count: capacity), count = 0
      try check(gradcam_classify(client.model, &classes, capacity, &count))
      #expect(count == min(capacity, 8))
      for (found, known) in zip(classes.prefix(count), truth) {
        #expect(Int(found.index) == known.index && found.logit == known.logit && found.probability == known.probability)
        #expect(string(found.label) == known.label)
      }
    }
  }

  @Test func warningsAreGiven() throws {
    let client = try Client(node: "avgpool")
    try client.run(sample)
    let made = try client.explain(), count = try made.info.warning_count
    var found: [[String]] = []
    for index in 0..<count {
      var code: UnsafePointer<CChar>?, text: UnsafePointer<CChar>?
      try check(gradcam_get_warning(made.handle, index, &code, &text))
      found.append([string(code) ?? "", string(text) ?? ""])
    }
    let explainer = try Explainer(Model(contentsOf: shipped("shapes-resnet.onnx")), nodes: ["avgpool"])
    let observation = try explainer.observe(explainer.prepare(picture))
    let best = try explainer.classes(of: observation, count: 1)[0]
    let explanation = try explainer.explain(classIndex: best.index, of: observation)[0]
    let truth = explainer.warnings + explanation.warnings
    #expect(found == truth.map { [$0.code.rawValue, $0.text.description] })
    #expect(truth.contains { $0.code == .noSpatialExtent })
  }
}
