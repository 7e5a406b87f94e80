import Graph
import Synchronization

/// Plans a model for inputs of one size, and caches its plans, the weights that they share, and memory to run in.
///
/// May be used from several threads.
public final class ModelPlanner: Sendable {
  /// The model.
  public let model: Model
  /// The size of the network's input.
  public let inputSize: PixelSize
  /// The threads to run on.
  public let pool: ThreadPool
  /// Whether many runs follow, so that packing weights pays off.
  let reusesWeights: Bool
  /// The image input that `auto` is about.
  private let pictured: ValueID
  /// Type and extents of all inputs; those given with contents are constants.
  private let inputs: [ValueID: ValueInfo]
  /// The network, with the contents of what is known to be constant.
  private let graph: ComputeGraph
  /// What a run told about extents.
  private let decisions: Decisions
  /// What is known without that.
  private let beforehand: InferredGraph?
  /// Whether some nodes select what they selected for one image.
  private let holdsSelections: Bool
  private let weights: PreparedWeights
  private let kept = Mutex(Kept())

  private struct Kept: @unchecked Sendable {
    var inferred: (wanted: Set<ValueID>, graph: InferredGraph)?
    var plans: [PlanKey: Plan] = [:]
    var catalogues: [[ValueID]: NodeCatalogue] = [:]
    /// What names were found to mean.
    var matches: [NodeQuestion: [NodeCatalogue.Match]] = [:]
    /// Idle memory, the most recently used last.
    var idle: [Run] = []
    /// Type and extents of values by the number of images of a batch.
    var batchInfos: [Int: [ValueID: ValueInfo]] = [:]
    /// The values downstream of which images cannot be computed in batches.
    var unbatched: Set<ValueID> = []
    /// The same model planned for what extents depend on in images, the most recently used last.
    var decided: [ModelPlanner] = []
    /// The same model with every attention taken apart.
    var apart: ModelPlanner?
    /// The same model with values that its file does not have.
    var extended: [[AddedValue]: ModelPlanner] = [:]
  }

  /// What a name means, as `NodeCatalogue.matches` finds it.
  private struct NodeQuestion: Hashable {
    let node: String
    let hint: FeatureMapHint
    let ends: [ValueID]
  }

  /// The number of plans, besides one per thread, whose idle memory is kept.
  private static let idleLimit = 4
  /// The number of planners, besides one per thread, that are kept for what extents depend on.
  private static let decidedLimit = 2

  /// Checks that a model takes images of a size.
  ///
  /// - Parameters:
  ///   - inputs: contents of inputs other than images, by name; shapes may depend on them.
  ///   - otherSizes: the sizes of image inputs after the first; by default those that the file fixes, else `inputSize`.
  ///   - pictured: the image input that `auto` is about; nil means the first.
  ///   - reusesWeights: whether many runs follow, so that packing weights pays off.
  ///
  /// Throws `usage` if the file fixes another size or there is no such input, `badData` if the input's type differs.
  public init(
    _ model: Model, inputSize: PixelSize, inputs: [String: Tensor] = [:], otherSizes: [ValueID: PixelSize] = [:],
    pictured: ValueID? = nil, pool: ThreadPool, reusesWeights: Bool = false
  ) throws {
    (self.model, self.inputSize, self.pool, self.reusesWeights) = (model, inputSize, pool, reusesWeights)
    self.pictured = pictured ?? model.imageInput
    (graph, decisions, beforehand, weights) = (model.graph, Decisions(), nil, PreparedWeights())
    holdsSelections = false
    self.inputs = try model.located {
      try model.check(inputSize)
      return try model.inputInfos(inputSize, inputs.mapValues { ValueInfo($0) }, otherSizes: otherSizes)
    }
  }

  /// The same as another planner, with another graph.
  ///
  /// - Parameters:
  ///   - model: the same model, at most with values that its file does not have; nil means the other planner's.
  ///   - holdsSelections: whether nodes of the graph select what they selected for one image.
  ///   - told: what a run told, and what was known without that; nil means what the other planner knows.
  ///   - weights: where weights are kept; nil means with those of the other planner.
  private init(
    _ other: ModelPlanner, model: Model? = nil, graph: ComputeGraph, holdsSelections: Bool? = nil,
    told: (decisions: Decisions, beforehand: InferredGraph)? = nil, weights: PreparedWeights? = nil
  ) {
    (self.model, self.graph) = (model ?? other.model, graph)
    (inputSize, pool, reusesWeights, pictured) = (other.inputSize, other.pool, other.reusesWeights, other.pictured)
    (inputs, self.weights) = (other.inputs, weights ?? other.weights)
    self.holdsSelections = holdsSelections ?? other.holdsSelections
    (decisions, beforehand) = (told?.decisions ?? other.decisions, told?.beforehand ?? other.beforehand)
  }

