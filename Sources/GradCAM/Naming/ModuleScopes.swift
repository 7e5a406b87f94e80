import Graph

/// The scopes of all nodes of a graph, corrected by what else the file says.
struct ModuleScopes {
  /// By node; nil where the file says nothing.
  private(set) var scopes: [ModuleScope?]
  /// By node: the modules whose own results it replaced, since later operations were merged into it.
  private(set) var replaced: [ReplacedModules?]
  /// By convolution: the module that owns it, in files of TorchScript's exporter, which folded a BatchNorm into the
  /// convolution without naming it.
  private(set) var unnamedFolds: [Int: String] = [:]

  private let graph: ComputeGraph

  init(_ graph: ComputeGraph) {
    self.graph = graph
    scopes = graph.nodes.map { ModuleScope(recordedIn: $0) }
    replaced = Array(repeating: nil, count: scopes.count)
    if ["tf2onnx", "keras2onnx", "OnnxMLTools"].contains(where: graph.producer.contains) {
      readNames(nodes: ModuleScope.init(layerName:), tensors: ModuleScope.init(layerName:))
    } else if scopes.allSatisfy({ $0 == nil }) {
      readNames(nodes: ModuleScope.init(scriptName:), tensors: ModuleScope.init(scriptTensor:))
      joinNumberedCalls()
      findUnnamedFolds()
      spellPathsInFull()
    } else {
      findRecordedFolds()
    }
  }

  /// The module that owns the parameters that a node reads, by their names: `sep.pw` of `sep.pw.weight`.
  private func owner(_ node: Node) -> String? {
    node.inputs.lazy.compactMap { $0 }.map { graph.values[$0] }.filter { $0.constant != nil }
      .compactMap { $0.name.utf8.contains { "/:".utf8.contains($0) } ? nil : parentPath($0.name) }
      .first { !$0.isEmpty }
  }

  private func owner(ofParameter value: ValueID) -> String? {
    let name = graph.values[value].name
    return [".weight", ".bias"].first(where: name.hasSuffix).map { String(name.dropLast($0.count)) }
  }

  // MARK: The dynamo exporter

  /// Its rewriter keeps the convolution's name in the parameters and the BatchNorm's in the scope.
  private mutating func findRecordedFolds() {
    let called = Set(scopes.compactMap { $0 }.flatMap(\.modules))
    for (index, node) in graph.nodes.enumerated() {
      guard node.role == .convolution || node.role == .product, let scope = scopes[index],
        let owner = node.inputs.dropFirst().compactMap({ $0 }).compactMap({ self.owner(ofParameter: $0) }).first
      else { continue }
      let parts = pathParts(owner)
      // Without a record, the owner of the weights must be missing elsewhere: it could be the same module's other name.
      let isFold =
        node.isRecordedNormalization
        ?? (!called.contains(owner) && scope.innermost.map { pathParts($0).last != parts.last } == true)
      guard isFold else { continue }
      let paths = parts.indices.map { parts[...$0].joined(separator: ".") }
      // The items of a list of modules have numbers; the list itself returns nothing.
      let modules = paths.indices.filter { place in
        !scope.modules.contains(paths[place])
          && (place == parts.count - 1 || called.contains(paths[place]) || Int(parts[place + 1]) == nil)
      }.map { paths[$0] }
      guard let convolution = paths.last, modules.last == convolution else { continue }
      replaced[index] = ReplacedModules(
        modules: modules, caveat: .foldedNormalization(convolution: convolution, normalization: scope.innermost))
    }
  }

  // MARK: Exporters that write scopes into names

  /// A node's name holds the scope of its first operation, the name of its result that of its last.
  private mutating func readNames(nodes: (String) -> ModuleScope?, tensors: (String) -> ModuleScope?) {
    for (index, node) in graph.nodes.enumerated() {
      let first = nodes(node.name), tensor = node.results.first.map { graph.values[$0].name } ?? ""
      guard !tensor.isOfSameScope(as: node.name) else {
        scopes[index] = first
        continue
      }
      let last = tensors(tensor)
      scopes[index] = last ?? first
      guard let first, let last, first != last, let module = first.innermost else { continue }
      replaced[index] = ReplacedModules(
        modules: first.modules.filter { !last.modules.contains($0) },
        caveat: .merged(module, into: last.innermost ?? ""))
    }
  }

  // MARK: TorchScript's exporter

  /// The second call of `relu` is written `relu_1`, as a module of that name would be: the number is a call's if the same
  /// operations were called before without it, or operations of the module's children come between its own, and the
  /// parameters are not of `relu_1`.
  private mutating func joinNumberedCalls() {
    var nodes: [String: [Int]] = [:]
    for (index, node) in graph.nodes.enumerated() where !node.inputs.isEmpty {
      if let module = scopes[index]?.innermost { nodes[module, default: []].append(index) }
    }
    func operations(_ nodes: [Int]) -> [String] { nodes.map { graph.nodes[$0].operatorName.type } }
    for (module, own) in nodes {
      guard let mark = module.lastIndex(of: "_"), let number = Int(module[module.index(after: mark)...]), number > 0
      else { continue }
      let base = String(module[..<mark])
      guard let first = nodes[base], (1..<number).allSatisfy({ nodes["\(base)_\($0)"] != nil }) else { continue }
      // A module and a call of another one may have the same name: the call is what repeats the other's operations.
      let runs = own.runs
      let calls = [own] + (runs.count > 1 ? runs : [])
      let matching = calls.filter { call in
        (operations(call) == operations(first) || surroundsChildren(call, of: base))
          && !call.contains { owner(graph.nodes[$0]).map { module == $0 || module.hasSuffix("." + $0) } == true }
      }
      guard matching.count == 1 else { continue }
      for index in matching[0] { scopes[index]?.renameInnermost(base) }
    }
  }

