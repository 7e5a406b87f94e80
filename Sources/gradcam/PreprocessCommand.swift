import ArgumentParser
import GradCAM
import Graph

struct Preprocess: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "preprocess",
    abstract: "Shows what a model says about pictures under each usual preprocessing, to find the right one.",
    discussion: """
      The surest is marked: the one with the highest mean probability of the top class, or of --class. Look at the \
      classes: it is right only if they are. --write NAME writes it into MODEL.json beside the model, which every command reads.
      """)

  @Argument(help: "The exported network: a file, or a name in the models folder.", completion: .model)
  var model: String
  @Argument(help: "Pictures, or folders of them.", completion: .picture) var images: [String]
  @Option(
    name: .customLong("class"),
    help: ArgumentHelp("The class that is in all pictures, by number or label.", valueName: "N|LABEL"),
    completion: .label)
  var expected: String?
  @Option(
    help: ArgumentHelp(
      "Write the preprocessing of this name into MODEL.json; entries there that are not about preprocessing stay.",
      valueName: "NAME"), completion: .list(PreprocessingCandidate.all(PixelSize(width: 1, height: 1)).map(\.name)))
  var write: String?
  @OptionGroup var threads: ThreadOptions
  @Flag(help: "Print one JSON document.") var json = false
  @OptionGroup var console: ConsoleOptions
  @OptionGroup(title: "Input and labels") var image: ImageOptions
  @OptionGroup(title: "Models and plugins") var host: HostOptions

  func run() throws {
    let paths = try ImageFolder.expanding(images)
    try host.enterSandbox(
      models: [self.model], read: paths, image.paths,
      written: write.map { _ in host.sidecarPlaces(of: self.model) } ?? [])
    let model = try host.open(model, image)
    let current = try DecidedPreprocessing(image.choice, for: model)
    let candidates = PreprocessingCandidate.all(current.inputSize)
    let written = try write.map { name in
      guard let candidate = candidates.first(where: { $0.name == name }) else {
        throw GradCAMError(
          .usage, at: "--write \(name)", problem: "is not the name of a preprocessing",
          advice: "choose from \(candidates.map(\.name).joined(separator: ", "))")
      }
      return (candidate, try SidecarFile(of: model))
    }
    let labels = try image.labels.map { try Labels(contentsOf: $0) }
    var explainer = try Explainer(
      model, preprocessing: current, labels: labels, threadCount: threads.count, reusesWeights: true)
    try explainer.checkClasses(
      else: "preprocessings are compared by the probabilities of classes; look at the boxes or maps that "
        + "'gradcam explain' draws with each")
    let expected = try expected.map {
      try explainer.labels.index(of: $0, classCount: explainer.focus.catalogue.classCount)
    }
    let (pictures, unread) = try readable(paths) { try Picture(contentsOf: $0) }

    var rows: [PreprocessingReport.Row] = []
    func measure(_ name: String, _ decided: DecidedPreprocessing, _ entries: [String: String]) throws {
      explainer = explainer.preparing(by: decided)
      let tops = try pictures.map { picture in
        let observation = try explainer.observe(try explainer.prepare(picture))
        return try explainer.classes(of: observation, count: explainer.focus.catalogue.classCount)
      }
      rows.append(PreprocessingReport.Row(name, explainer.preprocessingText, entries, tops, expected: expected))
    }
    let bar = ProgressBar(count: candidates.count + 1)
    try measure("now", current, [:])
    for (index, candidate) in candidates.enumerated() {
      bar.report(index, 0.5, candidate.name)
      // What integers cannot hold is not offered.
      guard let decided = try? DecidedPreprocessing(candidate.choice, for: model) else { continue }
      try measure(candidate.name, decided, candidate.entries)
      bar.report(index, 1, candidate.name)
    }
    Console.clearProgress()
    var report = PreprocessingReport(
      model: model.path, images: paths,
      class: expected.map { TopClass(class: $0, label: explainer.labels[$0], probability: nil) },
      rows: rows)
    if let (candidate, file) = written {
      try file.write(candidate.entries)
      report.written = file.path
    }
    if json { try printJSON(report) } else { try report.describe() }
    try checkDone(unread, of: paths.count)
  }
}

