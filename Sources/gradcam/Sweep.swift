import ArgumentParser
import GradCAM
import Graph

struct Sweep: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Draws a map at every node with a feature map, from one forward and one backward pass, and ranks them.",
    discussion: """
      Nodes are ranked by a metric of their maps, which takes passes of its own; docs/measuring.md says how well it tells \
      good maps from bad ones. Equal nodes share a rank. The contact sheet shows the maps from the first node to the \
      last. --best prints only the name of the best node, for use with --node; of equal ones, the last.
      """)

  @Argument(help: "The exported network: a file, or a name in the models folder.", completion: .model)
  var model: String
  @Argument(help: "A picture, a file of numbers, or a folder of frames.", completion: .image)
  var images: [String] = []
  @Option(
    help: ArgumentHelp("CAM method; gradcam by default, odam for the boxes of detectors.", valueName: "NAME"),
    completion: .method)
  var method: String?
  @Option(
    help: ArgumentHelp(
      "What nodes are ranked by: \(Metrics.names); or none, to keep their order. Default: insertion-deletion, none for "
        + "boxes that the network ranks itself.", valueName: "NAME"),
    completion: .metric)
  var metric: String?
  @Flag(help: "List all nodes, not only the first ten.") var all = false
  @OptionGroup var boxes: BoxOptions
  @Flag(help: "Print the name of the best node and draw nothing.") var best = false
  @Option(
    help: ArgumentHelp("The contact sheet; NAME.sweep.png in the working directory by default.", valueName: "FILE"),
    completion: .file())
  var output: String?
  @Option(
    help: ArgumentHelp(
      "The page of 'gradcam serve' as one file, with the map of every node in it.", valueName: "HTML"),
    completion: .file(extensions: ["html"]))
  var report: String?
  @OptionGroup(title: "Drawing") var drawing: DrawingOptions
  @OptionGroup(title: "Drawing of signals and volumes") var view: ViewOptions
  @OptionGroup var provenance: ProvenanceOptions
  @OptionGroup var threads: ThreadOptions
  @Flag(help: "Print one JSON document.") var json = false
  @OptionGroup var console: ConsoleOptions
  @OptionGroup(title: "Target") var target: TargetOptions
  @OptionGroup(title: "Feature map") var item: ItemOptions
  @OptionGroup(title: "Input and labels") var image: ImageOptions
  @OptionGroup(title: "Models and plugins") var host: HostOptions

  mutating func validate() throws {
    if target.classes.count > 1 { throw ValidationError("Give one --class.") }
    if best, json { throw ValidationError("Give --best or --json, not both.") }
    if best, metric == "none" { throw ValidationError("--best needs a --metric.") }
    if best, output != nil { throw ValidationError("Give --best or --output, not both.") }
    if best, report != nil { throw ValidationError("Give --best or --report, not both.") }
    if let report, !report.lowercased().hasSuffix(".html") { throw ValidationError("--report must end in .html.") }
    if report != nil, target.mask ?? target.embedding != nil {
      throw ValidationError("--report cannot hold the pictures of --mask and --embedding.")
    }
    if best, provenance.path != nil { throw ValidationError("Give --best or --provenance, not both.") }
  }

  private var methodName: String { method ?? target.request.usualMethod }

  func run() throws {
    let metric = try boxes.metric(named: self.metric ?? "insertion-deletion")
    let clock = ContinuousClock()
    let named = try NamedImages(self.images), images = try named.files()
    try host.enterSandbox(
      models: [self.model], read: images, image.paths, self.target.request.paths, boxes.paths,
      written: best ? [] : [output ?? ".", report, provenance.path])
    let opened = try OpenedModel(model, host, image, target.request, images: images)
    let model = opened.model
    let sources = try opened.sources(named, item: item.item)
    try view.view.check(model.imageShape)
    if let metric { try Metrics.check([metric], rank: model.imageShape.rank) }
    guard sources.count == 1 else {
      throw GradCAMError(
        .usage, problem: "several images were given",
        advice: "sweep one image at a time, one of a batch with --item")
    }
    let methodName = self.methodName, method = try model.registry.method(named: methodName)
    guard report == nil || sources.usesPictures && model.imageShape.takesPictures else {
      throw GradCAMError(
        .usage, at: "--report", problem: "needs a picture, but a \(sources.usesPictures ? "film" : "tensor") was given",
        advice: "leave it out, or give a picture to a network that takes some")
    }
    guard method.scope == .node, !(method is any ConceptMethod) else {
      throw GradCAMError(
        .usage, at: "--method \(methodName)", problem: "does not make a map per node", advice: "choose gradcam, say")
    }
    let (explainer, choice) = try opened.explainer(
      nodes: ["all"], hint: FeatureMapHint(item: item.item), of: sources, threadCount: threads.count,
      reusesWeights: metric != nil || !(method is any TapMethod), visitsNodes: method is any TapMethod)
    let objects = try boxes(of: sources, explainer)
    for warning in explainer.warnings(about: sources) { Console.tell(warning) }
    let source = try sources.peek(1)[0], path = source.path
    let sheet = best ? nil : try sheetPath(of: path, opened)
    let recorder =
      try provenance.isAsked || json
      ? ProvenanceRecorder(
        host, models: model.graph.files, images: images, others: opened.otherPaths + boxes.files,
        threads: threads.used) : nil

    let prepared = try sources.prepare(source, explainer)
    // First-touch page faults must not count towards the passes' time, as they do not in bench.
    try explainer.planner.touchMemory(explainer.focus)
    let start = clock.now
    let observation = try explainer.observe(prepared)
    let target = try choice.targets(explainer, of: observation)[0]
    let explanations = try explainer.sweep(target, of: observation, method: methodName)
    let mapped = clock.now
    let general = explanations[0].warnings.filter { !$0.code.isAboutMap && !$0.code.isNote }
    for warning in general { Console.tell(warning, about: path) }
    let values = try metric.map { metric in
      let found = try rank(explanations, of: observation, by: metric, objects, explainer, path)
      Console.clearProgress()
      return found
    }
    let ranked = clock.now

    if let report {
      let file = try page(explanations, of: observation, explainer, path)
      try writeAtomically(Array(file.text.utf8), to: report)
    }
    var result = SweepReport(
      image: path, model: model.path, explanations, values: values, metric: metric,
      maps: mapped - start, ranking: ranked - mapped, preprocessing: explainer.preprocessingText(of: prepared),
      output: sheet)
    if best { return try Console.output(result.best!) }
    if let sheet {
      try contactSheet(explanations, values: values, explainer.planner, metric).write(
        to: sheet, texts: MapSubjects(explanations, model: model).texts)
    }
    if let recorder {
      result.provenance = recorder.part(images: images, outputs: [sheet, report].compactMap { $0 })
      if provenance.isAsked {
        recorder.add(explanations.map { result.result(of: $0) })
        try provenance.write(recorder.whole())
      }
    }
    if json { return try printJSON(result) }
    try result.describe(all: all)
  }

  private func sheetPath(of image: String, _ opened: OpenedModel) throws -> String {
    var paths = ClaimedPaths(inputs: opened.paths + images + [boxes.path].compactMap { $0 })
    for path in [report, provenance.path] { if let path { try paths.claim(path) } }
    guard let output else { return paths.claimFree(stem(image).withoutControls + ".sweep", "png") }
    try Picture.checkFormat(ofOutput: output)
    try paths.claim(output)
    return output
  }

  /// The boxes in the image; a tensor is as large as the network's input.
  private func boxes(of sources: ImageSources, _ explainer: Explainer) throws -> ObjectBoxes? {
    let image = try sources.peek(1)[0].path, catalogue = explainer.focus.catalogue
    let objects =
      try sources.usesPictures
      ? boxes.read(of: [image]) : boxes.read(of: image, size: explainer.planner.inputSize)
    if catalogue.hasClassScores {
      try objects?.check(explainer.labels, classCount: catalogue.classCount, of: explainer.model.path)
    }
    return objects
  }

  private func page(
    _ explanations: [Explanation], of observation: Observation, _ explainer: Explainer, _ name: String
  ) throws -> PageFile {
    let model = explainer.model, picture = explanations[0].shown[0].picture!
    let document = ModelDocument(
      explainer, name: model.name, argument: self.model, options: ModelOptions.given,
      columns: target.columns)
    let image = ImageDocument(
      id: "image", name: fileName(name), path: name, width: picture.width, height: picture.height,
      png: try picture.encoded(for: "image.png").base64)
    let explanation = try ExplanationDocument(
      explanations, of: model, classes: explainer.classes(of: observation, count: 10),
      assumed: explainer.warnings + observation.image.warnings,
      auto: explainer.source(of: explanations[0].target, self.target.request, in: observation))
    return PageFile(
      about: AboutDocument(models: [model.name], images: [image], registry: model.registry),
      models: [model.name: document], images: [image.id: image],
      explanations: [
        .init(
          model: model.name, image: image.id, method: methodName, target: .init(target.request),
          explanation: explanation)
      ])
  }

  private func rank(
    _ explanations: [Explanation], of observation: Observation, by metric: any Metric, _ objects: ObjectBoxes?,
    _ explainer: Explainer, _ name: String
  ) throws -> [Double?] {
    let found = try (explanations[0].scored?.index).flatMap { index in
      try objects?.boxes(in: name, of: index, explainer.labels, classCount: observation.classCount)
    }
    if metric.needsBoxes, found?.isEmpty ?? true {
      throw GradCAMError(
        .badData, at: boxes.path ?? "", problem: "has no box of '\(explanations[0].target.name)' in \(name)",
        advice: "add it, or choose another --class or --metric")
    }
    let bar = ProgressBar(count: 1)
    return try explainer.measure(explanations, of: observation, by: [metric], boxes: found ?? []) { part in
      bar.report(0, min(part, 0.999), "ranking")
    }.map { $0[0] }
  }

  /// The maps in the order of nodes, each with its node and value, over the picture that the node sees.
  private func contactSheet(
    _ explanations: [Explanation], values: [Double?]?, _ planner: ModelPlanner,
    _ metric: (any Metric)?
  ) throws -> Picture {
    let first = explanations[0]
    var seen: [ValueID: (size: PixelSize, small: Picture?)] = [:]
    var cells: [PictureGrid.Cell] = []
    for image in explanations.map({ $0.shown[0] }) where seen[image.input.value] == nil {
      let size = PictureGrid.cellSize(for: image.picture?.size ?? image.size.plane)
      let small = try image.picture?.resized(width: size.width, height: size.height)
      seen[image.input.value] = (size, small)
      if let small {
        cells.append(
          try PictureGrid.Cell(small, label: seen.count > 1 ? image.input.name : "image"))
      }
    }
    let (colormap, blend, view) = (drawing.colormap, drawing.blend, view.view)
    let drawn = try planner.pool.map(explanations.count) { [seen] index in
      Result {
        let image = explanations[index].shown[0], (size, small) = seen[image.input.value]!
        guard image.input.shape.takesPictures, small != nil || view.channels.isEmpty else {
          return try explanations[index].drawn(colormap: colormap, blend: blend, view: view)
        }
        let map = explanations[index].drawnMap(size: size)
        return small.map { DrawingStyle.overlay.draw(map, on: $0, colormap: colormap, blend: blend) }
          ?? map.colored(with: colormap)
      }
    }.map { try $0.get() }
    for (index, explanation) in explanations.enumerated() {
      let value = values.map { $0[index].map { decimal($0, 3) } ?? "–" }
      let line = [value, explanation.isEmpty ? "empty map" : nil].compactMap { $0 }.joined(separator: ", ")
      cells.append(
        try PictureGrid.Cell(drawn[index], lines: [.name(explanation.node)] + (line.isEmpty ? [] : [.text(line)])))
    }
    let probability = (first.scored?.shownProbability).map { " " + percent($0) } ?? ""
    let measured = metric.map { ", \($0.name) (\(directionText(higherIsBetter: $0.isBetterHigher)))" } ?? ""
    return try PictureGrid(title: "\(first.target.name)\(probability), \(first.method)\(measured)", cells: cells)
      .picture()
  }
}

