import Graph
import Ops

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A model planned for one input size, some taps and the value that is explained, ready for images one after another.
///
/// Not for use by several threads at a time.
public final class Session {
  /// The model.
  public let model: Model
  /// The nodes of the model.
  public let catalogue: NodeCatalogue
  /// The taps, in the order asked for.
  public let taps: [NodeCatalogue.Match]
  /// The size of the network's input.
  public let inputSize: PixelSize
  /// The value that targets are numbers of.
  public let explained: ValueID
  /// The elements of that value, of the last image.
  public private(set) var contents: [Float] = []
  /// Whether the model's scores are one number a class.
  public var hasClassScores: Bool { catalogue.hasClassScores }

  /// The threads that it runs on.
  public var threadCount: Int { pool.threadCount }

  /// Whether taps are seen one after another.
  var visitsTaps: Bool { executor.plan.request.visitsTaps }

  let executor: Executor
  /// The threads that it runs on.
  package let pool: ThreadPool
  /// Told how often the network ran, or what of it lies behind a tap, while a method asks its probe.
  var passed: (Int) -> Void = { _ in }
  /// Rises with every image.
  private var imageNumber = 0
  /// Tails that methods asked for, each with the number of the image that it has.
  private var tails: [ValueID: (tail: Tail, imageNumber: Int)] = [:]
  /// Walks back other than the plan's own that methods asked for.
  var backpropagations: [Backpropagation: Executor] = [:]
  /// A session on this plan for other images, and other scores of this one.
  private(set) lazy var companion = Session(sharing: self)

  /// Plans a model.
  ///
  /// - Parameters:
  ///   - explained: the value that targets are numbers of; nil means the class scores.
  ///   - kept: values besides, whose elements are wanted.
  ///   - nodes: names as `NodeCatalogue.matches` takes them; empty means `auto`.
  ///   - hint: what the dimensions of the nodes' tensors are, where the graph does not tell.
  ///   - inputs: contents of inputs other than the image, by name; shapes may depend on them.
  ///   - threadCount: the threads to run on; nil means one a core.
  ///   - reusesWeights: whether many runs follow, so that packing weights pays.
  ///   - visitsTaps: whether taps are seen one after another, by `backward(from:visit:)` alone.
  ///
  /// Throws `usage` for a node that cannot be found, has no spatial extent or does not reach what is explained,
  /// `unsupported` where that has no gradient, and what planning throws.
  public init(
    _ model: Model, explaining explained: ValueID? = nil, keeping kept: [ValueID] = [], nodes: [String] = [],
    hint: FeatureMapHint = FeatureMapHint(),
    inputSize: PixelSize,
    inputs: [String: Tensor] = [:],
    threadCount: Int? = nil, reusesWeights: Bool = false, visitsTaps: Bool = false
  ) throws {
    self.model = model
    self.inputSize = inputSize
    let pool = ThreadPool(threadCount: threadCount)
    self.pool = pool
    let value = explained ?? model.head.logits
    self.explained = value
    (catalogue, taps, executor) = try model.located {
      try model.check(inputSize)
      let inputInfos = inputs.mapValues { ValueInfo($0) }
      let wanted = [model.head.output, model.head.logits, value] + kept
      let inferred = try model.inferred(size: inputSize, inputs: inputInfos, reaching: Set(wanted))
      let infos = inferred.infos
      try model.checkExplained(value, infos[value]!)
      let catalogue = NodeCatalogue(model, infos: infos, explaining: value)
      let taps = try (nodes.isEmpty ? ["auto"] : nodes).flatMap { try catalogue.matches($0, as: hint) }
      for tap in taps { try Self.check(tap, infos[tap.value], catalogue) }
      let plan = try model.plan(
        inferred, keeping: wanted, explaining: value, taps: taps.map(\.value),
        inputs: try model.inputInfos(inputSize, inputInfos),
        kernels: KernelRequest(threadCount: pool.threadCount, reusesWeights: reusesWeights), visitsTaps: visitsTaps)
      try plan.checkMemory(inputSize)
      return (catalogue, taps, Executor(plan, pool: pool))
    }
  }

  /// A session on the plan and the threads of another, with memory of its own: the two may run at a time.
  init(sharing other: Session) {
    model = other.model
    catalogue = other.catalogue
    taps = other.taps
    explained = other.explained
    inputSize = other.inputSize
    pool = other.pool
    executor = Executor(other.executor.plan, pool: other.pool)
  }

