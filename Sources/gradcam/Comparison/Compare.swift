import ArgumentParser
import GradCAM
import Graph

struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Shows several models side by side: maps, agreement, faithfulness, localisation and cost.",
    discussion: """
      All models are asked about the same class in a picture: --class, else what is in it by --boxes or --truth, else the \
      top class of most models; classes are matched by their labels. Without --class, --boxes and --truth, metrics are \
      of each model's own top class. The order of models and pictures changes no metric. Options that show MODEL= take \
      VALUE for all models, or MODEL=VALUE for one. Pictures that cannot be read are left out.
      """)

  @Argument(
    help: ArgumentHelp(
      "The exported networks: files, or names in the models folder; and pictures, or folders of them.",
      valueName: "model-or-image"), completion: .modelOrPicture)
  var arguments: [String]
  @Option(
    name: .customLong("images"), parsing: .upToNextOption,
    help: ArgumentHelp("More pictures, or folders of them.", valueName: "IMAGE"),
    completion: .picture)
  var moreImages: [String] = []
  @Option(
    name: .customLong("node"),
    help: ArgumentHelp(
      "Target layer, as explain takes it; several are compared like several models. Repeatable.",
      valueName: "[MODEL=]NAME"), completion: .node)
  var nodes: [String] = []
  @Option(
    name: .customLong("depth"),
    help: ArgumentHelp(
      "Target layer by its place among all feature maps, from 0 for the first to 1 for the last. Repeatable.",
      valueName: "[MODEL=]D"))
  var depths: [String] = []
  @Option(help: ArgumentHelp("CAM method.", valueName: "NAME"), completion: .method) var method = "gradcam"
  @OptionGroup(title: "Methods") var attributions: AttributionOptions
  @OptionGroup(title: "Classes and metrics") var measured: MeasuringOptions
  @Option(
    help: ArgumentHelp(
      "What is in each picture: 'folders' if the names of their folders are labels, or a CSV file of pictures and "
        + "labels.", valueName: "folders|FILE.csv"), completion: .file(extensions: ["csv", "tsv"]))
  var truth: String?
  @Option(help: ArgumentHelp("The picture grid; comparison.png by default.", valueName: "FILE"), completion: .file())
  var output: String?
  @Option(
    help: ArgumentHelp("A self-contained page to open in a browser.", valueName: "FILE.html"),
    completion: .file(extensions: ["html"])) var report: String?
  @Option(
    help: ArgumentHelp("A line for each image and model.", valueName: "FILE.csv"),
    completion: .file(extensions: ["csv"])) var csv: String?
  @OptionGroup(title: "Drawing") var drawing: DrawingOptions
  @OptionGroup(title: "Terminal") var terminal: TerminalOptions
  @OptionGroup var provenance: ProvenanceOptions
  @OptionGroup var threads: ThreadOptions
  @Flag(help: "Print one JSON document.") var json = false
  @OptionGroup var console: ConsoleOptions
  @OptionGroup(title: "Input and labels") var image: PerModelImageOptions
  @OptionGroup(title: "Models and plugins") var host: HostOptions

  mutating func validate() throws {
    try terminal.check(json)
    if !nodes.isEmpty, !depths.isEmpty {
      throw ValidationError("Give --node or --depth, not both.")
    }
    if let report, !report.lowercased().hasSuffix(".html") {
      throw ValidationError("--report must end in .html.")
    }
    if let csv, !csv.lowercased().hasSuffix(".csv") {
      throw ValidationError("--csv must end in .csv.")
    }
  }

  /// A model at a node.
  private struct Entry {
    /// A unique name.
    let name: String
    let model: Model
    let choice: PerModelImageOptions.Choice
    let labels: Labels?
    let node, depth: String?

    /// Opens and plans the model.
    func explainer(threads: Int?) throws -> Explainer {
      let preprocessing = try DecidedPreprocessing(choice.preprocessing, for: model)
      return try Explainer(
        model, nodes: [try node(size: preprocessing.inputSize)], hint: choice.hint, preprocessing: preprocessing,
        labels: labels, threadCount: threads, reusesWeights: true)
    }

    private func node(size: PixelSize) throws -> String {
      guard let depth else { return node ?? "auto" }
      guard let value = Double(depth), (0...1).contains(value) else {
        throw GradCAMError(
          .usage, at: "--depth \(depth)", problem: "is not a depth", advice: "give a number from 0 to 1")
      }
      return try located(model.path) { try NodeCatalogue(model, size: size).name(atDepth: value) }
    }
  }

  func run() throws {
    func isImage(_ argument: String) -> Bool { Picture.hasKnownExtension(argument) || isFolder(argument) }
    let networks = arguments.filter { !isImage($0) }
    let images = try ImageFolder.expanding(arguments.filter(isImage) + moreImages), screen = try terminal.screen()
    let writesGrid = screen == nil || output != nil
    try host.enterSandbox(
      models: networks, read: images, image.labels.pathsOfArguments, attributions.paths(),
      measured.boxes.paths, [self.truth],
      written: [writesGrid ? output ?? "." : nil, report, csv, provenance.path])
    let registry = try host.plugins.registry(), method = try registry.method(named: method)
    guard !(method is any ConceptMethod) else {
      throw GradCAMError(
        .usage, at: "--method \(self.method)", problem: "makes several maps of an image", advice: "choose gradcam, say")
    }
    guard !networks.isEmpty, !images.isEmpty else {
      throw GradCAMError(
        .usage, problem: networks.isEmpty ? "no model was given" : "no picture was given",
        advice: "name one or more models, then pictures")
    }
    let boxes = try measured.boxes.read(of: images), truth = try truth.map { try TrueLabels($0, of: images) }
    let gates = try measured.gates(), metrics = try measured.chosenMetrics()
    let settings = ModelRun.Settings(
      method: self.method, metrics: metrics,
      measuresRandom: !measured.leavesOutRandom && !metrics.isEmpty && self.method != EvaluationReport.random,
      colormap: drawing.colormap, blend: drawing.blend,
      measuresOwnClass: measured.classes.isEmpty && boxes == nil && truth == nil)
    let paths = try networks.map(host.modelFolder.resolve), choices = try image.choices(for: paths)
    let entries = try entries(paths, choices, registry)
    for entry in entries where boxes != nil {
      let size = try DecidedPreprocessing(entry.choice.preprocessing, for: entry.model).inputSize
      try boxes?.check(entry.model, size: size, labels: entry.labels)
    }
    let files = entries.flatMap(\.model.graph.files), truthFile = self.truth == "folders" ? nil : self.truth
    let others =
      try choices.compactMap(\.labels) + measured.boxes.files + [truthFile].compactMap { $0 } + attributions.paths()
    let file = try claimOutputs(writesGrid: writesGrid, inputs: files + images + others)
    let recorder =
      try provenance.isAsked || json || report != nil
      ? ProvenanceRecorder(host, models: files, images: images, others: others, threads: threads.used) : nil

    let bar = ProgressBar(count: 2 * entries.count)
    let (pictures, unread) = try readable(images) {
      (path: $0, picture: try ComparedPicture(try Picture(contentsOf: $0)))
    }
    var classes: [ModelClasses] = [], looks: [FirstLook] = []
    for (index, entry) in entries.enumerated() {
      let look = try FirstLook(
        pictures.map(\.path), votes: measured.classes.isEmpty && self.truth == nil, method: self.method
      ) {
        try attributions.applied(to: entry.explainer(threads: threads.count))
      } progress: { part, image in
        bar.report(index, min(part, 0.999), "\(entry.name), \(image)")
      }
      bar.report(index, 1, entry.name)
      bar.aside { for warning in look.warnings { Console.tell(warning, about: entry.name) } }
      classes.append(look.classes)
      looks.append(look)
    }
    let cases = try pictures.enumerated().flatMap { index, picture in
      try self.cases(of: picture, classes, looks.map { $0.tops }, index, boxes, truth)
    }
    let runs = try entries.enumerated().map { index, entry in
      try ModelRun(
        name: entry.name, settings, try attributions.applied(to: entry.explainer(threads: threads.count)), index, cases,
        peak: looks[index].peak
      ) { part, image in
        bar.report(entries.count + index, min(part, 0.999), "\(entry.name), \(image)")
      }
    }
    Console.clearProgress()
    var comparison = try comparison(cases, runs, settings).withDoubts
    for run in runs { run.tellWarnings() }
    for doubt in comparison.doubts { Console.tell(doubt.warning) }
    let results = comparison.results(output: file)
    if let file {
      var subjects = MapSubjects()
      for result in results {
        subjects.add(
          model: result.model, node: result.node, class: result.label ?? result.class.map(String.init),
          method: result.method)
      }
      try grid(cases, runs).picture().write(to: file, texts: subjects.texts)
    }
    if let csv { try writeAtomically(Array(comparison.csv.utf8), to: csv) }
    if let recorder {
      comparison.provenance = recorder.part(images: images, outputs: [file, csv].compactMap { $0 })
      comparison.modelFiles = entries.map(\.model.graph.files)
      if let report { try writeAtomically(Array(HTMLReport(comparison).text.utf8), to: report) }
      if provenance.isAsked {
        recorder.add(results)
        try provenance.write(recorder.whole(timed: [report].compactMap { $0 }))
      }
    }
    if json {
      try printJSON(comparison)
    } else {
      if let screen { try PictureWriting.write(screen.shown(grid(cases, runs, isDetailed: true)) + [0x0A]) }
      try comparison.describe()
      let files = [file, report, csv].compactMap { $0 }
      if !files.isEmpty {
        try Console.print("")
        try Console.print(files.joined(separator: ", "))
      }
    }
    try check(gates) { name in comparison.models.map { ($0.name, $0.means[name] ?? nil) } }
    try checkDone(unread, of: images.count)
  }

  /// The path of the grid; nil if it is not written.
  private func claimOutputs(writesGrid: Bool, inputs: [String]) throws -> String? {
    var paths = ClaimedPaths(inputs: inputs)
    if let output { try Picture.checkFormat(ofOutput: output) }
    for path in [output, report, csv, provenance.path] { if let path { try paths.claim(path) } }
    return writesGrid ? output ?? paths.claimFree("comparison", "png") : nil
  }

  /// The file's name, or its path if several models share the name.
  private func name(_ index: Int, _ models: [Model]) -> String {
    let name = models[index].name
    return models.filter { $0.name == name }.count == 1 ? name : models[index].path
  }

  /// Each model at each of its nodes.
  private func entries(
    _ paths: [String], _ choices: [PerModelImageOptions.Choice], _ registry: Registry
  ) throws -> [Entry] {
    let nodes = try PerModelList(nodes, models: paths), depths = try PerModelList(depths, models: paths)
    let opened = try zip(paths, choices).map {
      try Model(contentsOf: $0, layout: $1.layout, output: $1.outputName, registry: registry)
    }
    let labels = try choices.map { try $0.labels.map { try Labels(contentsOf: $0) } }
    return opened.indices.flatMap { index -> [Entry] in
      let places =
        nodes[index].map { (node: $0 as String?, depth: nil as String?) }
        + depths[index].map { (node: nil, depth: $0) }
      return (places.isEmpty ? [(nil, nil)] : places).map { place in
        let name = self.name(index, opened), own = place.node ?? place.depth.map { "depth \($0)" } ?? ""
        return Entry(
          name: places.count > 1 ? "\(name) \(own)" : name, model: opened[index], choice: choices[index],
          labels: labels[index], node: place.node, depth: place.depth)
      }
    }
  }

  /// The classes that all models are asked about in a picture.
  private func cases(
    of picture: (path: String, picture: ComparedPicture), _ classes: [ModelClasses], _ tops: [[FirstLook.Top]],
    _ index: Int, _ boxes: ObjectBoxes?, _ truth: TrueLabels?
  ) throws -> [ComparedCase] {
    let path = picture.path
    let boxed = try boxes.map { try classes.boxed($0, in: path) } ?? []
    let known = try truth.map { [try classes.asked($0.label(of: path), .truth)] } ?? boxed.map(\.asked)
    var asked = try measured.classes.withoutRepeats.map { try classes.asked($0, .given) }
    if asked.isEmpty { asked = known }
    if asked.isEmpty { asked = [try classes.vote(tops.map { $0[index] }, image: path)] }
    let truth = classes.indices.map { model in Set(known.map { $0.indices[model] }) }
    var seen: Set<[Int]> = []
    return asked.filter { seen.insert($0.indices).inserted }.map { asked in
      ComparedCase(
        image: path, picture: picture.picture, asked: asked, truth: known.isEmpty ? [] : truth,
        boxes: boxed.first { $0.asked.indices == asked.indices }?.boxes ?? [])
    }
  }

  private func comparison(
    _ cases: [ComparedCase], _ runs: [ModelRun], _ settings: ModelRun.Settings
  ) throws -> Comparison {
    let pairs = runs.indices.flatMap { first in (first + 1..<runs.count).map { (first, $0) } }
    return Comparison(
      method: method, metrics: settings.metrics.map(MetricColumn.init), measuresOwnClass: settings.measuresOwnClass,
      models: runs.map(\.model),
      images: cases.enumerated().map { index, each in
        ComparedImage(
          image: each.image, width: each.picture.size.width, height: each.picture.size.height,
          label: each.asked.label, asked: each.asked.source,
          results: runs.map { $0.seen[index].result },
          agreement: pairs.map { first, second in
            let one = runs[first].seen[index], other = runs[second].seen[index]
            // Maps are compared only over what both models saw.
            let agreement = one.part.intersection(other.part).map {
              MapAgreement(one.map.cropped(to: $0), other.map.cropped(to: $0))
            }
            return ComparedPair(
              first: runs[first].model.name, second: runs[second].model.name, pearson: agreement?.pearson,
              spearman: agreement?.spearman, ssim: agreement?.structuralSimilarity, iou: agreement?.topOverlap)
          },
          photograph: each.picture.photograph, boxes: each.boxes)
      })
  }

  /// A row for each case: the image, then each model's overlay.
  ///
  /// - Parameter isDetailed: whether images and nodes are named, too.
  private func grid(_ cases: [ComparedCase], _ runs: [ModelRun], isDetailed: Bool = false) throws -> PictureGrid {
    func cell(_ cell: PictureGrid.Cell, named name: String) throws -> PictureGrid.Cell {
      isDetailed ? try PictureGrid.Cell(cell.picture, lines: cell.lines + [.name(name)]) : cell
    }
    let cells = try cases.enumerated().flatMap { index, each in
      let image = try PictureGrid.Cell(each.picture.cell, label: each.asked.label)
      return try [cell(image, named: fileName(each.image))]
        + runs.map { try cell($0.seen[index].overlay, named: $0.model.node) }
    }
    return PictureGrid(title: method, cells: cells, columns: runs.count + 1)
  }
}
