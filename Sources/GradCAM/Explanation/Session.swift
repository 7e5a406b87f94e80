import Graph
import Ops

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A model planned for one input size and some taps, ready to explain images one after another.
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
  /// The raw scores of the last image.
  public private(set) var logits: [Float] = []

  /// The threads that it runs on.
  public var threadCount: Int { pool.threadCount }

  private let executor: Executor
  let pool: ThreadPool
  /// Rises with every image.
  private var imageNumber = 0
  /// Tails that methods asked for, each with the number of the image that it has.
  private var tails: [ValueID: (tail: Tail, imageNumber: Int)] = [:]
  /// A session on this plan for other images, and other scores of this one.
  private(set) lazy var companion = Session(sharing: self)

  /// Plans a model.
  ///
  /// - Parameters:
  ///   - nodes: names as `NodeCatalogue.match` takes them; empty means `auto`.
  ///   - hint: what the dimensions of the nodes' tensors are, where the graph does not tell.
  ///   - inputs: contents of inputs other than the image, by name; shapes may depend on them.
  ///   - threadCount: the threads to run on; nil means one a core.
  ///   - reusesWeights: whether many runs follow, so that packing weights pays.
  ///
  /// Throws `usage` for a node that cannot be found, has no spatial extent or cannot reach the score, and what
  /// planning throws.
  public init(
    _ model: Model, nodes: [String] = [], hint: FeatureMapHint = FeatureMapHint(), inputSize: PixelSize,
    inputs: [String: Tensor] = [:],
    threadCount: Int? = nil, reusesWeights: Bool = false
  ) throws {
    self.model = model
    self.inputSize = inputSize
    let pool = ThreadPool(threadCount: threadCount)
    self.pool = pool
    (catalogue, taps, executor) = try model.located {
      try model.check(inputSize)
      let inputInfos = inputs.mapValues { ValueInfo($0) }
      let inferred = try model.inferred(size: inputSize, inputs: inputInfos), infos = inferred.infos
      try model.checkScores(infos)
      let catalogue = NodeCatalogue(model, infos: infos)
      let taps = try (nodes.isEmpty ? ["auto"] : nodes).map { try catalogue.match($0, as: hint) }
      for tap in taps { try Self.check(tap, infos[tap.value]) }
      let plan = try model.plan(
        inferred, taps: taps.map(\.value), inputs: try model.inputInfos(inputSize, inputInfos),
        kernels: KernelRequest(threadCount: pool.threadCount, reusesWeights: reusesWeights))
      try plan.checkMemory(inputSize)
      return (catalogue, taps, Executor(plan, pool: pool))
    }
  }

  /// A session on the plan and the threads of another, with memory of its own: the two may run at a time.
  init(sharing other: Session) {
    model = other.model
    catalogue = other.catalogue
    taps = other.taps
    inputSize = other.inputSize
    pool = other.pool
    executor = Executor(other.executor.plan, pool: other.pool)
  }

  private static func check(_ tap: NodeCatalogue.Match, _ info: ValueInfo?) throws {
    guard let info else {
      throw GradCAMError(
        .usage, at: "--node \(tap.label)", problem: "the model's scores do not depend on this node",
        advice: "choose a node that 'gradcam nodes' lists")
    }
    guard info.elementType.isFloatingPoint, info.shape.count > 0, tap.layout != nil else {
      throw GradCAMError(
        .usage, at: "--node \(tap.label)",
        problem: "its tensor is \(info.elementType) of shape \(info.shape), which has no known spatial extent to draw",
        advice: "choose a feature map from 'gradcam nodes', or say how it lies with --grid HxW or --axis channels=last")
    }
  }

  /// Runs the network on an image tensor.
  ///
  /// Throws `badData` where its shape is not the planned one.
  public func forward(_ image: Tensor) throws {
    try executor.set(model.imageInput, to: image)
    try executor.forward()
    imageNumber += 1
    let scores = executor.contents(of: model.head.logits)
    logits = Array(scores.floats.prefix(scores.shape.count / model.imageShape.batch))
  }

  /// The model's first output for the last image.
  public var output: Tensor { executor.contents(of: model.head.output) }

  /// Walks back from a class's score; `tap(_:)` then has the gradients.
  ///
  /// Throws `usage` where there is no such class.
  public func backward(classIndex: Int, score: ScoreKind = .logit) throws {
    guard logits.indices.contains(classIndex) else {
      throw GradCAMError(
        .usage, at: "--class \(classIndex)", problem: "the model has \(logits.count) classes",
        advice: "use 0 to \(logits.count - 1)")
    }
    try backward(seed: model.head.seed(logits: logits, classIndex: classIndex, score: score))
  }

  /// Walks back from a linear combination of the raw scores.
  ///
  /// - Parameter seed: the weight of each.
  func backward(seed: [Float]) throws {
    try executor.backward(seed: seed + [Float](repeating: 0, count: logits.count * (model.imageShape.batch - 1)))
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
      try Tail(behind: taps[index].value, of: model, in: executor, logits: logits, pool: pool, kernels: kernels)
    }
  }

  /// The model behind a value that the plan keeps, for the last image, made for many runs and kept for the next image.
  func tail(behind value: ValueID) throws -> Tail {
    try model.located {
      if let (tail, number) = tails[value] {
        if number != imageNumber { try tail.takeImage(from: executor, logits: logits) }
        tails[value] = (tail, imageNumber)
        return tail
      }
      let kernels = KernelRequest(threadCount: executor.plan.request.kernels.threadCount, reusesWeights: true)
      let tail = try Tail(behind: value, of: model, in: executor, logits: logits, pool: pool, kernels: kernels)
      tails[value] = (tail, imageNumber)
      return tail
    }
  }

  /// What methods may ask about the last image's score of a class, seen at a tap.
  public func probe(_ index: Int, classIndex: Int, score: ScoreKind = .logit) -> Probe {
    Probe(self, tap: index, classIndex: classIndex, score: score)
  }

  /// The node on the way from the score back to the taps whose derivative is an estimate, as messages name it; nil
  /// where every derivative is the true one.
  var estimatedGradient: String? {
    executor.plan.estimatedGradients.last.map(executor.plan.graph.describe)
  }

  /// Activation and gradient at a tap, of the batch's first image.
  public func tap(_ index: Int) -> Tap {
    let layout = taps[index].layout!, value = taps[index].value
    return Tap(
      channels: layout.channels, height: layout.height, width: layout.width,
      activation: executor.withElements(of: value, layout.gather),
      gradient: executor.withGradient(of: value, layout.gather))
  }

  /// The time of every step for the last image, walking back from a class where one is given.
  public func profile(classIndex: Int?) throws -> [Executor.StepTiming] {
    try executor.profile(
      seed: classIndex.map { index in
        model.head.seed(logits: logits, classIndex: index, score: .logit)
          + [Float](repeating: 0, count: logits.count * (model.imageShape.batch - 1))
      })
  }

  /// The number of scores that the model gives an image.
  public var classCount: Int { executor.plan.infos[model.head.logits]!.shape.count / model.imageShape.batch }

  /// Whether a quarter of the machine's memory holds so many sessions on this plan.
  func fitsMemory(_ count: Int) -> Bool { executor.plan.arenaByteCount * count <= physicalByteCount / 4 }

  /// The floating-point operations of a forward pass.
  public var operationCount: Double { executor.plan.forwardOperationCount }
}

