import ArgumentParser
import GradCAM
import Graph

struct Explain: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Draws a heat map of the evidence for a class, or another target, over each image.")

  @Argument(help: "The exported network: a file, or a name in the models folder.", completion: .model)
  var model: String
  @Argument(
    help: """
      Pictures, or folders and tar archives of them: \(Picture.formats); for a network that takes films, each folder is a \
      film. Or files of numbers: \(NumberFile.extensions.joined(separator: ", ")).
      """, completion: .image)
  var images: [String] = []

  @Option(
    name: .customLong("node"),
    help: ArgumentHelp(
      "Target layer: node, tensor or PyTorch module (features.35), Op:k (Conv:-1), #index, a unique suffix, or auto. "
        + "Repeatable.", valueName: "NAME"), completion: .node)
  var nodes: [String] = []

  @OptionGroup(title: "Target") var target: TargetOptions
  @Option(help: ArgumentHelp("Explain the K most probable classes.", valueName: "K")) var top: Int?

  @Option(
    name: .customLong("method"),
    help: ArgumentHelp(
      "CAM method: \(CAMMethods.all.map(\.name).joined(separator: ", ")), or a plugin's. By default gradcam, for boxes "
        + "odam. In one picture: fast, those that need no further runs of the network; all, those that take less than a "
        + "minute; all!, every one. Repeatable.", valueName: "NAME"), completion: .methods)
  var methods: [String] = []

  @Option(help: ArgumentHelp("Fuse the maps of several nodes into one.", valueName: "WAY")) var fuse: Fusion?

  @Option(
    name: .customLong("smooth"),
    help: ArgumentHelp(
      "Smoother maps: aug, the mean over mirrored and multiplied images; eigen, the first principal component of the "
        + "weighted activations. Repeatable.", valueName: "WAY"))
  var smoothing: [Smoothing] = []

  @Option(help: ArgumentHelp("Whose formulas and drawing to follow where implementations differ.", valueName: "NAME"))
  var compat = Compatibility.pytorchGradCAM

  @OptionGroup(title: "Methods") var settings: MethodOptions
  @OptionGroup(title: "Many images") var many: ManyImagesOptions
  @Option(
    help: ArgumentHelp(
      "Write a row for each map, or for an image that fails, as JSON lines (.jsonl) or .csv; until all is done, the file "
        + "has .part after its name. - prints JSON lines. Without --output, no pictures are drawn; with it, they have the "
        + "images' names.",
      valueName: "FILE"), completion: .file())
  var rows: String?
  @OptionGroup(title: "Files") var files: PictureFileOptions
  @Option(
    help: ArgumentHelp(
      "Lay out all maps in one picture, labelled; without --output no others are drawn.", valueName: "FILE"),
    completion: .file())
  var sheet: String?

  @Option(help: ArgumentHelp("How the map is drawn.", valueName: "STYLE")) var style = DrawingStyle.overlay
  @OptionGroup(title: "Drawing") var drawing: DrawingOptions
  @OptionGroup(title: "Drawing of signals and volumes") var view: ViewOptions
  @OptionGroup(title: "Terminal") var terminal: TerminalOptions

  @OptionGroup(title: "Arrays") var arrays: ArrayOptions
  @OptionGroup var provenance: ProvenanceOptions
  @OptionGroup var threads: ThreadOptions
  @Flag(help: "Print one JSON document.") var json = false
  @Flag(help: "Print a line of JSON for each picture as soon as it is explained.") var jsonl = false
  @OptionGroup var console: ConsoleOptions
  @OptionGroup(title: "Feature map") var featureMap: FeatureMapOptions
  @OptionGroup(title: "Input and labels") var image: ImageOptions
  @OptionGroup(title: "Models and plugins") var host: HostOptions

  mutating func validate() throws {
    if json, jsonl { throw ValidationError("Give --json or --jsonl, not both.") }
    try terminal.check(json || jsonl)
    if settings.signed, fuse != nil {
      throw ValidationError("Give --fuse or --signed: maps with a sign are not fused.")
    }
    if many.resume, rows == nil || printsRows { throw ValidationError("--resume needs --rows FILE.") }
    if printsRows, json || jsonl { throw ValidationError("Give --rows - or --json, not both.") }
    if rows != nil, sheet != nil { throw ValidationError("Give --rows or --sheet, not both.") }
    try many.validate(provenance)
    try request.validate()
  }

  private var printsRows: Bool { rows == ExplanationTable.standardOutput }

  private var request: TargetRequest {
    var request = target.request
    request.top = top
    return request
  }

  func run() throws {
    var named = try many.images(self.images)
    let screen = try terminal.screen()
    let writesPictures = screen == nil && rows == nil || files.output != nil
    try host.enterSandbox(
      models: [self.model], read: named.readPaths(), image.paths, target.request.paths, settings.paths(),
      written: [writesPictures ? files.output ?? "." : nil, sheet, printsRows ? nil : rows, provenance.path],
      arrays.paths)
    if let sheet { try Picture.checkFormat(ofOutput: sheet) }
    // Rows have the digests of files, which are therefore read as a whole first.
    if rows == nil, threads.used > 1 { named.readAhead() }
    let opened = try OpenedModel(model, host, image, request, images: named.firstFile), model = opened.model
    let sources = try opened.sources(named, item: featureMap.item.item)
    try view.view.check(model.imageShape)
    var chosen = try MethodChoice(self.methods.isEmpty ? [request.usualMethod] : self.methods, model.registry)
    // A shard may have no image.
    let isEmpty = try named.mayBeEmpty && sources.peek(1).isEmpty
    var (explainer, choice) = try opened.explainer(
      nodes: nodes.withoutRepeats, hint: featureMap.hint, compatibility: compat, of: isEmpty ? nil : sources,
      threadCount: threads.count, reusesWeights: sources.count > 8)
    explainer.settings = try settings.settings(for: explainer)
    let note = sources.usesPictures && model.imageShape.takesPictures ? nil : view.view.note(on: model.imageShape)
    let assumed = explainer.warnings(about: sources) + [note].compactMap { $0 }
    let leftOut = try chosen.leaveOutSlow(explainer) { try example(of: sources, explainer, choice) }
    let recorder =
      try provenance.isAsked || json || jsonl
      ? ProvenanceRecorder(
        host, models: model.graph.files, images: named.containers, others: opened.otherPaths + settings.paths(),
        threads: threads.used) : nil
    let arguments = json || jsonl ? PictureArguments(ThisRun.arguments, pictures: self.images) : nil
    let plan = try outputPlan(chosen, sources, explainer, choice.count)
    let claimed = try ClaimedPaths(inputs: opened.paths, images: named)
    var outputs = try OutputPaths(files, modelName: model.name, plan.pictures, keepsNames: rows != nil, claimed)
    for path in [sheet, printsRows ? nil : rows, provenance.path] { if let path { try outputs.claimed.claim(path) } }
    if let option = arrays.ofOneNode, let count = explainer.focus.fusedCount(fuse) {
      throw GradCAMError(
        .usage, at: option, problem: "is of one node, but one map is made of \(count)",
        advice: fuse.map { "leave out --fuse \($0.rawValue), or give one --node" } ?? "give one --node")
    }
    let arrays = try ArrayOutputs(
      arrays, modelName: model.name, plan.maps, inputCount: sources.inputCount, claimed: &outputs.claimed)
    let table = try rows.map { path in
      let configuration = Configuration(
        of: explainer, inputs: opened.tensors.others, files: ["plugins": try host.plugins.paths()])
      return try ExplanationTable(
        path, resumes: many.resume, configuration, model, methods: chosen, fusion: fuse, smoothing: smoothing)
    }
    OutputFiles.areDurable = table != nil
    for warning in assumed + leftOut { Console.tell(warning) }

    let total = sources.count < ImageSources.uncounted ? sources.count : nil
    let bar = try ProgressBar(count: total ?? (Console.showsProgress ? named.total() : nil))
    let job = ImageJob(
      sources: sources, model: model, choice: choice, shown: max(5, top ?? 1), methods: chosen.names,
      fusion: fuse, smoothing: Set(smoothing), skipsUnsupported: chosen.isGroup, drawsPictures: plan.drawsPictures,
      drawsGrids: plan.drawsGrids, style: style, colormap: drawing.colormap,
      blend: drawing.blend,
      view: view.view, drawsSheet: sheet != nil, screen: screen, writesPictures: writesPictures,
      format: outputs.example, jpegQuality: files.jpegQuality, savesOutput: arrays.savesOutput,
      survives: sources.count > 1 || jsonl || table != nil,
      digests: table != nil, bar: bar)
    var log = ExplanationLog(
      form: json ? .document : jsonl ? .lines : printsRows ? .nothing : rows == nil ? .text : .count)
    var together = Sheet(title: model.name, plan.maps), subjects = MapSubjects()
    let isTogether = sources.isTogether(explainer)
    func written(_ files: WrittenFile?...) -> [String] { files.compactMap { $0?.path } }
    try explainer.explainMany(count: total) {
      while let source = try sources.next() {
        guard let table, table.has(source) else { return source }
        bar.report(source.index, 1, source.path)
      }
      return nil
    } work: { [explainer] source in
      job.run(source, explainer)
    } deliver: { source, result in
      let name = source.path
      recorder?.read(source.files)
      if let error = result.unread {
        try table?.add(error, source, sha256: result.sha256)
        return try bar.aside { try log.skip(name, error) }
      }
      if let output = result.output { try arrays.save(output, image: name) }
      var drawn: [ExplanationReport] = [], pictures: [ReportedPicture] = []
      func write(
        _ picture: ImageJob.Encoded, of explanation: Explanation, method: String? = nil
      ) throws -> WrittenFile? {
        guard let file = picture.file else { return nil }
        let path = try outputs.next(image: source, explanation, method: method)
        return try WrittenFile(try located(path) { try file.get() }, to: path)
      }
      for explained in result.explained {
        let explanations = explained.explanations
        let paths = try zip(explained.pictures, explanations).map { try write($0, of: $1) }
        let grid = try explained.grid.flatMap { try write($0, of: explanations[0], method: chosen.groupName) }
        for (number, explanation) in explanations.enumerated() {
          try arrays.save(explanation, image: name)
          if sheet != nil {
            let (picture, map) = explained.small[number],
              names = ResultNames(image: name, model: model.name, explanation)
            subjects.add(explanation, model: model)
            try together.add(
              explanation, names, image: source.index, target: explained.target, picture: picture, drawn: map)
          }
          let file = paths.isEmpty ? grid : paths[number]
          table?.add(explanation, source, output: (file ?? grid)?.path, sha256: result.sha256)
          let own = try arguments.flatMap { arguments in
            isTogether || named.sources.isEmpty
              ? recorder?.part(images: try named.files(), outputs: written(file, grid))
              : recorder?.part(
                arguments: arguments.naming(only: name), images: source.files, outputs: written(file, grid))
          }
          drawn.append(
            ExplanationReport(
              image: name, model: model.path, explanation, output: file, grid: grid, sheet: sheet, top: result.best,
              preprocessing: result.preprocessing, warnings: assumed + leftOut + explanation.warnings,
              provenance: own))
          // Without a picture of its own, it is on the grid or on the sheet.
          if explained.pictures.indices.contains(number) || explained.grid == nil {
            pictures.append(
              ReportedPicture(
                report: drawn[drawn.count - 1], file: paths.isEmpty ? sheet : paths[number]?.text,
                shown: explained.pictures.isEmpty ? nil : explained.pictures[number].shown))
          }
        }
        if let picture = explained.grid {
          pictures.append(
            ReportedPicture(
              report: drawn[drawn.count - explanations.count], methods: Set(explanations.map(\.method)).count,
              file: grid?.text, shown: picture.shown))
        }
      }
      if provenance.isAsked { recorder?.add(drawn.map(\.result)) }
      try bar.aside {
        ToldWarnings(result.explained.flatMap(\.explanations)).tell(image: name)
        if let failure = result.failure {
          guard let error = failure as? GradCAMError,
            table != nil ? error.isAboutImage : sources.count > 1 && error.kind == .badData
          else { throw failure }
          try table?.add(error, source, sha256: result.sha256)
          return try log.skip(name, error)
        }
        try table?.write()
        try log.add(name, drawn, pictures, top: result.best, preprocessing: result.preprocessing)
      }
    }
    try arrays.finish()
    try table?.finish()
    if let sheet, log.done > 0 {
      let grid = try together.grid()
      let file = try WrittenFile(
        try located(sheet) {
          try grid.picture().encoded(for: sheet, jpegQuality: files.jpegQuality, texts: subjects.texts)
        }, to: sheet)
      if let screen { try PictureWriting.write(screen.shown(grid)) }
      if !json, !jsonl { try Console.print("all in one picture → \(file.text)") }
    }
    if let recorder, provenance.isAsked { try provenance.write(recorder.whole()) }
    try log.finish(fails: rows == nil)
  }

  /// What is drawn.
  private struct OutputPlan {
    /// How many maps are made, and how many files of pictures.
    let maps, pictures: ResultCounts
    /// Whether each map has a picture of its own, and whether one shows all methods.
    let drawsPictures, drawsGrids: Bool
  }

  private func outputPlan(
    _ chosen: MethodChoice, _ sources: ImageSources, _ explainer: Explainer, _ targets: Int
  ) throws -> OutputPlan {
    let isDrawn = sheet == nil && rows == nil || files.output != nil, drawsGrids = chosen.isGroup && isDrawn
    let drawsPictures = (!drawsGrids || files.output.map { !Picture.hasKnownExtension($0) } ?? false) && isDrawn
    let nodes = fuse == nil ? explainer.focus.mapCount : 1
    let count = try explainer.mapCount(of: chosen.names, fusion: fuse)
    // Methods of the whole network make one map, whatever the number of nodes.
    let methods = max(1, (count + nodes - 1) / nodes)
    func counts(_ methods: Int) -> ResultCounts {
      ResultCounts(images: sources.count, nodes: nodes, classes: targets, methods: methods)
    }
    return OutputPlan(
      maps: counts(methods), pictures: counts(drawsPictures ? methods : 1), drawsPictures: drawsPictures,
      drawsGrids: drawsGrids)
  }

  /// The first image that can be read, with its first target.
  private func example(
    of sources: ImageSources, _ explainer: Explainer, _ choice: TargetChoice
  ) throws -> (Observation, any Target)? {
    for source in try sources.peek(16) {
      guard let prepared = try? sources.prepare(source, explainer) else { continue }
      let observation = try explainer.observe(prepared)
      return (observation, try choice.targets(explainer, of: observation)[0])
    }
    return nil
  }
}
