import Graph
import Ops

/// A model planned for one input size and some taps, ready to explain images one after another.
///
/// Not for use by several threads at a time.
public final class Session {
  /// The model.
  public let model: Model
  /// The taps, in the order asked for.
  public let taps: [NodeCatalogue.Match]
  /// The size of the network's input.
  public let inputSize: PixelSize
  /// The raw scores of the last image.
  public private(set) var logits: [Float] = []

  /// The threads that it runs on.
  public let threadCount: Int

  private let executor: Executor

  /// Plans a model.
  ///
  /// - Parameters:
  ///   - nodes: names as `NodeCatalogue.match` takes them; empty means `auto`.
  ///   - inputs: contents of inputs other than the image, by name.
  ///   - threadCount: the threads to run on; nil means one a core.
  ///   - reusesWeights: whether many runs follow, so that packing weights pays.
  ///
  /// Throws `usage` for a node that cannot be found, has no spatial extent or cannot reach the score, and what
  /// planning throws.
  public init(
    _ model: Model, nodes: [String] = [], inputSize: PixelSize, inputs: [String: Tensor] = [:],
    threadCount: Int? = nil, reusesWeights: Bool = false
  ) throws {
    self.model = model
    self.inputSize = inputSize
    let pool = ThreadPool(threadCount: threadCount)
    self.threadCount = pool.threadCount
    do {
      let forward = try model.plan(
        size: inputSize, taps: [], inputs: inputs, threadCount: pool.threadCount, reusesWeights: false)
      let catalogue = NodeCatalogue(model, infos: forward.infos)
      taps = try (nodes.isEmpty ? ["auto"] : nodes).map(catalogue.match)
      for tap in taps { try Self.check(tap, forward.infos[tap.value]) }
      let plan = try model.plan(
        size: inputSize, taps: taps.map(\.value), inputs: inputs, threadCount: pool.threadCount,
        reusesWeights: reusesWeights)
      executor = Executor(plan, pool: pool)
      for (name, tensor) in inputs { try executor.set(try model.input(named: name), to: tensor) }
    } catch let error as GradCAMError {
      throw error.within(model.path)
    }
  }

  private static func check(_ tap: NodeCatalogue.Match, _ info: ValueInfo?) throws {
    guard let info else {
      throw GradCAMError(
        .usage, at: "--node \(tap.label)", problem: "the model's outputs do not depend on this node",
        advice: "choose a node that 'gradcam nodes' lists")
    }
    guard info.elementType.isFloatingPoint, info.shape.rank == 4 else {
      throw GradCAMError(
        .usage, at: "--node \(tap.label)",
        problem: "its tensor is \(info.elementType) of shape \(info.shape), which has no spatial extent to draw",
        advice: "choose a feature map (batch, channels, height, width) from 'gradcam nodes'")
    }
  }

  /// Runs the network on an image tensor.
  ///
  /// Throws `badData` where its shape is not the planned one.
  public func forward(_ image: Tensor) throws {
    try executor.set(model.imageInput, to: image)
    try executor.forward()
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
    var seed = model.head.seed(logits: logits, classIndex: classIndex, score: score)
    seed += [Float](repeating: 0, count: logits.count * (model.imageShape.batch - 1))
    try executor.backward(seed: seed)
  }

  /// Activation and gradient at a tap, of the batch's first image.
  public func tap(_ index: Int) -> Tap {
    let value = taps[index].value
    let activation = executor.contents(of: value), gradient = executor.gradient(of: value)
    let shape = activation.shape, count = shape.count(1..<4)
    return Tap(
      channels: shape[1], height: shape[2], width: shape[3], activation: Array(activation.floats.prefix(count)),
      gradient: Array(gradient.floats.prefix(count)))
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

  /// The floating-point operations of a forward pass.
  public var operationCount: Double { executor.plan.forwardOperationCount }
}

extension Model {
  /// Plans this model for images of a size.
  func plan(
    size: PixelSize, taps: [ValueID], inputs: [String: Tensor] = [:], threadCount: Int, reusesWeights: Bool
  ) throws -> Plan {
    var infos = [imageInput: ValueInfo(imageShape.elementType, imageShape.shape(for: size))]
    for (name, tensor) in inputs {
      let id = try input(named: name)
      infos[id] = ValueInfo(graph.values[id].elementType ?? tensor.elementType, tensor.shape)
    }
    let outputs = taps.isEmpty ? graph.outputs : [head.output]
    return try Plan(
      graph, operators: operators,
      request: PlanRequest(
        inputs: infos, outputs: outputs + [head.logits], taps: taps, target: taps.isEmpty ? nil : head.logits,
        kernels: KernelRequest(threadCount: threadCount, reusesWeights: reusesWeights)))
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
