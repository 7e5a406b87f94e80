import Graph

extension Model {
  /// Type and extents of the wanted values and all upstream of them, for images of a size.
  ///
  /// Throws why a wanted value cannot be computed.
  func inferred(
    size: PixelSize, inputs: [String: ValueInfo] = [:], reaching wanted: Set<ValueID>
  ) throws -> InferredGraph {
    let graph = try partlyInferred(size: size, inputs: inputs, reaching: wanted)
    try graph.require(wanted.sorted())
    return graph
  }

  /// The same, as far as the values can be computed.
  func partlyInferred(
    size: PixelSize, inputs: [String: ValueInfo] = [:], reaching wanted: Set<ValueID>
  ) throws -> InferredGraph {
    try InferredGraph(graph, operators: operators, inputs: try inputInfos(size, inputs), reaching: wanted)
  }

  /// Type and extents of the inputs.
  ///
  /// - Parameters:
  ///   - size: that of the first image input.
  ///   - inputs: by name; those with contents are constants.
  ///   - otherSizes: the sizes of other image inputs that are not among `inputs`; by default what the file fixes, else
  ///     that of the first.
  func inputInfos(
    _ size: PixelSize, _ inputs: [String: ValueInfo], otherSizes: [ValueID: PixelSize] = [:]
  ) throws -> [ValueID: ValueInfo] {
    var infos: [ValueID: ValueInfo] = [:]
    for (name, info) in inputs {
      let id = try input(named: name)
      let declared = graph.values[id].elementType ?? info.elementType
      guard declared.storage == info.elementType.storage else {
        throw GradCAMError(.badData, at: "input '\(name)'", problem: "is \(info.elementType), expected \(declared)")
      }
      infos[id] = info
    }
    for image in imageInputs.dropFirst() where infos[image.value] == nil {
      infos[image.value] = ValueInfo(
        image.shape.elementType, image.shape.shape(for: otherSizes[image.value] ?? image.shape.fixing(size)))
    }
    infos[imageInput] = ValueInfo(imageShape.elementType, imageShape.shape(for: size))
    return infos
  }

  /// Runs `body`, naming this model's file in errors.
  func located<Result>(_ body: () throws -> Result) throws -> Result { try Graph.located(path, body) }

  /// Throws `usage` if the file fixes another input size.
  func check(_ size: PixelSize) throws {
    guard !imageShape.admits(size) else { return }
    let name = graph.values[imageInput].name
    guard imageShape.rank == 2 else {
      throw GradCAMError(
        .usage, at: "\(.size, size)", problem: "the model's input '\(name)' takes \(imageShape)",
        advice: "leave \(.size) out, and give \(.tensor)")
    }
    let fixed = "\(imageShape.width.map(String.init) ?? "any")x\(imageShape.height.map(String.init) ?? "any")"
    throw GradCAMError(
      .usage, at: "\(.size, size)", problem: "the model's input '\(name)' takes \(fixed)",
      advice: "leave \(.size) out, or export the model with dynamic height and width")
  }

  /// Whether the scores are one number per class.
  func hasClassScores(_ infos: [ValueID: ValueInfo]) -> Bool {
    guard head.evidence > .contrary, let info = infos[head.logits],
      let extents = imageShape.images.extents(of: info.shape)
    else { return false }
    return info.elementType.isFloatingPoint && extents.count(where: { $0 != 1 }) <= 1 && info.shape.count > 0
  }

  /// Throws `unsupported` if targets cannot be computed from a value.
  func checkExplained(_ value: ValueID, _ info: ValueInfo) throws {
    let place: Message = "'\(graph.values[value].name)'"
    guard info.elementType.isFloatingPoint, info.shape.count > 0 else {
      throw GradCAMError(
        .unsupported, at: place, problem: "is \(info.elementType) of shape \(info.shape), which has no gradient",
        advice: "name a floating-point value upstream of it with \(.target)")
    }
  }

  /// The input with the given name.
  ///
  /// Throws `usage` listing the names if there is none.
  func input(named name: String) throws -> ValueID {
    guard let id = graph.inputs.first(where: { graph.values[$0].name == name }) else {
      let names = graph.inputs.map { "'\(graph.values[$0].name)'" }.joined(separator: ", ")
      throw GradCAMError(
        .usage, at: "\(.tensor, name)", problem: "the model has no such input", advice: "its inputs are \(names)")
    }
    return id
  }

  /// The node in the file where non-finite numbers first appeared, and the plugin that provides it, for messages.
  func describe(_ origin: NonFiniteOrigin) -> String {
    let nodes = graph.nodes
    let index =
      nodes.firstIndex { !origin.node.isEmpty && $0.name == origin.node }
      ?? nodes.firstIndex { $0.outputs.contains(origin.output) }
    guard let index else { return "node '\(origin.node)'" }
    let provider = operators.provider(of: nodes[index].operatorName)
    return graph.describe(node: index) + (provider.map { " of \($0)" } ?? "")
  }
}

extension NodeCatalogue.Match {
  /// Throws `usage` if no map can be taken here.
  func check(_ info: ValueInfo?, _ catalogue: NodeCatalogue) throws {
    guard let info, catalogue.reachesExplained(value) else {
      throw GradCAMError(
        .usage, at: "\(.node, label)",
        problem: "the explained value '\(catalogue.explainedName)' does not depend on this node",
        advice: "choose a node that \(listing: .nodes) lists")
    }
    if layout == nil, let itemCount {
      throw GradCAMError(
        .usage, at: "\(.node, label)",
        problem:
          "the first dimension of its shape \(info.shape) counts neither images of the run nor parts of the "
          + "picture that can be put together",
        advice:
          "choose one of them with \(.item, as: "K"), 0 to \(itemCount - 1), or a node nearer to the image"
      )
    }
    guard info.elementType.isFloatingPoint, info.shape.count > 0, layout != nil else {
      throw GradCAMError(
        .usage, at: "\(.node, label)",
        problem: "its tensor is \(info.elementType) of shape \(info.shape), which has no known spatial extent to draw",
        advice: "choose a feature map from \(listing: .nodes), or describe its layout with \(.grid, as: "HxW") or "
          + "\(.axis, as: "channels=last")")
    }
  }
}