  /// The planner for the same model with values that its file does not have, from which targets are computed; itself if
  /// it has them already, else always the same one.
  func adding(_ values: [AddedValue]) -> ModelPlanner {
    let missing = values.filter { model.value(of: $0) == nil }
    guard !missing.isEmpty else { return self }
    return kept.withLock { kept in
      if let known = kept.extended[missing] { return known }
      let model = model.adding(missing)
      // What an image told of the graph is still known.
      let graph =
        isDecided || holdsSelections
        ? model.operators.resolving(missing.reduce(graph) { $1.add(to: $0).graph })
        : model.graph
      let planner = ModelPlanner(self, model: model, graph: graph)
      kept.extended[missing] = planner
      return planner
    }
  }

  /// The planner for the same model with other parameters, for the same images.
  ///
  /// - Parameter graph: as `Model.with` takes it.
  func with(_ graph: ComputeGraph) -> ModelPlanner {
    ModelPlanner(self, model: model.with(graph), graph: graph, weights: PreparedWeights())
  }

  /// The planner for the same model that selects for every image what it selects for one; itself if it ranks nothing.
  ///
  /// A place in a list that the network ranks, such as one of boxes, is about the same thing then.
  ///
  /// - Parameters:
  ///   - result: the value whose places count.
  ///   - contents: gives the contents of a value for the image.
  func holdingSelections(
    before result: ValueID, _ contents: (ValueID) throws -> Tensor
  ) throws -> ModelPlanner {
    guard !holdsSelections else { return self }
    let images = Set(model.imageInputs.map(\.value))
    let between = graph.downstream(of: images).intersection(graph.upstream(of: [result]))
    var held = graph, isSame = true
    for (index, node) in graph.nodes.enumerated() where node.results.contains(where: between.contains) {
      guard case .computed(let operation)? = node.operation?.form,
        let selecting = try operation.holding({ try contents(node.inputs[$0]!) })
      else { continue }
      held.nodes[index].operation = selecting
      isSame = false
    }
    return isSame ? self : ModelPlanner(self, graph: held, holdsSelections: true)
  }

  /// The planner for the same model with every fused attention taken apart, so that its softmax is one of the values;
  /// itself if none is fused.
  ///
  /// Throws what inferring extents throws.
  func takingAttentionApart() throws -> ModelPlanner {
    // What an image told is about nodes by their places.
    guard !isDecided, !holdsSelections, model.graph.nodes.contains(where: { $0.role == .attention }) else {
      return self
    }
    if let known = kept.withLock({ $0.apart }) { return known }
    let infos = try partlyInferred(reaching: Set(try reported())).infos
    let graph = try model.operators.expanding(model.graph, where: { $0.role == .attention }) { infos[$0] }
    guard graph.nodes.count > model.graph.nodes.count else { return self }
    // A body may hold another attention.
    let planner = try ModelPlanner(self, model: model.with(graph), graph: graph).takingAttentionApart()
    kept.withLock { $0.apart = planner }
    return planner
  }

  // MARK: What is known before any image

  /// Type and extents of the wanted values and all upstream of them, and contents of those independent of the image.
  ///
  /// Throws why a wanted value cannot be computed.
  func inferred(reaching wanted: Set<ValueID>) throws -> InferredGraph {
    let graph = try partlyInferred(reaching: wanted)
    try graph.require(wanted.sorted())
    return graph
  }

  /// The same, as far as the values can be computed.
  func partlyInferred(reaching wanted: Set<ValueID>) throws -> InferredGraph {
    let known = kept.withLock { $0.inferred }
    if let known, known.graph.covers(wanted) { return known.graph }
    let all = wanted.union(known?.wanted ?? [])
    let graph = try InferredGraph(
      graph, operators: model.operators, inputs: inputs, decisions: decisions, reaching: all)
    kept.withLock { $0.inferred = (all, graph) }
    return graph
  }

  // MARK: What an image tells

  /// Whether the extents of something that the model returns depend on the image.
  var dependsOnData: Bool {
    get throws {
      let values = model.graph.outputs + [model.head.logits], graph = try partlyInferred(reaching: Set(values))
      return values.contains(where: graph.dependsOnData)
    }
  }

  /// Whether contents of a value are known only for the image that it is planned for.
  func isDecided(_ value: ValueID) -> Bool { beforehand.map { $0.infos[value]?.constant == nil } ?? false }

