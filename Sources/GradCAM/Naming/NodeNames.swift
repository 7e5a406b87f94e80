import Graph

/// What the names of nodes mean.
extension NodeCatalogue {
  /// Finds the tensors that a name means: one, or for `all` every one at which a map can be taken.
  ///
  /// Throws what `match` throws.
  public func matches(_ query: String, as hint: FeatureMapHint = FeatureMapHint()) throws -> [Match] {
    guard query == "all" else { return [try match(query, as: hint)] }
    let matches = try entries.filter(\.isMappable).map { try match(readableName(of: $0), as: hint) }
    guard !matches.isEmpty else { throw noFeatureMap(query) }
    return matches
  }

  /// The feature maps that a detector reads its boxes from, as `auto` and `head-inputs` mean them.
  ///
  /// Nil if `auto` means another node: no boxes are explained, or it is not known what they are read from.
  ///
  /// - Parameter boxes: what boxes are read from; nil if no boxes are explained. If they cannot be followed back to
  ///   cells, the maps are those that the head reads, one of each size, and those count that a box has a gradient at.
  ///
  /// Throws `usage` for `head-inputs` if there are none.
  func matches(
    _ query: Match.BoxQuery, _ boxes: BoxSources?, as hint: FeatureMapHint
  ) throws -> [Match]? {
    let known = (boxes?.scales ?? []).compactMap { scale in scale.map.map { (source: scale.source, map: $0) } }
    let isKnown = !known.isEmpty && known.count == boxes?.scales.count
    let last = isKnown ? [] : boxes.flatMap { scales?.readByHead(sharedWith: $0.values) } ?? []
    let maps = isKnown ? known : last.map { (source: $0, map: $0) }
    if query == .auto, maps.isEmpty { return nil }
    guard !maps.isEmpty else {
      throw GradCAMError(
        .usage, at: "\(.node, query.rawValue)",
        problem: "means the feature maps that a detector reads its boxes from, one for each scale, but "
          + "\(boxes == nil ? "no boxes are explained" : "they are not known")",
        advice: "name nodes; \(listing: .nodes) lists them, and \(.fuse, "max") fuses them")
    }
    return try maps.map { source, value in
      var match = try laidOut(match(value, label: label(of: value)), as: hint)
      match.part = Match.BoxPart(source: source, query: query)
      return match
    }
  }

  /// A value's module path, if that means it, else the most readable name.
  private func label(of value: ValueID) -> String {
    guard let index = graph.producers[value] else { return graph.values[value].name }
    let entry = entries[index]
    return entry.module.flatMap { (try? find($0))?.value == value ? $0 : nil } ?? readableName(of: entry)
  }

  /// The most readable name by which `match` finds a node: that of the innermost module that returns exactly the tensor,
  /// with the number of the call if there are several, else the tensor's or the node's.
  public func readableName(of entry: Entry) -> String {
    guard let value = firstOutput(entry.index) else { return "#\(entry.index)" }
    let names = (index.modules[value] ?? []) + [entry.tensor, entry.name]
    return names.first { self.value(named: $0) == value } ?? "#\(entry.index)"
  }

  /// The tensor that a whole name of a node, module or tensor means; nil for any other name.
  private func value(named name: String) -> ValueID? {
    name.isEmpty || name == "auto" || name.hasPrefix("#")
      ? nil : node(named: name) ?? (try? moduleResult(name))?.result.value ?? tensor(named: name)
  }

  /// Finds the tensor that a name means.
  ///
  /// In this order: `auto`; `#index`; a node's name, also of a function's call; a PyTorch module path, with `:k` for one
  /// of several calls (default the last); a tensor's name; `Op:k`, negative k counting from the end; a normalisation that
  /// the exporter folded into a convolution; a suffix that only one of these names has, which is noted. Modules come
  /// before tensors because PyTorch's dynamo exporter names tensors after operations (`relu`), which may be the name of a
  /// module elsewhere.
  /// - Parameter hint: what the tensor's dimensions are, if the graph does not say.
  ///
  /// Throws `usage` with the nearest names, or with all that match, or if the hint does not fit.
  public func match(_ query: String, as hint: FeatureMapHint = FeatureMapHint()) throws -> Match {
    try laidOut(find(query), as: hint)
  }

  private func find(_ query: String) throws -> Match {
    guard !query.isEmpty else {
      throw GradCAMError(
        .usage, at: "\(.node)", problem: "the name is empty", advice: "\(listing: .nodes) lists the names")
    }
    if query == "auto" { return try matchAuto() }
    if query.hasPrefix("#") { return try matchIndex(query) }
    if let value = node(named: query) { return match(value, label: query) }
    if let match = try matchModule(query) { return match }
    if let value = tensor(named: query) { return match(value, label: query) }
    if let match = try matchOperator(query) { return match }
    if let match = try matchFoldedNormalization(query) { return match }
    return try matchSuffix(query)
  }