  private static func check(_ tap: NodeCatalogue.Match, _ info: ValueInfo?, _ catalogue: NodeCatalogue) throws {
    guard let info, catalogue.reachesExplained(tap.value) else {
      throw GradCAMError(
        .usage, at: "\(.node, tap.label)",
        problem: "what is explained, '\(catalogue.explainedName)', does not depend on this node",
        advice: "choose a node that \(listing: .nodes) lists")
    }
    guard info.elementType.isFloatingPoint, info.shape.count > 0, tap.layout != nil else {
      throw GradCAMError(
        .usage, at: "\(.node, tap.label)",
        problem: "its tensor is \(info.elementType) of shape \(info.shape), which has no known spatial extent to draw",
        advice: "choose a feature map from \(listing: .nodes), or say how it lies with \(.grid, as: "HxW") or "
          + "\(.axis, as: "channels=last")")
    }
  }

  /// Has the system give all memory that the passes need, which it would else give while they run.
  package func touchMemory() { executor.touchMemory() }

  /// Runs the network on an image tensor.
  ///
  /// Throws `badData` where its shape is not the planned one.
  public func forward(_ image: Tensor) throws {
    try executor.set(model.imageInput, to: image)
    try executor.forward()
    imageNumber += 1
    contents = elements(of: explained)
  }

  /// The elements of a value that the plan keeps, of the last image.
  func elements(of value: ValueID) -> [Float] {
    executor.withElements(of: value) { Array(model.imageShape.images.first(of: $0)) }
  }

  /// The raw scores of the last image, as `ScoreHead` reads them; empty where they are not one number a class.
  public var logits: [Float] {
    !hasClassScores ? [] : explained == model.head.logits ? contents : elements(of: model.head.logits)
  }

  /// The model's first output for the last image.
  public var output: Tensor { executor.contents(of: model.head.output) }

  /// The number of classes that the model gives scores, of the image or of its positions; 0 where it does not.
  public var classCount: Int { catalogue.classCount }

  /// Whether targets are numbers of the class scores.
  var explainsClassScores: Bool { hasClassScores && explained == model.head.logits }

  /// The shape of the value that is explained, for one image.
  public var explainedShape: Shape { model.imageShape.images.shapeOfOne(executor.plan.infos[explained]!.shape)! }

  /// The score of a class, where class scores are explained.
  ///
  /// Throws `usage` where there is no such class, `unsupported` where something else is explained.
  public func target(classIndex: Int, label: String? = nil, score: ScoreKind = .logit) throws -> ClassTarget {
    guard explainsClassScores else { throw noClassScores }
    try checkClass(classIndex)
    return ClassTarget(classIndex, label: label, kind: score, head: model.head)
  }

  /// Throws `usage` where there is no such class.
  package func checkClass(_ classIndex: Int) throws {
    guard (0..<classCount).contains(classIndex) else { throw GradCAMError.noClass(classIndex, of: classCount) }
  }

  /// The error where a class's score is to be explained, but the value explained is not one number a class.
  public var noClassScores: GradCAMError {
    let image = model.imageInput, inputs = executor.plan.request.inputs.filter { $0.key != image }
    let outputs = model.outputs(
      inputSize, inputs: Dictionary(uniqueKeysWithValues: inputs.map { (model.graph.values[$0].name, $1) }))
    return GradCAMError(
      .unsupported, at: "\(model.path)", "output '\(model.graph.values[explained].name)'",
      problem: "has shape \(executor.plan.infos[explained]!.shape) where one score for each class is expected, as "
        + "\(model.imageShape.batch)×classes",
      advice: "say what to explain: \(.class, as: "N") of a segmentation, also with \(.mask, as: "PNG"); "
        + "\(.detection, as: "K") of boxes; \(.embedding, as: "FILE"); "
        + "or \(.target, as: "'OUTPUT[…]'") of the outputs \(outputs.description)")
  }

  /// Walks back from a target; `tap(_:)` then has the gradients.
  ///
  /// - Parameter target: a number made of the value that is explained.
  ///
  /// Throws what the target throws.
  public func backward(from target: any Target) throws { try executor.backward(seed: try seed(target)) }

  /// Walks back from a target, and shows each tap on the way or, where the session does not visit taps, at the end.
  ///
  /// - Parameter visit: takes the number of a tap, of which `tap(_:)` then has activation and gradient.
  func backward(from target: any Target, visit: (Int) throws -> Void) throws {
    try executor.backward(seed: seed(target)) { value in
      for index in taps.indices where taps[index].value == value { try visit(index) }
    }
    if !visitsTaps { try taps.indices.forEach(visit) }
  }