  /// Whether it is planned for the extents that the model has for an image.
  var isDecided: Bool { !decisions.isEmpty }

  /// The same model, planned for the extents that it has for an image; itself if they depend on none.
  ///
  /// The network runs on the image if they do.
  func decided(for image: PreparedImage) throws -> ModelPlanner {
    guard try dependsOnData else { return self }
    return try model.located {
      let wanted = Set(model.graph.outputs + [model.head.logits]), inferred = try partlyInferred(reaching: wanted)
      let request = PlanRequest(
        inputs: inputs, outputs: wanted.sorted(),
        kernels: KernelRequest(threadCount: pool.threadCount, reusesWeights: reusesWeights, weights: weights))
      let decisions = try Decisions(
        inferred, operators: model.operators, request: request, contents: image.contents(for: model), pool: pool)
      let known = kept.withLock { kept -> ModelPlanner? in
        kept.decided.firstIndex { $0.decisions == decisions }.map { index in
          kept.decided.append(kept.decided.remove(at: index))
          return kept.decided.last!
        }
      }
      if let known { return known }
      let planner = ModelPlanner(self, graph: inferred.graph, told: (decisions, inferred))
      // What is dropped is deallocated outside the lock.
      let others = kept.withLock { kept in
        defer {
          kept.decided.append(planner)
          if kept.decided.count > Self.decidedLimit + pool.threadCount { kept.decided.removeFirst() }
        }
        return kept.decided
      }
      // Their memory has other extents.
      for other in others { other.freeIdleMemory() }
      return planner
    }
  }

  /// The values that every run keeps for its reports, as far as they can be computed: the first output and the class
  /// scores.
  func reported() throws -> [ValueID] {
    let values = [model.savedOutput, model.head.logits], graph = try partlyInferred(reaching: Set(values))
    return values.filter { graph.infos[$0] != nil }
  }

  /// The model's nodes, catalogued for an explained value, the last of `ends`, which are as `NodeCatalogue` takes them.
  ///
  /// Throws `unsupported` if targets cannot be computed from that value, and what planning throws.
  func catalogue(explaining ends: [ValueID]) throws -> NodeCatalogue {
    if let known = kept.withLock({ $0.catalogues[ends] }) { return known }
    let explained = ends.last!, infos = try inferred(reaching: Set(try reported() + ends)).infos
    try model.checkExplained(explained, infos[explained]!)
    let catalogue = NodeCatalogue(
      model, infos: infos, explaining: explained, of: ends, pictured: pictured,
      unknown: { [beforehand] in beforehand?.dependsOnData($0) ?? false })
    kept.withLock { $0.catalogues[ends] = catalogue }
    return catalogue
  }

  /// The class scores; if they are known only when an image runs, the values known before from which the rest is computed.
  private var usualEnds: [ValueID] {
    get throws {
      let scores = model.head.logits, graph = try partlyInferred(reaching: Set(model.graph.outputs + [scores]))
      let ends = graph.dependsOnData(scores) ? model.graph.ends(of: graph, dependingOn: model.imageInput) : []
      return ends.isEmpty ? [scores] : ends
    }
  }

  /// What is asked of images.
  ///
  /// - Parameters:
  ///   - explained: the value that targets are computed from; nil means the class scores.
  ///   - kept: other values whose elements are needed.
  ///   - nodes: names as `NodeCatalogue.matches` takes them; empty means `auto`.
  ///   - hint: what the dimensions of the nodes' tensors are, if the graph does not say.
  ///   - boxes: what a detector reads its boxes from; nil if no boxes are explained.
  ///   - visitsTaps: whether taps are visited one after another, only by `Observation.visit`.
  ///   - explainsAllImages: whether targets are computed from the value of all images of a run together.
  ///
  /// Throws `usage` for a node that cannot be found, has no spatial extent or is not upstream of the explained value,
  /// and `unsupported` if targets cannot be computed from that value.
  public func focus(
    explaining explained: ValueID? = nil, keeping kept: [ValueID] = [], nodes: [String] = [],
    hint: FeatureMapHint = FeatureMapHint(), reading boxes: BoxSources? = nil, visitsTaps: Bool = false,
    explainsAllImages: Bool = false
  ) throws -> Focus {
    try model.located {
      let isUsual = explained == nil, ends = try explained.map { [$0] } ?? usualEnds, explained = ends.last!
      let reported = try reported()
      let infos = try inferred(reaching: Set(reported + ends + kept)).infos
      let catalogue = try catalogue(explaining: ends)
      // Where to look is found when an image tells what the scores are computed from.
      let isOpen = explained != model.head.logits && isUsual && catalogue.auto == nil
      let taps = try (nodes.isEmpty ? ["auto"] : nodes).filter { !isOpen || $0 != "auto" }.flatMap { node in
        if let query = NodeCatalogue.Match.BoxQuery(rawValue: node),
          let found = try catalogue.matches(query, boxes, as: hint)
        {
          return found
        }
        let question = NodeQuestion(node: node, hint: hint, ends: ends)
        if let known = self.kept.withLock({ $0.matches[question] }) { return known }
        let found = try catalogue.matches(node, as: hint)
        self.kept.withLock { $0.matches[question] = found }
        return found
      }
      for tap in taps { try tap.check(infos[tap.value], catalogue) }
      return Focus(
        explained: explained, explainedInfo: infos[explained]!, taps: taps, explainsAllImages: explainsAllImages,
        explainsBoxes: boxes != nil, kept: kept, reported: reported, catalogue: catalogue, visitsTaps: visitsTaps)
    }
  }