/// What `sweep` found.
struct SweepReport: Encodable {
  struct Node: Encodable {
    /// From 1, the best; equal nodes have the same; nil if the value is not defined.
    @Nullable var rank: Int?
    /// How many nodes have this rank.
    let tied: Int
    let node, tensor: String
    let shape: [Int]
    @Nullable var value: Double?
    /// Whether the map shows nothing.
    let empty: Bool
    let warnings: [WarningReport]
  }

  let image, model, target: String
  @Nullable var probability: Float?
  let method: String
  /// The metric that nodes are ranked by; nil if they are not ranked.
  @Nullable var metric: String?
  @Nullable var higher_is_better: Bool?
  /// The time of the forward pass, the backward pass and all maps together, and that of the metric.
  let maps_ms, ranking_ms: Double
  /// What was done to the picture; nil for a tensor.
  @Nullable var preprocessing: String?
  /// The name of the best node; of equal ones, the last.
  @Nullable var best: String?
  @Nullable var output: String?
  /// From the best to the worst; in the file's order if they are not ranked.
  let nodes: [Node]
  /// How it came about; nil if nobody asks.
  @Nullable var provenance: Provenance? = nil

  /// What a map is of.
  func result(of explanation: Explanation) -> Provenance.Result {
    Provenance.Result(
      image: image, model: model, node: explanation.node, tensor: explanation.tensor,
      target: explanation.target.description, class: explanation.scored?.index, label: explanation.scored?.label,
      method: method, preprocessing: preprocessing, output: output)
  }

