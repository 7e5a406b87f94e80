import Graph

/// The places of a network at which a map can be taken, with their names.
public struct NodeCatalogue: Sendable {
  /// One node.
  public struct Entry: Sendable {
    /// The position in the file's order, as in `#index`.
    public let index: Int
    /// The node's name, or that of the function's call whose result it computes; may be empty.
    public let name: String
    /// The name of its first output.
    public let tensor: String
    /// The PyTorch module that computed it, if the file names it, with `:k` for a call other than the last.
    public let module: String?
    /// The operator.
    public let operatorName: OperatorName
    /// The extents of the first output; nil if the model's outputs do not need it, or if they depend on the image.
    public let shape: Shape?
    /// Whether the extents of the first output are known only when the model runs on an image.
    public let dependsOnData: Bool
    /// Whether a map can be taken here: a feature map or a grid of tokens, between the image and the score, in which
    /// not only the class token can change the score.
    public let isMappable: Bool
    /// Whether `auto` means this one.
    public let isAuto: Bool
  }

  /// A tap that a name resolved to.
  public struct Match: Sendable {
    /// The tensor.
    public let value: ValueID
    /// The tensor's name in the file.
    public let tensor: String
    /// Where its elements lie in the picture; nil if it is not a feature map.
    public internal(set) var layout: FeatureMapLayout?
    /// The number of items along the first dimension, if it is a feature map only item by item.
    var itemCount: Int?
    /// Its name in pictures and reports: the one that the user gave, or for `auto` the module path or tensor.
    public let label: String
    /// What the user should know about the match, such as a module that shares the tensor, or tokens left out.
    public internal(set) var notes: [String]
    /// If it is one of the feature maps that a detector reads boxes from, which of them together are one answer to a
    /// name: what reads it, and whether those count that a box is not read from.
    var part: BoxPart?

    /// One of the feature maps that a detector reads its boxes from.
    struct BoxPart: Sendable, Equatable {
      /// The value of which each cell holds the numbers of boxes.
      let source: ValueID
      /// The name that it answers.
      let query: BoxQuery
    }

    /// A name for the feature maps of a detector.
    enum BoxQuery: String, Sendable {
      /// The one that the box is read from.
      case auto
      /// All.
      case headInputs = "head-inputs"
    }

    /// The same for another image of a run.
    func showing(image: Int) -> Match {
      var match = self
      match.layout = layout?.showing(image: image)
      return match
    }
  }

  /// All nodes in the file's order.
  public let entries: [Entry]

  let explainedName: String
  /// Why the model's class scores cannot be computed, or not before it runs, if so: then the nodes are those upstream of
  /// the last values that can.
  public private(set) var failure: GradCAMError?
  /// Whether the model's scores are one number per class.
  public let hasClassScores: Bool
  /// Whether the model gives an image a single number of which nothing in the file says that it is a score.
  let isMeasurement: Bool
  /// The layout of the model's scores, if it gives them for every position of the picture.
  let positionScores: PositionScores?
  /// The number of scores that the model gives an image, or each position; 0 if they are not of classes.
  private let scoreCount: Int

  let graph: ComputeGraph
  private let reachable: Set<ValueID>
  /// The number of images of a run.
  let imageCount: Int
  /// The axes of the image input that count places, such as height and width.
  let places: [Factor.Role]
  /// The values that depend on each image input.
  private let depending: [(input: ImageInput, values: Set<ValueID>)]
  let modules: ModuleIndex
  let index: NameIndex
  let auto: ValueID?
  /// What a detector may read its boxes from; nil if class scores are explained.
  let scales: ScaleMaps?
  /// Type and extents of every value that the explained value depends on.
  let infos: [ValueID: ValueInfo]
  /// The dimensions of every value that depends on the image.
  let dimensions: [ValueID: [Dimension]]

  /// Lists a model's nodes for images of a size.
  ///
  /// - Parameter inputs: type and shape of inputs other than the image, if the file leaves the shape open.
  ///
  /// Throws what planning the model throws, if nothing can be computed from the image.
  public init(_ model: Model, size: PixelSize, inputs: [String: ValueInfo] = [:]) throws {
    let graph = model.graph
    let given = inputs.merging(graph.inputs.compactMap { graph.values[$0].declaredInfo }) { given, _ in given }
    try self.init(model) { values in
      try model.located { try model.partlyInferred(size: size, inputs: given, reaching: values) }
    }
  }

