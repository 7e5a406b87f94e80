import ArgumentParser
import GradCAM
import Graph

struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Shows several models side by side: maps, agreement, faithfulness, localisation and cost.",
    discussion: """
      The class explained is --class, else each class that has a box in the picture, else the first model's top class. \
      The other models are asked about the class with the same label. --node, --depth, --labels and the options of \
      preprocessing take VALUE for all models, or MODEL=VALUE for one. Pictures that cannot be read are left out.
      """)

  @Argument(
    help: ArgumentHelp("The exported networks: files, or names in the models folder.", valueName: "model"),
    completion: .model)
  var networks: [String]
  @Option(parsing: .upToNextOption, help: ArgumentHelp("PNG or JPEG files.", valueName: "IMAGE"), completion: .picture)
  var images: [String]
  @Option(
    name: .customLong("node"),
    help: ArgumentHelp("Target layer, as explain takes it. Repeatable.", valueName: "[MODEL=]NAME"), completion: .node)
  var nodes: [String] = []
  @Option(
    name: .customLong("depth"),
    help: ArgumentHelp(
      "Target layer by its place among all feature maps, from 0 for the first to 1 for the last. Repeatable.",
      valueName: "[MODEL=]D"))
  var depths: [String] = []
  @Option(help: ArgumentHelp("CAM method.", valueName: "NAME"), completion: .method) var method = "gradcam"
  @OptionGroup(title: "Classes and metrics") var measured: MeasuringOptions
  @Option(help: ArgumentHelp("The picture grid; comparison.png by default.", valueName: "FILE"), completion: .file())
  var output: String?
  @Option(
    help: ArgumentHelp("A self-contained page to open in a browser.", valueName: "FILE.html"),
    completion: .file(extensions: ["html"])) var report: String?
  @Option(
    help: ArgumentHelp("A line for each image and model.", valueName: "FILE.csv"),
    completion: .file(extensions: ["csv"])) var csv: String?
  @OptionGroup(title: "Drawing") var drawing: DrawingOptions
  @OptionGroup var threads: ThreadOptions
  @Flag(help: "Print one JSON document.") var json = false
  @OptionGroup(title: "Feature map") var featureMap: FeatureMapOptions
  @OptionGroup(title: "Input and labels") var image: PerModelImageOptions
  @OptionGroup(title: "Models and plugins") var host: HostOptions

  mutating func validate() throws {
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

  func run() throws {
    let registry = try host.plugins.registry(), method = try registry.method(named: method)
    guard !(method is any ConceptMethod) else {
      throw GradCAMError(
        .usage, at: "--method \(self.method)", problem: "makes several maps of an image", advice: "choose gradcam, say")
    }
    let boxes = try measured.boxes.read()
    let settings = ModelRun.Settings(
      method: self.method, metrics: try measured.chosenMetrics, colormap: drawing.colormap, blend: drawing.blend)
    let paths = try networks.map(host.modelFolder.resolve)
    let choices = try image.choices(for: paths)
    let opened = try zip(paths, choices).map {
      try Model(contentsOf: $0, layout: $1.layout, output: $1.outputName, registry: registry)
    }
    let nodes = try PerModel(nodes, option: "--node", models: paths)
    let depths = try PerModel(depths, option: "--depth", models: paths)
    let labels = try choices.map { try $0.labels.map { try Labels(contentsOf: $0) } }
    let files = opened.flatMap(\.graph.files) + images + choices.compactMap(\.labels)
    let grid = try claimOutputs(inputs: files + [measured.boxes.path].compactMap { $0 })

    let bar = ProgressBar(count: opened.count)
    var cases: [ComparedCase] = []
    var unread = 0
    let runs = try opened.enumerated().map { index, model in
      let name = self.name(index, opened)
      return try ModelRun(name: name, settings) {
        let preprocessing = try DecidedPreprocessing(choices[index].preprocessing, for: model)
        let size = preprocessing.inputSize
        let explainer = try Explainer(
          model, nodes: [try node(nodes[index], depths[index], model, size)], hint: featureMap.hint,
          preprocessing: preprocessing, labels: labels[index], threadCount: threads.count,
          reusesWeights: true)
        bar.aside { for warning in explainer.warnings { Console.warn("\(model.path): \(warning.text)") } }
        return explainer
      } cases: { explainer in
        if index == 0 { (cases, unread) = try self.cases(explainer, boxes, bar) }
        return cases
      } progress: { part, image in
        bar.report(index, min(part, 0.999), "\(name), \(image)")
      }
    }
    Console.clearProgress()
    let comparison = try comparison(cases, runs, settings).withDoubts
    for doubt in comparison.doubts { Console.warn("\(doubt.text)") }
    try picture(cases, runs).write(to: grid)
    if let csv { try writeAtomically(Array(comparison.csv.utf8), to: csv) }
    if let report { try writeAtomically(Array(HTMLReport(comparison).text.utf8), to: report) }
    if json {
      try printJSON(comparison)
    } else {
      try comparison.describe()
      try Console.print("\n" + ([grid, report, csv].compactMap { $0 }).joined(separator: ", "))
    }
    try checkRead(unread, of: images.count)
  }

  private func claimOutputs(inputs: [String]) throws -> String {
    var paths = ClaimedPaths(inputs: inputs)
    if let output { try Picture.checkFormat(ofOutput: output) }
    for path in [output, report, csv] { if let path { try paths.claim(path) } }
    return output ?? paths.claimFree("comparison", "png")
  }

  /// The file's name, or its path if several models share the name.
  private func name(_ index: Int, _ models: [Model]) -> String {
    let name = models[index].name
    return models.filter { $0.name == name }.count == 1 ? name : models[index].path
  }

  private func node(_ name: String?, _ depth: String?, _ model: Model, _ size: PixelSize) throws -> String {
    guard let depth else { return name ?? "auto" }
    guard let value = Double(depth), (0...1).contains(value) else {
      throw GradCAMError(.usage, at: "--depth \(depth)", problem: "is not a depth", advice: "give a number from 0 to 1")
    }
    return try located(model.path) { try NodeCatalogue(model, size: size).name(atDepth: value) }
  }

  /// The images with the classes that all models are asked about, as the first model numbers them, and the number of
  /// images that cannot be read.
  ///
  /// Throws the reason if there is no other.
  private func cases(
    _ explainer: Explainer, _ boxes: ObjectBoxes?, _ bar: ProgressBar
  ) throws -> (cases: [ComparedCase], unread: Int) {
    let labels = explainer.labels
    let classCount = explainer.focus.catalogue.classCount
    let asked = try measured.classes.map { try labels.index(of: $0, classCount: classCount) }
      .withoutRepeats
    var unread: [GradCAMError] = []
    let cases = try images.flatMap { image -> [ComparedCase] in
      let prepared: PreparedImage
      do {
        prepared = try explainer.prepare(contentsOf: image)
      } catch let error as GradCAMError where images.count > 1 && error.isAboutFile {
        unread.append(error)
        bar.aside { Console.warn("\(error); skipped") }
        return []
      }
      let picture = try ComparedPicture(prepared.picture!)
      let observation = try explainer.observe(prepared)
      let top = try explainer.classes(of: observation, count: 1)[0]
      let boxed = try boxes?.classes(in: image, labels, classCount: classCount) ?? []
      func `case`(_ index: Int) throws -> ComparedCase {
        let scored = try explainer.classes(of: observation, count: classCount).first { $0.index == index }!
        return ComparedCase(
          image: image, picture: picture, first: scored, asked: measured.classes.isEmpty ? nil : "\(index)",
          boxes: try boxes?.boxes(in: image, of: index, labels, classCount: classCount) ?? [])
      }
      return try (asked.isEmpty ? boxed.isEmpty ? [top.index] : boxed : asked).map(`case`)
    }
    if cases.isEmpty, let error = unread.first { throw error }
    return (cases, unread.count)
  }

  private func comparison(
    _ cases: [ComparedCase], _ runs: [ModelRun], _ settings: ModelRun.Settings
  ) throws -> Comparison {
    let pairs = runs.indices.flatMap { first in (first + 1..<runs.count).map { (first, $0) } }
    return Comparison(
      method: method, metrics: settings.metrics.map(MetricColumn.init), models: runs.map(\.model),
      images: cases.enumerated().map { index, each in
        ComparedImage(
          image: each.image, width: each.picture.size.width, height: each.picture.size.height, label: each.label,
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
  private func picture(_ cases: [ComparedCase], _ runs: [ModelRun]) throws -> Picture {
    let cells = try cases.enumerated().flatMap { index, each in
      [try PictureGrid.Cell(each.picture.cell, label: each.label)] + runs.map { $0.seen[index].overlay }
    }
    return try PictureGrid(title: method, cells: cells, columns: runs.count + 1).picture()
  }
}