  private func match(_ value: ValueID, label: String, notes: [String] = []) -> Match {
    Match(value: value, tensor: graph.values[value].name, layout: nil, label: label, notes: notes)
  }

  private func tensor(named name: String) -> ValueID? { index.tensors[name] }

  /// The result of a node, as the file names it: of all that stands for it, unless that is quantised.
  private func node(named name: String) -> ValueID? {
    let whole = graph.expanded.first { $0.name == name && infos[$0.result]?.elementType.isFloatingPoint == true }
    return whole?.result ?? index.nodes[name].flatMap(firstOutput)
  }

  private func matchAuto() throws -> Match {
    guard let auto else { throw noFeatureMap("auto") }
    return match(auto, label: label(of: auto))
  }

  private func matchIndex(_ query: String) throws -> Match {
    guard let index = Int(query.dropFirst()), graph.nodes.indices.contains(index), let value = firstOutput(index) else {
      throw GradCAMError(
        .usage, at: "\(.node, query)", problem: "is not the index of a node",
        advice: "indices run from #0 to #\(graph.nodes.count - 1); \(listing: .allNodes) lists them")
    }
    return match(value, label: query)
  }

  /// Splits `name:k`.
  private func splitCall(_ query: String) -> (name: String, call: Int)? {
    guard let colon = query.lastIndex(of: ":"), let call = Int(query[query.index(after: colon)...]) else { return nil }
    return (String(query[..<colon]), call)
  }

  private func pick<Element>(_ call: Int, from elements: [Element], _ query: String, _ what: String) throws -> Element {
    let position = call < 0 ? elements.count + call : call
    guard elements.indices.contains(position) else {
      throw GradCAMError(
        .usage, at: "\(.node, query)", problem: "there are only \(elements.count) \(what)",
        advice: "use 0 to \(elements.count - 1), or -1 for the last")
    }
    return elements[position]
  }

  /// What a module returned, in its last call or the one that `:k` names; nil if no module has the name.
  private func moduleResult(_ query: String) throws -> (
    name: String, module: CalledModule, call: Int?, result: ModuleResult
  )? {
    let (name, call) = modules.modules[query] != nil ? (query, nil) : splitCall(query).map { ($0, $1) } ?? (query, nil)
    guard let module = modules.modules[name] else { return nil }
    guard module.callsAreKnown || call == nil || call == -1 else {
      throw GradCAMError(
        .usage, at: "\(.node, query)", problem: "the file does not tell the calls of module '\(name)' apart",
        advice: "name a node or tensor; \(listing: .nodes) lists them")
    }
    let result = try pick(call ?? -1, from: module.results, query, "calls of module '\(name)'")
    return (name, module, call, result)
  }

  private func matchModule(_ query: String) throws -> Match? {
    guard let (name, module, call, result) = try moduleResult(query) else { return try matchUncalled(query) }
    var notes = result.caveat.map { [note(on: $0, of: name, result.value)] } ?? []
    let sharers = modules.sharers(of: name)
    if call == nil, module.results.count > 1 {
      let count = "\(module.results.count) times" + (sharers.isEmpty ? "" : " by this name")
      let names = Set(module.callNames).count > 1 ? ", in this file \(list(module.callNames))" : ""
      notes.append(
        module.callsAreKnown
          ? "module '\(name)' is called \(count)\(names); its last call is used ('\(name):0' is the first)"
          : "module '\(name)' is called several times; the last tensor is used")
    }
    if !sharers.isEmpty {
      notes.append(
        "the parameters of '\(name)' are also those of \(list(sharers)); only the calls of '\(name)' are meant")
    }
    if let other = tensor(named: query), other != result.value, let index = graph.producers[other] {
      notes.append("the module '\(query)' is meant; the tensor of this name is #\(index)")
    }
    return match(result.value, label: query, notes: notes)
  }

  /// A module path that the file does not hold as such: one call as the file names it, or a list of modules.
  private func matchUncalled(_ query: String) throws -> Match? {
    if let call = modules.numberedCalls[query] {
      return match(call.value, label: query, notes: call.caveat.map { [note(on: $0, of: query, call.value)] } ?? [])
    }
    guard tensor(named: query) == nil, let last = modules.last(below: query) else { return nil }
    throw GradCAMError(
      .usage, at: "\(.node, query)", problem: "is not called itself in this file, only modules in it are",
      advice: "name one of them, such as '\(last)'")
  }

