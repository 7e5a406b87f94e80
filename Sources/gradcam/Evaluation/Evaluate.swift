import ArgumentParser
import GradCAM
import Graph

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measures how good the maps of one or more methods are, over a folder of images.",
    discussion: """
      The class explained is --class, else each class that has a box in the picture, else the top class; or, with \
      --detection, a box of a detector. A line for \
      each map is appended to the output as soon as an image is done; unreadable pictures are skipped and counted. \
      With --resume, maps in the output are not computed again. Intervals are from a bootstrap over images.

      Metrics:
      \(Metrics.all.map { "  \($0.name): \($0.summary) (\(directionText(higherIsBetter: $0.isBetterHigher)))" }
        .joined(separator: "\n"))
      """)

  @Argument(help: "The exported network: a file, or a name in the models folder.", completion: .model)
  var model: String
  @Argument(
    help: "A folder of pictures, at any depth: \(Picture.formats); or of files of numbers.", completion: .directory)
  var folder: String

  @Option(
    name: .customLong("method"), help: ArgumentHelp("CAM method, as explain takes it. Repeatable.", valueName: "NAME"),
    completion: .methods)
  var methods: [String] = []
  @Option(help: ArgumentHelp("Target layer, as explain takes it.", valueName: "NAME"), completion: .node) var node =
    "auto"
  @OptionGroup(title: "Classes and metrics") var measured: MeasuringOptions
  @OptionGroup(title: "Detectors") var box: EvaluatedBoxOptions
  @Option(help: ArgumentHelp("Stop after the first N images by name.", valueName: "N")) var limit: Int?
  @Option(
    help: ArgumentHelp(
      "JSON lines (.jsonl) or .csv; MODEL.evaluation.jsonl in the working directory by default.", valueName: "FILE"),
    completion: .file())
  var output: String?
  @Flag(help: "Continue the output of an interrupted run.") var resume = false
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
    try request?.validate()
    if request != nil, measured.boxes.path != nil {
      throw ValidationError("Give --boxes or --detection: a detector's box is measured by its own place.")
    }
  }

  /// What is explained of a picture, and what by.
  private typealias Asked = (Explainer, Observation, [any Target])

  /// The boxes that are explained; nil for classes.
  private var request: TargetRequest? { box.request(measured.classes) }

  func run() throws {
    let request = request
    var metrics = try measured.chosenMetrics(hasBoxes: request != nil)
    let gates = try measured.gates(), gated = Set(gates.map(\.figure))
    let folder = try ImageFolder(folder)
    let names = folder.names.prefix(limit ?? .max)
    try host.enterSandbox(
      models: [self.model], read: names.map(folder.path), image.paths, measured.boxes.paths,
      written: [output ?? ".", provenance.path])
    let model = try host.open(model, image)
    let registry = model.registry, rank = model.imageShape.rank
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
    let boxes = try measured.boxes.read(of: names.map(folder.path))
    // Where boxes are read from, each picture says.
    let explainer = try Explainer(
      model, nodes: request == nil ? [node] : [], hint: featureMap.hint,
      preprocessing: InputTensors(tensors: [], pictures: [], axes: image.axes, model: model).preprocessing(
        image.choice, for: model, images: names.map(folder.path), axes: image.axes),
      labels: try image.labels.map { try Labels(contentsOf: $0) }, threadCount: threads.count,
      reusesWeights: true)
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
    func asked(_ name: String, _ prepared: PreparedImage) throws -> Asked {
      if let request {
        let (asking, choice) = try explainer.deciding { prepared }.asking(
          request, nodes: [node], hint: featureMap.hint)
        let observation = try asking.observe(prepared)
        return (asking, observation, try choice.targets(asking, of: observation))
      }
      let observation = try explainer.observe(prepared)
      let top = try explainer.classes(of: observation, count: 1)
      let boxed = try boxes?.classes(in: folder.path(name), explainer.labels, classCount: classCount) ?? []
      let explained = classes.isEmpty ? boxed.isEmpty ? top.map(\.index) : boxed : classes
      return (explainer, observation, try explained.map { try explainer.target(classIndex: $0) })
    }

    let leftOut = try chosen.leaveOutSlow(explainer) {
      for name in names {
        guard let image = try? explainer.prepare(contentsOf: folder.path(name), axes: image.axes),
          let (_, observation, targets) = try? asked(name, image), let target = targets.first
        else { continue }
        return (observation, target)
      }
      return nil
    }
    let methods = measured.leavesOutRandom ? chosen.names : (chosen.names + [EvaluationReport.random]).withoutRepeats
    let path = output ?? model.name.withoutControls + ".evaluation.jsonl"
    let files = model.graph.files, others = [image.labels].compactMap { $0 } + measured.boxes.files
    var paths = ClaimedPaths(inputs: files + others + names.map(folder.path))
    for path in [path, provenance.path] { if let path { try paths.claim(path) } }
    let hasHeads = try EvaluationFormat(ofOutput: path) == .json
    let recorder =
      try provenance.isAsked || json || hasHeads
      ? ProvenanceRecorder(host, models: files, images: names.map(folder.path), others: others, threads: threads.used)
      : nil
    var summary = EvaluationSummary(metrics)
    let log = try EvaluationLog(
      path, metrics: metrics.map(\.name), resumes: resume, expected: (model.path, node),
      provenance: hasHeads ? recorder?.ofAllImages : nil, measures: Set(names).contains
    ) { summary.add($0) }
    if log.doubledCount > 0 {
      Console.warn("\(path): \(counted(log.doubledCount, "line")) of maps that have one already; they do not count")
    }
    for warning in warnings + leftOut { Console.tell(warning) }

    // Methods that the node does not support have no lines.
    var admitted = all ? log.finished.values.first(where: { !$0.isEmpty }).map { methods.filter($0.contains) } : methods
    let bar = ProgressBar(count: names.count)
    let order = log.unfinished.map { first in [first] + names.filter { $0 != first } } ?? Array(names)
    for (index, name) in order.enumerated() {
      let wanted = admitted ?? methods.filter { !((try? registry.method(named: $0)) is any ConceptMethod) }
      let finished = log.finished[name], missing = wanted.filter { !(finished?.contains($0) ?? false) }
      bar.report(index, 0, name)
      defer { bar.report(index, 1, name) }
      guard finished == nil || !finished!.isEmpty, !missing.isEmpty else {
        log.leave(name) { summary.add($0) }
        continue
      }
      var lines: [EvaluationLine] = []
      // A picture that lacks the box is skipped like one that cannot be read.
      let read = Result { () -> (PreparedImage, Asked?) in
        let prepared = try explainer.prepare(contentsOf: folder.path(name), axes: image.axes)
        guard request != nil else { return (prepared, nil) }
        return (prepared, try located(folder.path(name)) { try asked(name, prepared) })
      }
      switch read {
      case .failure(let error as GradCAMError) where error.kind == .unsupported && request != nil: throw error
      case .failure(let error):
        lines = [EvaluationLine(image: name, model: model.path, error: ("\(error)" as Message).asOptions)]
        bar.aside { Console.warn("\(error); skipped") }
      case .success(let (prepared, found)):
        let (explainer, observation, targets) = try found ?? asked(name, prepared)
        for (number, target) in targets.enumerated() {
          func advance(_ part: Double) {
            bar.report(index, min((Double(number) + part) / Double(targets.count), 0.999), name)
          }
          let explanations = try explainer.explain(
            target, of: observation, methods: missing, skipsUnsupported: all, progress: { advance($0 / 2) })
          let objects =
            try target.subject.flatMap { classIndex in
              try boxes?.boxes(in: folder.path(name), of: classIndex, explainer.labels, classCount: classCount)
            } ?? [explanations.first?.rectangle].compactMap { $0 }
          if admitted == nil { admitted = tellSkipped(wanted, explanations, bar) }
          let measured = try explainer.measure(
            explanations, of: observation, by: metrics, boxes: objects
          ) { advance((1 + $0) / 2) }
          lines += zip(explanations, measured).map { line(name, model, node: node, $0, metrics, $1) }
        }
      }
      if hasHeads, let digest = recorder?.file(folder.path(name)).sha256 {
        for index in lines.indices { lines[index].sha256 = digest }
      }
      try log.append(lines)
      lines.forEach { summary.add($0) }
    }
    Console.clearProgress()
    try log.finish()
    var report = summary.report(model: model.path, node: node, output: path)
    if let recorder, provenance.isAsked {
      recorder.add(
        methods.map {
          Provenance.Result(
            model: model.path, node: node, method: $0,
            preprocessing: explainer.preprocessingText, output: path)
        })
      try provenance.write(recorder.whole())
    }
    if json { report.provenance = recorder?.part(images: names.map(folder.path), outputs: [path]) }
    if json { try printJSON(report) } else { try report.describe() }
    try check(gates, report.means)
  }

  /// The methods that the node supports; warnings say why others are left out.
  private func tellSkipped(_ asked: [String], _ explanations: [Explanation], _ bar: ProgressBar) -> [String] {
    let admitted = asked.filter { method in explanations.contains { $0.method == method } }
    let reasons = explanations.first?.warnings.filter { $0.code == .methodSkipped } ?? []
    bar.aside { for reason in reasons { Console.tell(reason) } }
    return admitted
  }

  private func line(
    _ name: String, _ model: Model, node: String, _ explanation: Explanation, _ metrics: [any Metric],
    _ values: [Double?]
  ) -> EvaluationLine {
    EvaluationLine(
      image: name, model: model.path, node: node, method: explanation.method,
      class: explanation.target.subject, label: explanation.scored?.label ?? explanation.detection?.label,
      probability: [explanation.scored?.probability, explanation.detection?.place?.score].lazy.compactMap { $0 }
        .first.flatMap { $0.isFinite ? $0 : nil },
      metrics: Dictionary(uniqueKeysWithValues: zip(metrics.map(\.name), values)))
  }
}
