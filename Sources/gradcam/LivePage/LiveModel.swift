import GradCAM
import Graph
import Synchronization

/// A model of the page, with the run of the image that was asked about last.
final class LiveModel: Sendable {
  /// The name among the page's models.
  let name: String
  let document: ModelDocument
  let explainer: Explainer
  private let input: String
  /// What the numbers of a detector's boxes mean, for requests that do not say.
  private let columns: [String]
  private let given: [String: ImageContents]
  private let last = Mutex<Run?>(nil)
  /// A request with what is known of the model's boxes.
  private func described(_ request: TargetRequest) -> TargetRequest {
    var request = request
    if request.isAboutBoxes, request.columns.isEmpty { request.columns = columns }
    return request
  }

  /// Whether the maps of all nodes can be made from a run that keeps everything; nil until it is known.
  private let openness = Mutex<Bool?>(nil)

  /// A run, used by one thread at a time.
  private struct Run: @unchecked Sendable {
    let image: String
    let observation: Observation
  }

  /// - Parameters:
  ///   - argument: what names the model on a command line.
  ///   - options: the options that it was opened with.
  ///   - columns: what the numbers of its outputs mean, if it has these, for requests that do not say.
  ///
  /// Throws what planning throws.
  init(
    _ opened: OpenedModel, name: String, argument: String, options: [String], columns: [String], threadCount: Int?
  ) throws {
    guard opened.model.imageShape.takesPictures else {
      throw GradCAMError(
        .unsupported, at: argument,
        problem: "takes \(opened.model.imageShape), and the page shows maps of pictures alone",
        advice: "ask 'gradcam explain' or 'gradcam sweep'")
    }
    explainer = try opened.openExplainer(threadCount: threadCount)
    given = opened.tensors.images
    guard let free = opened.model.imageInputs.first(where: { [given] in given[$0.name] == nil }) else {
      throw GradCAMError(
        .usage, at: argument, problem: "every input that takes a picture is given one already",
        advice: "leave one of them to the page")
    }
    input = free.name
    self.name = name
    let outputs = opened.model.graph.outputs.map { opened.model.graph.values[$0].name }
    self.columns = columns.filter { text in outputs.contains { text.hasPrefix("\($0)=") } }
    document = ModelDocument(explainer, name: name, argument: argument, options: options, columns: self.columns)
  }

  /// Maps of a picture.
  ///
  /// - Parameters:
  ///   - picture: the picture and its identifier: pictures with the same one are equal.
  ///   - nodes: as `--node` takes them; `["all"]` for all at which a map can be taken.
  ///   - classCount: how many of the most probable classes are listed.
  ///   - progress: receives the fraction done; what it throws ends the work.
  ///
  /// Throws what planning, preparing and explaining throw.
  func explain(
    _ picture: (id: String, picture: Picture), nodes: [String], method: String, target request: TargetRequest,
    classCount: Int, progress: @escaping (Double) throws -> Void
  ) throws -> ExplanationDocument {
    let asked = try explainer.model.registry.method(named: method)
    guard !(asked is any ConceptMethod) else {
      throw GradCAMError(
        .unsupported, at: "\(.method, method)", problem: "finds several concepts, which have a map each",
        advice: "ask 'gradcam explain' for them")
    }
    // A map of the whole network is one, whatever the nodes.
    let nodes = asked.scope == .network ? ["auto"] : nodes
    let request = described(request)
    let visitsNodes = try nodes == ["all"] && asked is any TapMethod && !fitsOpen(request, picture)
    let (asking, choice) = try explainer(for: picture).asking(request, nodes: nodes, visitsNodes: visitsNodes)
    let clock = ContinuousClock(), start = clock.now
    func document(_ observation: Observation, isNew: Bool) throws -> ExplanationDocument {
      try progress(0)
      let forward = isNew ? clock.now - start : .zero, seen = clock.now
      let target = try choice.targets(asking, of: observation)[0]
      let explanations =
        nodes == ["all"]
        ? try asking.sweep(target, of: observation, method: method, progress: progress)
        : try asking.explain(target, of: observation, methods: [method], progress: progress)
      return ExplanationDocument(
        explanations, of: asking.model, classes: try asking.classes(of: observation, count: classCount),
        assumed: asking.warnings + observation.image.warnings,
        auto: visitsNodes ? nil : try asking.source(of: target, request, in: observation),
        times: .init(forward: forward.milliseconds, maps: (clock.now - seen).milliseconds))
    }
    guard !visitsNodes else {
      if last.withLock({ $0 != nil }) { freeMemory() }
      return try document(asking.observe(prepared(picture)), isNew: true)
    }
    return try observing(picture) { try document(asking.ask($0), isNew: $1) }
  }