  /// Whether all that is computed between two of some nodes is computed by a module's children, which are written under
  /// its own path in each of its calls.
  private func surroundsChildren(_ nodes: [Int], of module: String) -> Bool {
    zip(nodes, nodes.dropFirst()).contains { node, next in
      let between = (node + 1..<next).filter { !graph.nodes[$0].inputs.isEmpty }
      return !between.isEmpty
        && between.allSatisfy { scopes[$0]?.modules.contains(module) == true && scopes[$0]?.innermost != module }
    }
  }

  /// Finds convolutions with a folded BatchNorm.
  ///
  /// Their weights have a number for a name, and so has the bias. Weights that were computed for other reasons keep the
  /// bias's name.
  private mutating func findUnnamedFolds() {
    func isNumbered(_ value: ValueID?) -> Bool {
      guard let value else { return false }
      let name = graph.values[value].name
      return Int(name) != nil || name.hasPrefix("onnx::") && name.split(separator: "_").last.flatMap { Int($0) } != nil
    }
    for (index, node) in graph.nodes.enumerated() where node.role == .convolution && node.inputs.count > 2 {
      guard let module = scopes[index]?.innermost, replaced[index] == nil, isNumbered(node.inputs[1]),
        isNumbered(node.inputs[2])
      else { continue }
      unnamedFolds[index] = module
    }
  }

  /// Corrects paths by the owners of parameters.
  ///
  /// Names leave out modules that are not called, and put a module that several share under each that calls it.
  private mutating func spellPathsInFull() {
    var full: [String: Set<String>] = [:]
    let roots = Set(scopes.compactMap { $0?.modules.first.flatMap { pathParts($0).first } })
    for (index, node) in graph.nodes.enumerated() {
      guard let scope = scopes[index], let path = scope.innermost, let owner = owner(node) else { continue }
      if owner == path || unnamedFolds[index] != nil {
        for module in scope.modules { full[module, default: []].insert(module) }
      } else if path.hasSuffix("." + owner) {
        let first = pathParts(owner).first ?? owner
        full[String(path.dropLast(owner.count)) + first, default: []].insert(first)
      } else {
        for (short, long) in aligned(path, with: owner, among: scope.modules, roots: roots) {
          full[short, default: []].insert(long)
        }
      }
    }
    let known = full.compactMapValues { $0.count == 1 ? $0.first : nil }.filter { $0.key != $0.value }
    guard !known.isEmpty else { return }
    func spelled(_ module: String) -> String {
      var prefix = module
      while !prefix.isEmpty {
        if let path = known[prefix] { return path + module.dropFirst(prefix.count) }
        prefix = parentPath(prefix)
      }
      return module
    }
    for (index, scope) in scopes.enumerated() {
      if let scope { scopes[index]?.modules = scope.modules.map(spelled) }
    }
    for index in unnamedFolds.keys { unnamedFolds[index] = scopes[index]!.innermost }
  }

  /// The full paths of the modules in a path that lacks some parts of its owner's; empty if it is no such path.
  ///
  /// - Parameter roots: the first parts of all paths: a path does not lack one that others have.
  private func aligned(
    _ path: String, with owner: String, among modules: [String], roots: Set<String>
  ) -> [(String, String)] {
    var short = pathParts(path), long = pathParts(owner)
    var pairs: [(String, String)] = []
    guard short.last == long.last else { return [] }
    while let part = short.last, short != long {
      while let last = long.last, last != part { long.removeLast() }
      guard !long.isEmpty else { return [] }
      let module = short.joined(separator: ".")
      if modules.contains(module) { pairs.append((module, long.joined(separator: "."))) }
      short.removeLast()
      long.removeLast()
    }
    return short == long || short.isEmpty && !roots.contains(long[0]) ? pairs : []
  }
}

/// Modules whose own results the file does not hold, since a later operation was merged into their last node.
struct ReplacedModules: Sendable {
  /// Outermost first.
  let modules: [String]
  /// What to say of their results.
  let caveat: ModuleCaveat
}

extension String {
  /// Whether it is another name and something that begins no further part of a scope.
  fileprivate func isOfSameScope(as other: String) -> Bool {
    utf8.starts(with: other.utf8) && !utf8.dropFirst(other.utf8.count).contains(UInt8(ascii: "/"))
  }
}

extension [Int] {
  /// Ascending numbers in unbroken runs.
  fileprivate var runs: [[Int]] {
    reduce(into: []) { runs, number in
      if let last = runs.last?.last, last + 1 == number {
        runs[runs.count - 1].append(number)
      } else {
        runs.append([number])
      }
    }
  }
}