  /// Lists the nodes of an explainer's model, with the extents that they have for an image.
  ///
  /// Throws what planning the model throws, if nothing can be computed from the image.
  public init(_ explainer: Explainer, for image: PreparedImage) throws {
    try self.init(explainer.model, inferring: explainer.planners.planner(for: image).partlyInferred)
  }

  /// - Parameter inferred: infers what some values need.
  private init(_ model: Model, inferring inferred: (Set<ValueID>) throws -> InferredGraph) throws {
    let graph = model.graph, logits = model.head.logits
    let needed = try inferred([model.head.output, logits]), failure = needed.failure(of: logits)
    guard failure != nil || needed.infos[logits]?.elementType.isFloatingPoint == false else {
      self.init(model, infos: needed.infos, explaining: logits)
      return
    }
    let known = try inferred(Set(graph.outputs))
    let ends = graph.ends(of: known, dependingOn: model.imageInput)
    guard let last = ends.last else {
      if let failure { throw failure.within(model.path) }
      self.init(model, infos: needed.infos, explaining: logits)
      return
    }
    self.init(model, infos: known.infos, explaining: last, of: ends, unknown: known.dependsOnData)
    self.failure = failure?.within(model.path)
  }

  /// - Parameters:
  ///   - explained: the explained value.
  ///   - ends: the values of which nodes must reach one; nil means the explained value. If there are others, too, nothing
  ///     is known of what is explained in the end, so that `auto` means no node.
  ///   - pictured: the image input that `auto` is about; nil means the first.
  ///   - unknown: whether the extents of a value depend on the image.
  init(
    _ model: Model, infos: [ValueID: ValueInfo], explaining explained: ValueID, of ends: [ValueID]? = nil,
    pictured: ValueID? = nil, unknown: (ValueID) -> Bool = { _ in false }
  ) {
    let graph = model.graph
    // Inputs with known contents are constants.
    let images = model.imageInputs.filter { infos[$0.value].map { $0.constant == nil } ?? false }
    depending = images.map { ($0, graph.downstream(of: [$0.value])) }
    let reachable = depending.reduce(into: Set()) { $0.formUnion($1.values) }.intersection(
      graph.upstream(of: Set(ends ?? [explained])))
    let logits = model.head.logits
    // What there is a different number of in every image is no class.
    let hasClassScores = model.hasClassScores(infos) && !(unknown(logits) && !graph.values[logits].hasFixedExtents)
    let maps = FeatureMaps(
      of: model, infos: infos, explaining: explained, of: ends ?? [explained], reachable: reachable,
      pictured: depending.first { $0.input.value == pictured ?? model.imageInput }?.values
        ?? reachable,
      explainsClassScores: hasClassScores && explained == logits)
    let (dimensions, auto) = (maps.dimensions, maps.auto), isShown = maps.nodes
    scales = maps.scales
    let outputs = graph.nodes.map { $0.outputs.compactMap { $0 }.first }
    let modules = ModuleIndex(graph) { infos[$0] }
    let expanded = Dictionary(graph.expanded.map { ($0.result, $0.name) }) { first, _ in first }
    entries = graph.nodes.enumerated().map { index, node in
      let value = outputs[index]
      return Entry(
        index: index, name: node.name.isEmpty ? value.flatMap { expanded[$0] } ?? "" : node.name,
        tensor: value.map { graph.values[$0].name } ?? "", module: modules.place(of: index),
        operatorName: node.operatorName, shape: value.flatMap { infos[$0]?.shape },
        dependsOnData: value.map(unknown) ?? false, isMappable: isShown.contains(index),
        isAuto: value != nil && value == auto)
    }
    explainedName = graph.values[explained].name
    self.hasClassScores = hasClassScores
    places = model.imageShape.placeRoles
    // A list of boxes or tokens is no picture, even if each belongs to a position.
    let spatialAxes = min(places.count, 2)
    let isPicture = dimensions[logits].map { $0.count { $0.isSpatial } >= spatialAxes } ?? false
    positionScores =
      hasClassScores || !isPicture || model.head.evidence == .contrary
      ? nil : PositionScores(dimensions[logits].flatMap { FeatureMapLayout($0) })
    let scoreCount =
      hasClassScores ? model.imageShape.images.shapeOfOne(infos[logits]!.shape).count : positionScores?.channels ?? 0
    self.scoreCount = scoreCount
    isMeasurement = hasClassScores && scoreCount == 1 && model.head.evidence == .none
    (self.graph, self.reachable, self.modules, self.auto) = (graph, reachable, modules, auto)
    (self.infos, self.dimensions) = (infos, dimensions)
    index = NameIndex(graph, modules)
    imageCount = model.imageShape.batch
  }