  /// Walks back from a class's score; `tap(_:)` then has the gradients.
  ///
  /// Throws what `target(classIndex:)` throws.
  public func backward(classIndex: Int, score: ScoreKind = .logit) throws {
    try backward(from: target(classIndex: classIndex, score: score))
  }

  /// Where numbers that are not finite come from, for the last image.
  func nonFiniteSource(_ target: any Target) throws -> NonFiniteSource {
    guard !visitsTaps else { return .untold }
    if image.elementType.storage == .float32, image.floats.contains(where: { !$0.isFinite }) { return .image }
    return try executor.nonFiniteOrigin(seed: try seed(target)).map { .node(model.describe($0), $0) } ?? .method
  }

  /// The gradient of a target with respect to the whole value explained.
  func seed(_ target: any Target) throws -> [Float] {
    model.imageShape.images.seed(padding: try target.gradient(contents))
  }

  /// The last image.
  var image: Tensor { executor.contents(of: model.imageInput) }

  /// The activation at a tap as the model has it: of every image, its dimensions in the model's order.
  func activation(_ index: Int) -> Tensor { executor.contents(of: taps[index].value) }

  /// The gradient at a tap, laid out as the activation.
  func gradient(_ index: Int) -> Tensor { executor.gradient(of: taps[index].value) }

  /// The model behind a tap, for the last image, its scores rounded little: differences of them are to be told.
  public func tail(_ index: Int) throws -> Tail {
    var kernels = executor.plan.request.kernels
    kernels.roundsLittle = true
    return try model.located {
      try Tail(
        behind: taps[index].value, explaining: explained, of: model, in: executor, contents: contents, pool: pool,
        kernels: kernels)
    }
  }

  /// The model behind a value that the plan keeps, for the last image, made for many runs and kept for the next image.
  func tail(behind value: ValueID) throws -> Tail {
    try model.located {
      if let (tail, number) = tails[value] {
        if number != imageNumber { try tail.takeImage(from: executor, contents: contents) }
        tails[value] = (tail, imageNumber)
        return tail
      }
      let kernels = KernelRequest(threadCount: executor.plan.request.kernels.threadCount, reusesWeights: true)
      let tail = try Tail(
        behind: value, explaining: explained, of: model, in: executor, contents: contents, pool: pool, kernels: kernels)
      tails[value] = (tail, imageNumber)
      return tail
    }
  }

  /// What methods may ask about a target of the last image, seen at a tap.
  public func probe(_ index: Int, of target: any Target) -> Probe { Probe(self, tap: index, target: target) }

  /// What methods may ask about the last image's score of a class, seen at a tap.
  ///
  /// Throws what `target(classIndex:)` throws.
  public func probe(_ index: Int, classIndex: Int, score: ScoreKind = .logit) throws -> Probe {
    try probe(index, of: target(classIndex: classIndex, score: score))
  }

  /// The node on the way from the score back to the taps whose derivative is an estimate, as messages name it; nil
  /// where every derivative is the true one.
  var estimatedGradient: String? {
    executor.plan.estimatedGradients.last.map(executor.plan.graph.describe)
  }

  /// Activation and gradient at a tap, of the batch's first image.
  public func tap(_ index: Int) -> Tap {
    executor.tap(taps[index].value, taps[index].layout!)
  }

  /// The time of every step for the last image, walking back from a target where one is given.
  public func profile(_ target: (any Target)?) throws -> [Executor.StepTiming] {
    try executor.profile(seed: try target.map(seed))
  }

  /// Whether a quarter of the machine's memory holds so many sessions on this plan.
  func fitsMemory(_ count: Int) -> Bool { executor.plan.arenaByteCount * count <= physicalByteCount / 4 }

  /// The floating-point operations of a forward pass.
  public var operationCount: Double { executor.plan.forwardOperationCount }
}

extension Model {
  /// Plans this model: forward, and back from what is explained to the taps where there are any.
  fileprivate func plan(
    _ inferred: InferredGraph, keeping kept: [ValueID], explaining explained: ValueID, taps: [ValueID],
    inputs: [ValueID: ValueInfo], kernels: KernelRequest, visitsTaps: Bool
  ) throws -> Plan {
    var request = PlanRequest(
      inputs: inputs, outputs: kept, taps: taps, target: taps.isEmpty ? nil : explained, kernels: kernels)
    request.visitsTaps = visitsTaps
    return try Plan(inferred, operators: operators, request: request)
  }

  /// Type and extents of every value that some need, for images of a size.
  func inferred(
    size: PixelSize, inputs: [String: ValueInfo] = [:], reaching wanted: Set<ValueID>
  ) throws -> InferredGraph {
    try InferredGraph(graph, operators: operators, inputs: try inputInfos(size, inputs), reaching: wanted)
  }