  init(
    image: String, model: String, _ explanations: [Explanation], values: [Double?]?, metric: (any Metric)?,
    maps: Duration, ranking: Duration, preprocessing: String?, output: String?
  ) {
    self.preprocessing = preprocessing
    self.image = image
    self.model = model
    target = explanations[0].target.name
    probability = explanations[0].scored?.shownProbability
    method = explanations[0].method
    self.metric = metric?.name
    higher_is_better = metric?.isBetterHigher
    maps_ms = maps.milliseconds
    ranking_ms = ranking.milliseconds
    self.output = output
    let order = explanations.indices.sorted { first, second in
      guard let values, let metric else { return first < second }
      guard let one = values[first], let other = values[second], one != other else {
        // Of equal nodes, the later one is more telling; nodes without a value come last.
        return (values[first] == nil) == (values[second] == nil) ? first > second : values[first] != nil
      }
      return metric.isBetterHigher ? one > other : one < other
    }
    nodes = order.map { index in
      let explanation = explanations[index], value = values?[index]
      let first = value.map { value in order.firstIndex { values?[$0] == value }! + 1 }
      return Node(
        rank: first, tied: value.map { value in order.count { values?[$0] == value } } ?? 1, node: explanation.node,
        tensor: explanation.tensor,
        shape: explanation.map.size.extents, value: value,
        empty: explanation.isEmpty, warnings: explanation.warnings.map(WarningReport.init))
    }
    best = metric == nil ? nil : nodes.first?.node
  }