/// A usual preprocessing with a name.
struct PreprocessingCandidate {
  let name: String
  let choice: PreprocessingChoice
  /// What `MODEL.json` says for it.
  let entries: [String: String]

  /// Every preset as it is usual, and with the other usual ways to resize.
  static func all(_ input: PixelSize) -> [PreprocessingCandidate] {
    Preprocessing.Preset.allCases.flatMap { preset in
      let usual = Preprocessing(preset, size: input).resize
      let ways: [(name: String, resize: Preprocessing.Resize?)] = [
        ("cropped", Preprocessing(.imagenet, size: input).resize),
        ("centre", .shorterSide(max(input.width, input.height))), ("squashed", .exact(input)),
        ("letterbox", .letterbox(Letterbox())),
      ]
      // The usual way comes first, under the preset's own name.
      return (ways.filter { $0.resize == usual } + ways.filter { $0.resize != usual }).map { name, resize in
        var choice = PreprocessingChoice(), entries = ["preset": preset.rawValue]
        (choice.preset, choice.size) = (preset, input)
        guard resize != usual else {
          return PreprocessingCandidate(name: preset.rawValue, choice: choice, entries: entries)
        }
        (choice.resize, entries["resize"]) = (resize, resize?.description)
        return PreprocessingCandidate(name: "\(preset.rawValue)-\(name)", choice: choice, entries: entries)
      }
    }
  }
}

/// What `preprocess` prints.
struct PreprocessingReport: Encodable {
  struct Row: Encodable {
    let name, preprocessing: String
    /// What `MODEL.json` says for it.
    let entries: [String: String]
    /// The mean probability of the top class, or of the class that is expected.
    let probability: Double
    /// For each picture, the three most probable classes.
    let top: [[TopClass]]

    /// Whether all of three or more pictures have the same top class, which a wrong preprocessing often causes.
    var saysTheSame: Bool { top.count >= 3 && Set(top.map { $0[0].class }).count == 1 }

    init(_ name: String, _ text: String, _ entries: [String: String], _ found: [[ScoredClass]], expected: Int?) {
      (self.name, preprocessing, self.entries) = (name, text, entries)
      let chances = found.map { classes in
        Double((expected.map { index in classes.first { $0.index == index } } ?? classes[0])?.probability ?? 0)
      }
      probability = chances.reduce(0, +) / Double(chances.count)
      top = found.map { $0.prefix(3).map { TopClass($0) } }
    }
  }

  let model: String
  let images: [String]
  @Nullable var `class`: TopClass?
  let rows: [Row]
  /// The file that was written.
  @Nullable var written: String?

  /// The name of the surest; one that sees the same in three pictures or more counts only if all do.
  var surest: String {
    let candidates = rows.dropFirst(), varied = candidates.filter { `class` != nil || !$0.saysTheSame }
    return (varied.isEmpty ? Array(candidates) : varied).max { $0.probability < $1.probability }?.name ?? "now"
  }

  init(model: String, images: [String], class: TopClass?, rows: [Row]) {
    (self.model, self.images, self.rows, self.class) = (model, images, rows, `class`)
  }

  func describe() throws {
    try Console.print("now: \(rows[0].preprocessing)")
    let asked = `class`.map { " \($0.name)" } ?? " mean"
    var table = Table(["name", asked, "", "top classes"])
    for row in rows {
      let tops: [String] =
        row.top.count == 1
        ? row.top[0].map { "\($0.name) \(decimal(Double($0.probability ?? 0) * 100, 0))%" }
        : Dictionary(grouping: row.top, by: { $0[0].name }).sorted {
          ($1.value.count, $0.key) < ($0.value.count, $1.key)
        }
        .map { $0.value.count > 1 ? "\($0.key) × \($0.value.count)" : $0.key }
      table.add(
        row.name, percent(row.probability), row.name == surest ? "← surest" : "",
        tops.prefix(4).map { $0.count > 28 ? $0.prefix(27) + "…" : $0 }.joined(separator: ", ")
          + (tops.count > 4 ? ", …" : ""))
    }
    try Console.print(table)
    if let written { return try Console.print("written: \(written)") }
    let doubt = images.count < 3 && `class` == nil ? " Few pictures prove little: give several, or --class." : ""
    try Console.print(
      "The surest need not be the right one: look at its classes, then keep the right one with --write NAME.\(doubt)")
  }
}