  /// The number of classes that the model scores, for the image or for each position; 0 if it scores none.
  public var classCount: Int { isBinary ? 2 : scoreCount }

  /// Throws `usage` if there is no such class.
  package func checkClass(_ classIndex: Int) throws {
    guard (0..<classCount).contains(classIndex) else { throw GradCAMError.noClass(classIndex, of: classCount) }
  }

  /// Whether the model gives a single score: that of `yes` against `no`.
  var isBinary: Bool { scoreCount == 1 }

  /// The name of the node with a feature map at a depth, from 0 for the first in the file's order to 1 for the last.
  ///
  /// Throws `usage` if there is none.
  public func name(atDepth depth: Double) throws -> String {
    let mappable = entries.filter(\.isMappable)
    guard !mappable.isEmpty else { throw noFeatureMap("auto") }
    return readableName(of: mappable[Int((depth * Double(mappable.count - 1)).rounded())])
  }

  /// Names for `auto` and up to `count` other nodes at which a map can be taken, spread evenly over those before `auto`
  /// from the first one on.
  public func spread(_ count: Int) -> [String] {
    let before = entries.prefix { !$0.isAuto }.filter(\.isMappable)
    let chosen = min(count, before.count)
    return ["auto"] + (0..<chosen).map { "#\(before[$0 * before.count / chosen].index)" }
  }

  /// Where the elements of a value lie in the picture; nil if it is not a feature map.
  func layout(of value: ValueID) -> FeatureMapLayout? { dimensions[value].flatMap { FeatureMapLayout($0) } }

  /// The image inputs that some values depend on, in the file's order.
  func images(of values: [ValueID]) -> [ImageInput] {
    depending.filter { $0.values.contains(where: values.contains) }.map(\.input)
  }

  /// Whether a value lies between the images and the explained value.
  func reachesExplained(_ value: ValueID) -> Bool { reachable.contains(value) }

  func firstOutput(_ node: Int) -> ValueID? { graph.nodes[node].outputs.compactMap { $0 }.first }

  func noFeatureMap(_ query: String) -> GradCAMError {
    GradCAMError(
      .usage, at: "\(.node, query)", problem: "the model has no feature map with a spatial extent before its score",
      advice: "name a node; \(listing: .allNodes) lists them")
  }
}

extension ComputeGraph {
  /// The values of floating-point numbers that can be computed from the image, in the file's order, of those that the
  /// model returns or that something reads that cannot be computed.
  func ends(of inferred: InferredGraph, dependingOn image: ValueID) -> [ValueID] {
    let failing = nodes.filter { node in node.results.contains { inferred.failure(of: $0) != nil } }
    let ends = Set(outputs + failing.flatMap(\.reads)), dependent = downstream(of: [image])
    return nodes.flatMap(\.results).filter { value in
      guard ends.contains(value), dependent.contains(value), let info = inferred.infos[value] else { return false }
      return info.constant == nil && info.elementType.isFloatingPoint
    }
  }
}

extension Value {
  /// Whether the file fixes all extents but the first, which may be the number of images.
  fileprivate var hasFixedExtents: Bool {
    guard let dimensions, dimensions.count > 1 else { return false }
    return dimensions.dropFirst().allSatisfy { if case .fixed = $0 { true } else { false } }
  }

  /// Name, type and shape of an input, if the file fixes all its extents.
  fileprivate var declaredInfo: (String, ValueInfo)? {
    guard let dimensions, let elementType else { return nil }
    let extents = dimensions.compactMap { dimension -> Int? in
      if case .fixed(let extent) = dimension { extent } else { nil }
    }
    return extents.count == dimensions.count ? (name, ValueInfo(elementType, Shape(extents))) : nil
  }
}