  private func note(on caveat: ModuleCaveat, of module: String, _ value: ValueID) -> String {
    switch caveat {
    case .foldedNormalization(let convolution, let normalization):
      let other =
        normalization.map { name in
          let isWhole = modules.modules[name]?.results.contains { $0.value == value } == true
          return "the BatchNorm \(isWhole ? "" : "of ")'\(name)'"
        } ?? "the BatchNorm after it"
      let names = (module == convolution || module == normalization ? "" : "'\(module)', ") + "'\(convolution)'"
      return
        "\(names) and \(other) are one tensor in this file: the exporter folded the BatchNorm into the convolution"
    case .endsInFold(let convolution):
      return
        "'\(module)' ends with the convolution '\(convolution)', into which the exporter folded a BatchNorm: if that is no "
        + "part of '\(module)', this is the tensor after it"
    case .merged(let first, let last):
      return
        "'\(module)'\(module == first ? "" : ", '\(first)'") and '\(last)' are one tensor in this file: their operations "
        + "were merged into one node"
    case .mergedAfter(let node):
      return
        "operations after this tensor were merged into \(graph.describe(node: node)): if the first of them belongs to "
        + "'\(module)', no node of this file holds what '\(module)' returned"
    case .lacksTranspose(let other):
      return
        "'\(other)' does the same and transposes its result: if '\(module)' does so too, the exporter cancelled that, and "
        + "this tensor has its axes in another order"
    }
  }

  private func list(_ names: [String]) -> String { names.map { "'\($0)'" }.joined(separator: ", ") }

  private func matchFoldedNormalization(_ query: String) throws -> Match? {
    switch modules.foldedNormalization(query) {
    case nil: return nil
    case .one(let convolution, let value):
      return match(
        value, label: query,
        notes: [
          "no node of this file names '\(query)': it is assumed to be the BatchNorm that the exporter folded into the "
            + "convolution '\(convolution)', and both are one tensor"
        ])
    case .several(let convolutions):
      throw GradCAMError(
        .usage, at: "\(.node, query)",
        problem: "the exporter folded a BatchNorm into each of \(list(convolutions)), and the file does not name them",
        advice: "name the convolution; its tensor comes after its BatchNorm")
    }
  }

  private func matchOperator(_ query: String) throws -> Match? {
    guard let (type, call) = splitCall(query) else { return nil }
    let nodes = graph.nodes.indices.filter { graph.nodes[$0].operatorName.type == type }.compactMap(firstOutput)
    let results = nodes.isEmpty ? graph.expanded.filter { $0.operatorName.type == type }.map(\.result) : nodes
    guard !results.isEmpty else { return nil }
    return match(try pick(call, from: results, query, "nodes of operator \(type)"), label: query)
  }

  /// Every name with what it means, the best first if one tensor has several.
  private var names: [(name: String, value: ValueID)] {
    graph.nodes.indices.compactMap { index in firstOutput(index).map { (graph.nodes[index].name, $0) } }
      + graph.expanded.map { ($0.name, $0.result) }
      + graph.values.indices.filter(isComputed).map { (graph.values[$0].name, $0) }
      + modules.modules.sorted { $0.key < $1.key }.map { ($0.key, $0.value.results.last!.value) }
      + modules.numberedCalls.sorted { $0.key < $1.key }.map { ($0.key, $0.value.value) }
  }

  /// The names that exporters give to nodes outside of all modules, such as `/Conv_1`.
  ///
  /// A layer may have that name elsewhere.
  private var countedNames: Set<String> {
    Set(
      graph.nodes.filter { node in
        let name = node.name.drop { $0 == "/" }
        return name.hasPrefix(node.operatorName.type)
          && name.dropFirst(node.operatorName.type.count).allSatisfy { $0 == "_" || $0.isNumber }
      }.map(\.name))
  }

  private func matchSuffix(_ query: String) throws -> Match {
    let counted = countedNames, names = names.filter { !$0.name.isEmpty }
    let matches = names.filter {
      ($0.name.hasSuffix("/" + query) || $0.name.hasSuffix("." + query)) && !counted.contains($0.name)
    }
    let values = Set(matches.map(\.value))
    if values.count == 1 {
      let note = "no name is exactly '\(query)'; '\(matches[0].name)' is meant, the only one that ends so"
      return match(matches[0].value, label: query, notes: [note])
    }
    if values.count > 1 {
      let several = matches.prefix(8).map(\.name).joined(separator: ", ")
      throw GradCAMError(
        .usage, at: "\(.node, query)", problem: "means several nodes: \(several)\(matches.count > 8 ? ", …" : "")",
        advice: "give more of the name")
    }
    let near = nearest(to: query, among: Set(names.map(\.name)), count: 4)
    throw GradCAMError(
      .usage, at: "\(.node, query)", problem: "no node, tensor or module has this name",
      advice: "\(near.isEmpty ? "" : "try \(near.joined(separator: ", ")); ")\(listing: .nodes) lists them")
  }

  private func isComputed(_ value: ValueID) -> Bool { graph.values[value].constant == nil }
}