  /// Whether the maps of all nodes can be made from a run that keeps everything: for the first target asked about, which
  /// others are taken to be like.
  ///
  /// Throws what finding the target throws.
  private func fitsOpen(_ request: TargetRequest, _ picture: (id: String, picture: Picture)) throws -> Bool {
    if let known = openness.withLock({ $0 }) { return known }
    let asking = try explainer(for: picture).asking(request, nodes: ["all"]).0
    let fits = (try? asking.fitsMemoryOpen) ?? false
    openness.withLock { $0 = fits }
    return fits
  }

  /// The channels of a node that count most for a target.
  func channels(
    of picture: (id: String, picture: Picture), node: String, target request: TargetRequest, count: Int
  ) throws -> ChannelsDocument {
    let (asking, choice) = try explainer(for: picture).asking(described(request), nodes: [node])
    return try observing(picture) { observation, _ in
      let focused = try asking.ask(observation), target = try choice.targets(asking, of: focused)[0]
      let asked = try focused.narrowed(to: target), tap = try asked.taps(of: target)[0]
      return ChannelsDocument(tap, node: asking.model.nodesByTensor[asked.taps[0].tensor], count: count)
    }
  }

  /// The explainer for a picture, on which the model's extents may depend.
  private func explainer(for picture: (id: String, picture: Picture)) throws -> Explainer {
    guard try explainer.dependsOnData else { return explainer }
    return try observing(picture) { observation, _ in try explainer.deciding(by: observation) }
  }

  /// Forgets the run that is kept, and frees the memory that is kept for the next ones.
  func freeMemory() {
    last.withLock { $0 = nil }
    explainer.freeIdleMemory()
  }

  /// Lends the run of a picture, which is kept until another one is asked about.
  ///
  /// - Parameter body: receives whether the run is new.
  private func observing<Result>(
    _ picture: (id: String, picture: Picture), _ body: (Observation, _ isNew: Bool) throws -> Result
  ) throws -> Result {
    let known = last.withLock { last in
      defer { last = nil }
      return last?.image == picture.id ? last : nil
    }
    let run = try known ?? Run(image: picture.id, observation: explainer.observe(prepared(picture), isOpen: true))
    defer { last.withLock { $0 = run } }
    return try body(run.observation, known == nil)
  }

  private func prepared(_ picture: (id: String, picture: Picture)) throws -> PreparedImage {
    var contents = given
    contents[input] = .picture(picture.picture)
    return try explainer.prepare(contents)
  }
}

extension Explainer {
  /// The tensor of the feature map that `auto` means for a target about boxes, nil for any other, and if there are
  /// several.
  ///
  /// - Parameter request: what the explainer asks.
  ///
  /// Throws what asking throws.
  func source(of target: any Target, _ request: TargetRequest, in observation: Observation) throws -> String? {
    guard target.boxes != nil, let looking = try? asking(request, nodes: ["auto"]).0 else { return nil }
    let taps = try looking.ask(observation).narrowed(to: target).taps
    return taps.count == 1 ? taps[0].tensor : nil
  }
}
