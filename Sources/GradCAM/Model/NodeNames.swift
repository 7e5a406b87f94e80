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

  /// The most readable name by which `match` finds a node: that of the innermost module whose only call returns the
  /// tensor, else the tensor's or the node's.
  public func readableName(of entry: Entry) -> String {
    let value = firstOutput(entry.index)
    let modules = modules.modules.filter { $0.value.outputs.count == 1 && $0.value.outputs[0] == value }.map(\.key)
    let names = modules.sorted { ($1.count, $0) < ($0.count, $1) } + [entry.tensor, entry.name]
    return names.first { (try? find($0))?.value == value } ?? "#\(entry.index)"
  }

  /// Finds the tensor that a name means.
  ///
  /// In this order: `auto`; `#index`; a node's name; a PyTorch module path, with `:k` for one of several calls
  /// (default the last); a tensor's name; `Op:k`, negative k counting from the end; a suffix that only one of these
  /// has. Modules come before tensors because PyTorch's dynamo exporter names tensors after operations (`relu`), which
  /// may be the name of a module elsewhere.
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
    if let index = graph.nodes.firstIndex(where: { $0.name == query }), let value = firstOutput(index) {
      return match(value, label: query)
    }
    if let match = try matchModule(query) { return match }
    if let value = tensor(named: query) { return match(value, label: query) }
    if let match = try matchOperator(query) { return match }
    return try matchSuffix(query)
  }

  private func match(_ value: ValueID, label: String, notes: [String] = []) -> Match {
    Match(value: value, tensor: graph.values[value].name, layout: nil, label: label, notes: notes)
  }

  private func tensor(named name: String) -> ValueID? {
    graph.values.indices.first { graph.values[$0].name == name && isComputed($0) }
  }

  private func matchAuto() throws -> Match {
    guard let auto, let entry = entries.first(where: \.isAuto) else { throw noFeatureMap("auto") }
    return match(auto, label: entry.module ?? entry.tensor)
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

  private func matchModule(_ query: String) throws -> Match? {
    let (name, call) = modules.modules[query] != nil ? (query, nil) : splitCall(query).map { ($0, $1) } ?? (query, nil)
    guard let module = modules.modules[name] else { return nil }
    let value = try pick(call ?? -1, from: module.outputs, query, "calls of module '\(name)'")
    var notes: [String] = []
    if let other = module.foldedWith {
      notes.append(
        "'\(name)' and '\(other)' are one tensor in this file: the exporter folded the BatchNorm into its Conv")
    }
    if call == nil, module.outputs.count > 1 {
      notes.append(
        "module '\(name)' is called \(module.outputs.count) times; its last call is used ('\(name):0' is the first)")
    }
    if let other = tensor(named: query), other != value, let index = graph.producers[other] {
      notes.append("the module '\(query)' is meant; the tensor of this name is #\(index)")
    }
    return match(value, label: query, notes: notes)
  }

  private func matchOperator(_ query: String) throws -> Match? {
    guard let (type, call) = splitCall(query) else { return nil }
    let nodes = graph.nodes.indices.filter { graph.nodes[$0].operatorName.type == type && firstOutput($0) != nil }
    guard !nodes.isEmpty else { return nil }
    let node = try pick(call, from: nodes, query, "nodes of operator \(type)")
    return match(firstOutput(node)!, label: query)
  }

  /// Every name with what it means, the best first if one tensor has several.
  private var names: [(name: String, value: ValueID)] {
    graph.nodes.indices.compactMap { index in firstOutput(index).map { (graph.nodes[index].name, $0) } }
      + graph.values.indices.filter(isComputed).map { (graph.values[$0].name, $0) }
      + modules.modules.sorted { $0.key < $1.key }.map { ($0.key, $0.value.outputs.last!) }
  }

  private func matchSuffix(_ query: String) throws -> Match {
    let names = names.filter { !$0.name.isEmpty }
    let matches = names.filter { $0.name.hasSuffix("/" + query) || $0.name.hasSuffix("." + query) }
    let values = Set(matches.map(\.value))
    if values.count == 1 { return match(matches[0].value, label: query) }
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