  /// What is asked of images when no node is asked about: targets of a value.
  func focus(on explained: ExplainedValue) throws -> Focus {
    let value = explained.value, reported = try reported()
    return Focus(
      explained: value, explainedInfo: try inferred(reaching: Set(reported + [value])).infos[value]!, taps: [],
      explainsAllImages: explained.isOfAllImages, explainsBoxes: explained.isOfBoxes, kept: [], reported: reported,
      catalogue: try catalogue(explaining: [value]))
  }

  // MARK: Plans

  /// The plan for a key, made if there is none yet.
  ///
  /// Throws what planning throws, and `unsupported` if it needs more memory than the limit.
  func plan(_ key: PlanKey) throws -> Plan {
    if let known = kept.withLock({ $0.plans[key] }) { return known }
    let plan = try makePlan(key)
    let noun = model.imageShape.noun, unit = inputSize.rank == 2 ? " pixels" : ""
    try located("\(noun)s of \(inputSize)\(unit)") { try MemoryLimit.check(value: plan.arenaByteCount) }
    return kept.withLock { kept in
      // Another thread may have made it meanwhile.
      if kept.plans[key] == nil { kept.plans[key] = plan }
      return kept.plans[key]!
    }
  }

  private func makePlan(_ key: PlanKey) throws -> Plan {
    var kernels = KernelRequest(threadCount: pool.threadCount, reusesWeights: key.reusesWeights, weights: weights)
    kernels.roundsLittle = key.roundsLittle
    var request = PlanRequest(inputs: inputs, outputs: key.kept, taps: key.taps, target: key.target, kernels: kernels)
    request.rule = key.rule
    request.visitsTaps = key.visitsTaps
    request.isObservable = key.isObservable
    if let observing = key.observing {
      let observable = try plan(PlanKey(kept: observing, isObservable: true, reusesWeights: key.reusesWeights))
      request.observed = observable.observableValues.filter { $0 < model.graph.values.count }
    }
    if key.rule.referenceCount > 0 { return try plan(comparing: request) }
    guard !key.given.isEmpty else {
      return try Plan(inferred(reaching: key.wanted), operators: model.operators, request: request)
    }
    let infos = try infos(imageCount: key.imageCount, reaching: key.wanted.union(key.given))
    request.inputs = Dictionary(uniqueKeysWithValues: key.given.map { ($0, infos[$0]!) })
    request.inputs[key.given[0]]!.constant = nil
    request.decisions = decisions
    return try Plan(graph, operators: model.operators, request: request)
  }

  /// The plan for a request whose rule compares the network with copies of itself.
  private func plan(comparing request: PlanRequest) throws -> Plan {
    var request = request, graph = graph
    request.decisions = decisions
    for _ in 0..<request.rule.referenceCount {
      let copy = graph.addCopy(of: [model.imageInput])
      request.references.append(copy)
      request.inputs[copy.values[model.imageInput]!] = inputs[model.imageInput]
      request.decisions = request.decisions.copied(to: copy)
    }
    return try Plan(graph, operators: model.operators, request: request)
  }

  /// Type and extents of values for several images at a time.
  func infos(imageCount: Int, reaching wanted: Set<ValueID>) throws -> [ValueID: ValueInfo] {
    guard imageCount > 1 else { return try inferred(reaching: wanted).infos }
    if let known = kept.withLock({ $0.batchInfos[imageCount] }), wanted.allSatisfy({ known[$0] != nil }) {
      return known
    }
    var inputs = inputs
    inputs[model.imageInput]!.shape = inputs[model.imageInput]!.shape.repeated(imageCount)
    let graph = try InferredGraph(graph, operators: model.operators, inputs: inputs, reaching: wanted)
    try graph.require(wanted.sorted())
    kept.withLock { $0.batchInfos[imageCount] = graph.infos }
    return graph.infos
  }

