import GradCAM
import Graph

/// What `explain` does with each image, up to the encoded pictures.
struct ImageJob {
  let sources: ImageSources
  let model: Model
  let choice: TargetChoice
  /// How many of the most probable classes are reported.
  let shown: Int
  let methods: [String]
  let fusion: Fusion?
  let smoothing: Set<Smoothing>
  /// Whether methods that do not support a node are left out.
  let skipsUnsupported: Bool
  /// Whether each explanation has a picture of its own.
  let drawsPictures: Bool
  /// Whether one picture shows all methods for a node and target.
  let drawsGrids: Bool
  let style: DrawingStyle
  let colormap: Colormap
  let blend: Float
  let view: InputView
  /// Whether the maps stand on a sheet.
  let drawsSheet: Bool
  /// Where pictures are shown; nil if they are not.
  let screen: TerminalScreen?
  /// Whether pictures are written.
  let writesPictures: Bool
  /// A path with the extension of the pictures.
  let format: String
  /// The quality of JPEG files.
  let jpegQuality: Int
  /// Whether the model's output is wanted.
  let savesOutput: Bool
  /// Whether a picture that cannot be read is reported like the others.
  let survives: Bool
  /// Whether the digests of pictures are wanted.
  let digests: Bool
  let bar: ProgressBar

  struct Result {
    var best: [ScoredClass] = []
    /// What was done to the picture; nil for a tensor.
    var preprocessing: String?
    /// The model's first output.
    var output: Tensor?
    /// What was explained, by target and then by node.
    var explained: [Explained] = []
    /// The SHA-256 of the picture's file, if it is wanted.
    var sha256: String?
    /// Why the picture could not be read, if there are others.
    var unread: GradCAMError?
    /// The error that ended the work early; the results before it are complete.
    var failure: (any Error)?
  }

  /// One target at one node, or at several that are fused.
  struct Explained {
    /// The number of the target among those of the image.
    let target: Int
    /// One for each method.
    var explanations: [Explanation] = []
    /// Each one's picture; empty if only the grid is drawn.
    var pictures: [Encoded] = []
    /// The grid of all of them.
    var grid: Encoded?
    /// For the sheet, the image and the map of each over it, small.
    var small: [(picture: Picture, drawn: Picture)] = []
  }

  /// A picture as it leaves the program.
  struct Encoded {
    /// Its file, if it is written.
    var file: Swift.Result<[UInt8], any Error>?
    /// What shows it in the terminal, if that is asked for.
    var shown: [UInt8]?
  }

  /// Reads, explains and draws an image.
  func run(_ source: SourceImage, _ explainer: Explainer) -> Result {
    var result = Result(), source = source
    defer { bar.report(source.index, 1, source.path) }
    do {
      let prepared: PreparedImage
      do {
        if digests {
          try source.load()
          result.sha256 = source.sha256
        }
        prepared = try sources.prepare(source, explainer)
      } catch let error as GradCAMError where survives && error.isAboutFile {
        result.unread = error
        return result
      }
      result.preprocessing = explainer.preprocessingText(of: prepared)
      let explanations = explain(prepared, explainer, source, &result)
      // The network does not run again: drawing has its memory.
      if sources.count == 1 { explainer.freeIdleMemory() }
      for (number, nodes) in explanations.enumerated() {
        for node in nodes { result.explained.append(try draw(node, target: number, explainer.pool)) }
      }
    } catch {
      result.failure = result.failure ?? error
    }
    return result
  }

  /// The explanations of a picture by target and then by node, one for each method, up to the first failure.
  private func explain(
    _ prepared: PreparedImage, _ explainer: Explainer, _ source: SourceImage, _ result: inout Result
  ) -> [[[Explanation]]] {
    var explanations: [[[Explanation]]] = []
    do {
      let observation = try explainer.observe(prepared), name = source.path
      result.best = try explainer.classes(of: observation, count: shown)
      if savesOutput { result.output = try observation.output }
      let targets = try choice.targets(explainer, of: observation)
      for (number, target) in targets.enumerated() {
        explanations.append(
          try explainer.explainByNode(
            target, of: observation, methods: methods, fusion: fusion, smoothing: smoothing,
            skipsUnsupported: skipsUnsupported
          ) { [bar, methods] part, method in
            let share = min((Double(number) + part) / Double(targets.count), 0.999)
            bar.report(source.index, share, methods.count > 1 ? "\(method), \(name)" : name)
          })
      }
    } catch {
      result.failure = error
    }
    return explanations
  }

  private func draw(_ explanations: [Explanation], target: Int, _ pool: ThreadPool) throws -> Explained {
    var explained = Explained(target: target, explanations: explanations)
    var cells: [PictureGrid.Cell] = []
    if drawsGrids, let first = explanations.first {
      for image in first.shown {
        guard let picture = image.picture else { continue }
        cells.append(
          try PictureGrid.Cell(picture, label: first.shown.count > 1 ? image.input.name : "image"))
      }
    }
    for explanation in explanations {
      let drawn = try draw(explanation, pool)
      if drawsPictures {
        explained.pictures.append(
          Encoded(file: file(of: drawn, [explanation], pool), shown: drawsGrids ? nil : try screen?.shown(drawn)))
      }
      if drawsGrids { cells.append(try PictureGrid.Cell(drawn, label: explanation.label)) }
      if drawsSheet {
        let size = PictureGrid.cellSize(for: drawn.size), picture = explanation.shown[0].picture ?? drawn
        let own = PictureGrid.cellSize(for: picture.size)
        explained.small.append(
          (
            try picture.resized(width: own.width, height: own.height),
            try drawn.resized(width: size.width, height: size.height)
          ))
      }
    }
    if drawsGrids, let first = explanations.first {
      let grid = PictureGrid(title: first.title, cells: cells)
      explained.grid = Encoded(
        file: file(of: try grid.picture(), explanations, pool), shown: try screen?.shown(grid))
    }
    return explained
  }

  /// The file of a picture that shows explanations; nil if it is not written.
  private func file(
    of picture: @autoclosure () throws -> Picture, _ explanations: [Explanation], _ pool: ThreadPool
  ) -> Swift.Result<[UInt8], any Error>? {
    guard writesPictures else { return nil }
    return .init {
      if VolumeOutput.isOne(format) { return try explanations[0].encoded(explanations[0].drawnMap(), for: format) }
      return try picture().encoded(
        for: format, jpegQuality: jpegQuality, texts: MapSubjects(explanations, model: model).texts, on: pool)
    }
  }

  /// The map over each picture that its node sees, side by side.
  private func draw(_ explanation: Explanation, _ pool: ThreadPool) throws -> Picture {
    let drawn = try explanation.shown.indices.map {
      // What is chosen is about the first input.
      let view = explanation.shown[$0].input.value == model.imageInput ? view : InputView()
      return try explanation.drawn(over: $0, style: style, colormap: colormap, blend: blend, view: view, pool: pool)
    }
    return try drawn.dropFirst().reduce(drawn[0]) { try $0.besideAtSameHeight($1) }
  }
}

extension GradCAMError {
  /// Whether a file is at fault, not what was asked.
  var isAboutFile: Bool { [.unreadable, .badData, .unsupported].contains(kind) }
}

extension Explanation {
  /// The method, with the number of the concept.
  fileprivate var label: String { method + (concept.map { " \($0.number)" } ?? "") }

  /// What is explained, for example `circle 71.5% at features.20`.
  fileprivate var title: String {
    let probability = (scored?.shownProbability).map { " " + percent($0) } ?? ""
    return "\(scored == nil ? target.description : target.name)\(probability) at \(place(node: node, tensor: tensor))"
  }
}
