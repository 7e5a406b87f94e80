import ArgumentParser
import GradCAM
import Graph

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measures how good the maps of one or more methods are, over a folder of images.",
    discussion: """
      The class explained is --class, else each class that has a box in the picture, else the top class; or, with \
      --detection, a box of a detector. A row for \
      each map is appended to the output as soon as an image is done; a picture that fails has a row with its error. \
      With --resume, maps in the output are not computed again. Intervals are from a bootstrap over images.

      Metrics:
      \(Metrics.all.map { "  \($0.name): \($0.summary) (\(directionText(higherIsBetter: $0.isBetterHigher)))" }
        .joined(separator: "\n"))
      """)

  @Argument(help: "The exported network: a file, or a name in the models folder.", completion: .model)
  var model: String
  @Argument(
    help: """
      A folder of pictures, at any depth, or a tar archive of them: \(Picture.formats); or of files of numbers. With \
      --images-from, the folder that its names are relative to.
      """, completion: .directory)
  var folder: String?

  @Option(
    name: .customLong("method"), help: ArgumentHelp("CAM method, as explain takes it. Repeatable.", valueName: "NAME"),
    completion: .methods)
  var methods: [String] = []
  @Option(help: ArgumentHelp("Target layer, as explain takes it.", valueName: "NAME"), completion: .node) var node =
    "auto"
  @OptionGroup(title: "Methods") var attributions: AttributionOptions
  @OptionGroup(title: "Classes and metrics") var measured: MeasuringOptions
  @OptionGroup(title: "Detectors") var box: EvaluatedBoxOptions
  @OptionGroup(title: "Groups of maps") var grouping: ClusterOptions
  @Option(help: ArgumentHelp("Stop after the first N images by name.", valueName: "N")) var limit: Int?
  @OptionGroup(title: "Many images") var many: ManyImagesOptions
  @Option(
    help: ArgumentHelp(
      "JSON lines (.jsonl) or .csv; MODEL.evaluation.jsonl in the working directory by default. Until all is done, it "
        + "has .part after its name.", valueName: "FILE"),
    completion: .file())
  var output: String?
  @OptionGroup var provenance: ProvenanceOptions
  @OptionGroup var threads: ThreadOptions
  @Flag(help: "Print the means as one JSON document.") var json = false
  @OptionGroup var console: ConsoleOptions
  @OptionGroup(title: "Feature map") var featureMap: FeatureMapOptions
  @OptionGroup(title: "Input and labels") var image: ImageOptions
  @OptionGroup(title: "Models and plugins") var host: HostOptions

  mutating func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit must be at least 1.") }
    if !image.tensor.isEmpty || !image.pictures.isEmpty {
      throw ValidationError("evaluate takes the pictures of a folder alone.")
    }
    if folder == nil, many.list == nil { throw ValidationError("Give a folder of pictures, or --images-from.") }
    try many.validate(provenance)
    try grouping.validate(many)
    try request?.validate()
    if request != nil, measured.boxes.path != nil {
      throw ValidationError("Give --boxes or --detection: a detector's box is measured by its own place.")
    }
  }

  /// What is explained of a picture, and what by.
  private typealias Asked = (Explainer, Observation, [any Target])

  /// The boxes that are explained; nil for classes.
  private var request: TargetRequest? { box.request(measured.classes) }

  /// The pictures that are measured.
  private func images() throws -> NamedImages {
    if let folder, many.list != nil || !ImageArchive.isOne(folder), !isFolder(folder) {
      throw GradCAMError(
        .unreadable, at: folder, problem: "is not a folder that can be read", advice: "name a folder of pictures")
    }
    return try many.images(many.list == nil ? [folder].compactMap { $0 } : [], relativeTo: folder, limit: limit)
  }

  func run() throws {
    let request = request
    var metrics = try measured.chosenMetrics(hasBoxes: request != nil)
    let gates = try measured.gates(), gated = Set(gates.map(\.figure))
    let named = try images()
    try host.enterSandbox(
      models: [self.model], read: named.readPaths(), image.paths, attributions.paths(),
      measured.boxes.paths, written: [output ?? ".", grouping.report, provenance.path])
    let model = try host.open(model, image), stream = named.stream()
    let registry = model.registry, shape = model.imageShape, rank = shape.rank
    if measured.metrics.isEmpty, rank != 2 { metrics.removeAll { $0.isOfPictures && !gated.contains($0.name) } }
    try Metrics.check(metrics, rank: rank, explainsClasses: request == nil)
    var chosen = try MethodChoice(
      self.methods.isEmpty ? [(request ?? TargetRequest()).usualMethod] : self.methods, registry)
    let all = chosen.isGroup
    for method in chosen.names where try registry.method(named: method) is any ConceptMethod && !all {
      throw GradCAMError(
        .usage, at: "--method \(method)", problem: "makes several maps, which have no common metrics",
        advice: "leave it out")
    }
    let boxes = try measured.boxes.read(of: named)
    // Where boxes are read from, each picture says.
    let explainer = try attributions.applied(
      to: Explainer(
        model, nodes: request == nil ? [node] : [], hint: featureMap.hint,
        preprocessing: InputTensors(tensors: [], pictures: [], axes: image.axes, model: model).preprocessing(
          image.choice, for: model, images: stream.peek(1).flatMap(\.files), axes: image.axes),
        labels: try image.labels.map { try Labels(contentsOf: $0) }, threadCount: threads.count,
        reusesWeights: true))
    let classCount = explainer.focus.catalogue.classCount
    var classes: [Int] = []
    if request == nil {
      try explainer.checkClasses(else: "give \(.detection, as: "K") to measure maps of a detector's boxes")
      try boxes?.check(explainer.labels, classCount: classCount, of: model.path)
      classes = try measured.classes.map { try explainer.labels.index(of: $0, classCount: classCount) }.withoutRepeats
    }
    let node = request == nil ? explainer.focus.taps[0].label : node
    var warnings = explainer.warnings
    // A request that fits no picture is refused before the first one.
    if let request, try !explainer.dependsOnData {
      warnings = try explainer.asking(request, nodes: [node], hint: featureMap.hint).0.warnings
    }
    func asked(_ path: String, _ prepared: PreparedImage) throws -> Asked {
      if let request {
        let (asking, choice) = try explainer.deciding { prepared }.asking(
          request, nodes: [node], hint: featureMap.hint)
        let observation = try asking.observe(prepared)
        return (asking, observation, try choice.targets(asking, of: observation))
      }
      let observation = try explainer.observe(prepared)
      let top = try explainer.classes(of: observation, count: 1)
      let boxed = try boxes?.classes(in: path, explainer.labels, classCount: classCount) ?? []
      let explained = classes.isEmpty ? boxed.isEmpty ? top.map(\.index) : boxed : classes
      return (explainer, observation, try explained.map { try explainer.target(classIndex: $0) })
    }
    func prepare(_ image: ImageFile) throws -> PreparedImage {
      let contents = try image.imageContents(for: shape, axes: self.image.axes)
      return try located(image.path) { try explainer.prepare([model.imageInputs[0].name: contents]) }
    }

    let leftOut = try chosen.leaveOutSlow(explainer) {
      for image in try stream.peek(16) {
        guard let prepared = try? prepare(image), let (_, observation, targets) = try? asked(image.path, prepared),
          let target = targets.first
        else { continue }
        return (observation, target)
      }
      return nil
    }
    let methods = measured.leavesOutRandom ? chosen.names : (chosen.names + [EvaluationReport.random]).withoutRepeats
    let path = output ?? model.name.withoutControls + ".evaluation.jsonl"
    let files = model.graph.files,
      others = try [image.labels].compactMap { $0 } + measured.boxes.files + attributions.paths()
    var paths = try ClaimedPaths(inputs: files + others, images: named)
    for path in [path, grouping.report, provenance.path] { if let path { try paths.claim(path) } }
    let recorder =
      try provenance.isAsked || json || grouping.report != nil
      ? ProvenanceRecorder(host, models: files, images: named.containers, others: others, threads: threads.used) : nil
    let configuration = Configuration(
      of: explainer, asking: request, classes: classes.map(String.init),
      files: ["boxes": measured.boxes.files, "plugins": try host.plugins.paths()], others: measured.boxes.labelMap)
    let gathered = try grouping.gathering(chosen.names, metrics, for: model)
    var summary = EvaluationSummary(metrics)
    let log = try RowLog(
      path, metrics: metrics.map(\.name), resumes: many.resume, configuration, model: model.path, node: node
    ) { summary.add($0) }
    if log.doubledCount > 0 {
      Console.warn("\(path): \(counted(log.doubledCount, "line")) of maps that have one already; they do not count")
    }
    for warning in warnings + leftOut { Console.tell(warning) }

    // Methods that the node does not support have no rows.
    var admitted = all ? log.methodsOfOne.map { methods.filter($0.contains) } : methods
    let bar = try ProgressBar(count: Console.showsProgress ? named.total() : nil)
    var index = 0
    while var image = try stream.next() {
      defer { index += 1 }
      let wanted = admitted ?? methods.filter { !((try? registry.method(named: $0)) is any ConceptMethod) }
      let finished = log.methods(of: image.name), missing = wanted.filter { !(finished?.contains($0) ?? false) }
      bar.report(index, 0, image.name)
      defer { bar.report(index, 1, image.name) }
      recorder?.read(image.files)
      guard finished == nil || !finished!.isEmpty, !missing.isEmpty else { continue }
      var rows: [Row] = []
      func fail(_ error: GradCAMError) {
        rows = [Row(error, image: image.name, path: image.path, model: model, configuration, sha256: image.sha256)]
        bar.aside { Console.warn("\(error); skipped") }
      }
      // A picture that lacks the box is skipped like one that cannot be read.
      let read = Result { () -> (PreparedImage, Asked?) in
        try image.load()
        let prepared = try prepare(image)
        guard request != nil else { return (prepared, nil) }
        return (prepared, try located(image.path) { try asked(image.path, prepared) })
      }
      do {
        let (prepared, found) = try read.get(),
          (explainer, observation, targets) = try found ?? asked(image.path, prepared)
        for (number, target) in targets.enumerated() {
          func advance(_ part: Double) {
            bar.report(index, min((Double(number) + part) / Double(targets.count), 0.999), image.name)
          }
          let explanations = try explainer.explain(
            target, of: observation, methods: missing, skipsUnsupported: all, progress: { advance($0 / 2) })
          let objects =
            try target.subject.flatMap { classIndex in
              try boxes?.boxes(in: image.path, of: classIndex, explainer.labels, classCount: classCount)
            } ?? [explanations.first?.rectangle].compactMap { $0 }
          if admitted == nil { admitted = tellSkipped(wanted, explanations, bar) }
          let measured = try explainer.measure(
            explanations, of: observation, by: metrics, boxes: objects
          ) { advance((1 + $0) / 2) }
          gathered?.add(image.name, explanations, measured)
          rows += zip(explanations, measured).map { explanation, values in
            Row(
              explanation, image: image.name, model: model, configuration, node: node,
              metrics: Dictionary(uniqueKeysWithValues: zip(metrics.map(\.name), values)), sha256: image.sha256)
          }
        }
      } catch let error as GradCAMError where error.isAboutImage(isRead: (try? read.get()) != nil, request != nil) {
        fail(error)
      }
      try log.append(rows)
      gathered?.keep(isWhole: rows.allSatisfy { $0.error == nil })
    }
    Console.clearProgress()
    try log.finish()
    var report = summary.report(model: model.path, node: node, images: log.imageCount, output: path)
    report.clusters = try gathered?.groups(threadCount: threads.count)
    if let file = grouping.report, let recorder {
      let page = try ClusterPage(
        report, recorder.part(images: []), preprocessing: explainer.preprocessingText, of: named.stream(),
        prepare: prepare)
      try writeAtomically(Array(page.text.utf8), to: file)
    }
    if let recorder, provenance.isAsked {
      recorder.add(
        methods.map {
          Provenance.Result(
            model: model.path, node: node, method: $0,
            preprocessing: explainer.preprocessingText, output: path)
        })
      try provenance.write(recorder.whole())
    }
    if json { report.provenance = recorder?.ofAllImages(outputs: [path, grouping.report].compactMap { $0 }) }
    if json {
      try printJSON(report)
    } else {
      try report.describe()
      if let file = grouping.report { try Console.print(file) }
    }
    try check(gates, report.means)
  }

  /// The methods that the node supports; warnings say why others are left out.
  private func tellSkipped(_ asked: [String], _ explanations: [Explanation], _ bar: ProgressBar) -> [String] {
    let admitted = asked.filter { method in explanations.contains { $0.method == method } }
    let reasons = explanations.first?.warnings.filter { $0.code == .methodSkipped } ?? []
    bar.aside { for reason in reasons { Console.tell(reason) } }
    return admitted
  }
}

extension GradCAMError {
  /// Whether an image is at fault, not what was asked, so that other images may do.
  ///
  /// - Parameters:
  ///   - isRead: whether the image could be read and made into the network's input.
  ///   - isOfBoxes: whether boxes are asked for.
  fileprivate func isAboutImage(isRead: Bool, _ isOfBoxes: Bool) -> Bool {
    isRead ? isAboutImage : kind != .unsupported || !isOfBoxes
  }
}