  // MARK: Memory

  /// Memory for a plan: idle memory if there is any, else new.
  func run(_ key: PlanKey) throws -> Run {
    let idle = kept.withLock { kept -> Run? in kept.idle.lastIndex { $0.key == key }.map { kept.idle.remove(at: $0) } }
    return try idle ?? Run(key, plan(key), pool: pool)
  }

  /// Takes back memory after use.
  func recycle(_ run: Run) {
    let limit = Self.idleLimit + pool.threadCount
    // What is dropped is deallocated outside the lock.
    _ = kept.withLock { kept -> Run? in
      kept.idle.append(run)
      return kept.idle.count > limit ? kept.idle.removeFirst() : nil
    }
  }

  /// Frees the memory that is kept for the next runs.
  func freeIdleMemory() {
    // What is dropped is deallocated outside the lock.
    let (_, extended) = kept.withLock { kept in
      defer { kept.idle = [] }
      return (kept.idle, kept.extended.values)
    }
    for planner in extended { planner.freeIdleMemory() }
  }

  /// Whether several images may be computed at a time downstream of a value, unless they are found to influence one
  /// another: not if extents or selections are those of one image.
  func mayBatch(after value: ValueID) -> Bool {
    decisions.isEmpty && !holdsSelections && kept.withLock { !$0.unbatched.contains(value) }
  }

  /// Records that images cannot be computed in batches downstream of a value.
  func forbidBatches(after value: ValueID) { kept.withLock { _ = $0.unbatched.insert(value) } }

  /// Whether a number of observations at a time fit into half of the memory that models may take.
  func fitsMemory(_ count: Int, _ focus: Focus) throws -> Bool {
    try plan(key(focus)).arenaByteCount * count <= MemoryLimit.byteCount / 2
  }

  /// Whether an open observation, with a walk back from it to all taps of a focus, fits into half of that memory.
  func fitsMemoryOpen(_ focus: Focus) throws -> Bool {
    let taps = focus.taps.map(\.value), kept = Set(try reported() + [focus.explained] + taps).sorted()
    let open = PlanKey(kept: kept, isObservable: true, reusesWeights: reusesWeights)
    let walk = PlanKey(taps: taps, target: focus.explained, observing: kept, reusesWeights: reusesWeights)
    return try makePlan(open).arenaByteCount + makePlan(walk).arenaByteCount <= MemoryLimit.byteCount / 2
  }

  /// Makes the system provide all memory that an observation needs in advance, instead of page by page while it runs.
  package func touchMemory(_ focus: Focus) throws {
    let run = try run(key(focus))
    run.executor.touchMemory()
    recycle(run)
  }

  func key(_ focus: Focus) -> PlanKey {
    PlanKey(
      kept: focus.reported + [focus.explained] + focus.kept, taps: focus.taps.map(\.value),
      target: focus.explained, visitsTaps: focus.visitsTaps, reusesWeights: reusesWeights)
  }

  /// The floating-point operations of a forward pass.
  public func operationCount(_ focus: Focus) throws -> Double { try plan(key(focus)).forwardOperationCount }

  // MARK: Errors

  /// The error for a class score to be explained when the explained value is not one number per class.
  public func noClassScores(_ focus: Focus) -> GradCAMError {
    let graph = try? partlyInferred(reaching: Set(model.graph.outputs))
    let outputs = graph.map { model.outputs($0) } ?? [], name = model.graph.values[focus.explained].name
    let isContrary = model.head.evidence == .contrary && focus.explained == model.head.logits
    let isMeasurement = focus.catalogue.isMeasurement
    let expected =
      isContrary
      ? "and its name, or what made it, says that it holds no scores of classes"
      : isMeasurement
        ? "and nothing says that it is the score of a class"
        : "expected one score for each class: \(model.imageShape.batch)×classes"
    let choice: Message = isContrary || isMeasurement ? "give \(.outputName, as: name) if it does hold them; else " : ""
    return GradCAMError(
      .unsupported, at: "\(model.path)", "output '\(name)'",
      problem: "has shape \(focus.explainedInfo.shape), \(expected)",
      advice: "\(choice)say what to explain: \(.class, as: "N") of a segmentation, also with \(.mask, as: "PNG"); "
        + "\(.detection, as: "K") of boxes; \(.embedding, as: "FILE"); "
        + "or \(.target, as: "'OUTPUT[…]'") of the outputs \(outputs.description)")
  }
}