  /// - Parameter all: whether all nodes are listed, not only the first.
  func describe(all: Bool) throws {
    if let preprocessing { try Console.print("input: \(preprocessing)") }
    let chance = probability.map { " " + percent($0) } ?? ""
    try Console.print("\(image), \(target)\(chance), \(model)")
    var table = Table(metric == nil ? ["node", "map", "tensor"] : [" rank", " " + metric!, "node", "map", "tensor"])
    let listed = metric == nil || all ? nodes[...] : nodes.prefix(10)
    for node in listed {
      let map = "\(Shape(node.shape))\(node.empty ? ", empty" : "")"
      let names = [node.node, map, node.tensor].map { $0.count > 48 ? "…" + $0.suffix(47) : $0 }
      let rank = node.rank.map { node.tied > 1 ? "\($0)=" : "\($0)" } ?? "–"
      table.add(metric == nil ? names : [rank, node.value.map { decimal($0, 4) } ?? "–"] + names)
    }
    try Console.print(table)
    if listed.count < nodes.count { try Console.print("… \(nodes.count - listed.count) more with --all") }
    let measured =
      metric.map {
        "; \($0) of them (\(directionText(higherIsBetter: higher_is_better!))) in \(decimal(ranking_ms, 0)) ms"
      } ?? ""
    try Console.print("\(nodes.count) maps in \(decimal(maps_ms, 0)) ms\(measured); \(output ?? "")")
    if let first = nodes.first, first.rank == 1, first.tied > 1 {
      try Console.print(
        "\(first.tied) nodes are equally good by \(metric!); --metric road or several pictures may tell them apart")
    }
  }
}