extension Model {
  /// Plans this model: forward, and back from the scores to the taps where there are any.
  fileprivate func plan(
    _ inferred: InferredGraph, taps: [ValueID], inputs: [ValueID: ValueInfo], kernels: KernelRequest
  ) throws -> Plan {
    try Plan(
      inferred, operators: operators,
      request: PlanRequest(
        inputs: inputs, outputs: [head.output, head.logits], taps: taps, target: taps.isEmpty ? nil : head.logits,
        kernels: kernels))
  }

  /// Type and extents of every value that the scores need, for images of a size.
  func inferred(size: PixelSize, inputs: [String: ValueInfo] = [:]) throws -> InferredGraph {
    try InferredGraph(
      graph, operators: operators, inputs: try inputInfos(size, inputs), reaching: [head.output, head.logits])
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
      .usage, at: "--size \(size)", problem: "the model's input '\(graph.values[imageInput].name)' takes \(fixed)",
      advice: "leave --size out, or export the model with dynamic height and width")
  }

  /// Throws `unsupported` where the scores are not one number a class.
  fileprivate func checkScores(_ infos: [ValueID: ValueInfo]) throws {
    let shape = infos[head.logits]!.shape
    let perImage = shape.rank > 1 || imageShape.batch > 1 ? Array(shape.dimensions.dropFirst()) : shape.dimensions
    guard
      shape.rank > 0 ? shape.rank == 1 && imageShape.batch == 1 || shape[0] == imageShape.batch : imageShape.batch == 1,
      perImage.count(where: { $0 != 1 }) <= 1, shape.count > 0
    else {
      throw GradCAMError(
        .unsupported, at: "output '\(graph.values[head.logits].name)'",
        problem: "has shape \(shape) where one score for each class is expected, as \(imageShape.batch)×classes",
        advice: "explain a classifier; for a detector or a segmentation network, export one that ends in class scores")
    }
  }

  /// The input of a name.
  ///
  /// Throws `usage` listing the names.
  func input(named name: String) throws -> ValueID {
    guard let id = graph.inputs.first(where: { graph.values[$0].name == name }) else {
      let names = graph.inputs.map { "'\(graph.values[$0].name)'" }.joined(separator: ", ")
      throw GradCAMError(
        .usage, at: "--tensor \(name)", problem: "the model has no such input", advice: "its inputs are \(names)")
    }
    return id
  }
}

/// The memory of this machine.
private var physicalByteCount: Int { sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) }

extension Plan {
  /// Throws `unsupported` where a run would need more memory than the machine has.
  fileprivate func checkMemory(_ size: PixelSize) throws {
    let available = physicalByteCount
    guard arenaByteCount > available else { return }
    throw GradCAMError(
      .unsupported, at: "--size \(size)",
      problem: "needs \(arenaByteCount >> 20) MiB of memory where this machine has \(available >> 20) MiB",
      advice: "give a smaller --size")
  }
}

extension Shape {
  /// Height and width of an image tensor or feature map of rank 4.
  public func imageSize(_ layout: ImageShape.Layout) -> PixelSize {
    layout == .nchw ? PixelSize(width: self[3], height: self[2]) : PixelSize(width: self[2], height: self[1])
  }
}