  fileprivate func inputInfos(_ size: PixelSize, _ inputs: [String: ValueInfo]) throws -> [ValueID: ValueInfo] {
    var infos: [ValueID: ValueInfo] = [:]
    for (name, info) in inputs {
      let id = try input(named: name)
      let declared = graph.values[id].elementType ?? info.elementType
      guard declared.storage == info.elementType.storage else {
        throw GradCAMError(
          .badData, at: "input '\(name)'", problem: "is \(info.elementType) where \(declared) is expected")
      }
      infos[id] = info
    }
    infos[imageInput] = ValueInfo(imageShape.elementType, imageShape.shape(for: size))
    return infos
  }

  /// Runs something about this model, naming its file in errors.
  func located<Result>(_ body: () throws -> Result) throws -> Result { try Graph.located(path, body) }

  /// Throws `usage` where the file fixes another size of its input.
  fileprivate func check(_ size: PixelSize) throws {
    guard !imageShape.admits(size) else { return }
    let fixed = "\(imageShape.width.map(String.init) ?? "any")x\(imageShape.height.map(String.init) ?? "any")"
    throw GradCAMError(
      .usage, at: "\(.size, size)", problem: "the model's input '\(graph.values[imageInput].name)' takes \(fixed)",
      advice: "leave \(.size) out, or export the model with dynamic height and width")
  }

  /// Whether the scores are one number a class.
  func hasClassScores(_ infos: [ValueID: ValueInfo]) -> Bool {
    let info = infos[head.logits]!
    guard let extents = imageShape.images.extents(of: info.shape) else { return false }
    return info.elementType.isFloatingPoint && extents.count(where: { $0 != 1 }) <= 1 && info.shape.count > 0
  }

  /// Throws `unsupported` where a value is not one that targets can be made of.
  fileprivate func checkExplained(_ value: ValueID, _ info: ValueInfo) throws {
    let place: Message = "'\(graph.values[value].name)'"
    guard info.elementType.isFloatingPoint, info.shape.count > 0 else {
      throw GradCAMError(
        .unsupported, at: place, problem: "is \(info.elementType) of shape \(info.shape), which has no gradient",
        advice: "name a value of floating-point numbers before it with \(.target)")
    }
    guard imageShape.images.shapeOfOne(info.shape) != nil else {
      throw GradCAMError(
        .unsupported, at: place,
        problem: "has shape \(info.shape), which is not divided among the \(imageShape.batch) images of a run",
        advice: "export the model for one image")
    }
  }

  /// The input of a name.
  ///
  /// Throws `usage` listing the names.
  func input(named name: String) throws -> ValueID {
    guard let id = graph.inputs.first(where: { graph.values[$0].name == name }) else {
      let names = graph.inputs.map { "'\(graph.values[$0].name)'" }.joined(separator: ", ")
      throw GradCAMError(
        .usage, at: "\(.tensor, name)", problem: "the model has no such input", advice: "its inputs are \(names)")
    }
    return id
  }
}

/// The memory of this machine.
private var physicalByteCount: Int { sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) }

extension Plan {
  /// Throws `unsupported` where a run would need more memory than the machine has.
  func checkMemory(_ size: PixelSize) throws {
    let available = physicalByteCount
    guard arenaByteCount > available else { return }
    throw GradCAMError(
      .unsupported, at: "\(.size, size)",
      problem: "needs \(arenaByteCount >> 20) MiB of memory where this machine has \(available >> 20) MiB",
      advice: "give a smaller \(.size)")
  }
}

extension Shape {
  /// Height and width of an image tensor or feature map of rank 4.
  public func imageSize(_ layout: ImageShape.Layout) -> PixelSize {
    layout == .nchw ? PixelSize(width: self[3], height: self[2]) : PixelSize(width: self[2], height: self[1])
  }
}

extension Model {
  /// How messages name the node of a file that something was found at when its plan ran, and the plugin that brings it.
  fileprivate func describe(_ origin: NonFiniteOrigin) -> String {
    let nodes = graph.nodes
    let index =
      nodes.firstIndex { !origin.node.isEmpty && $0.name == origin.node }
      ?? nodes.firstIndex { $0.outputs.contains(origin.output) }
    guard let index else { return "node '\(origin.node)'" }
    let provider = operators.provider(of: nodes[index].operatorName)
    return graph.describe(node: index) + (provider.map { " of \($0)" } ?? "")
  }
}
