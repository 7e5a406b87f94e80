import Graph

/// Why a tensor may not be what its module returned in PyTorch.
enum ModuleCaveat: Sendable, Hashable {
  /// A BatchNorm was folded into the convolution before it; its module, if the file names it.
  case foldedNormalization(convolution: String, normalization: String?)
  /// The module ends with a convolution into which a BatchNorm was folded that may or may not belong to it.
  case endsInFold(convolution: String)
  /// A module's operations and those of a later one became one node.
  case merged(String, into: String)
  /// Operations after the tensor were merged into a node; the first of them may belong to the module.
  case mergedAfter(node: Int)
  /// Another module of the same kind, which ends with the module's operations and a Transpose.
  case lacksTranspose(of: String)
}

/// A tensor that a module returned in one of its calls, or that stands for it.
struct ModuleResult: Sendable {
  let value: ValueID
  /// What is to be said of it; nil if it is exactly what the module returned.
  let caveat: ModuleCaveat?

  /// Whether it is exactly what the module returned: a normalisation's result is, folded or not.
  func isExact(for module: String) -> Bool {
    if case .foldedNormalization(_, let normalization)? = caveat { return normalization == module }
    return caveat == nil
  }
}

/// A module that the file names.
struct CalledModule: Sendable {
  /// What it returned in each of its calls.
  fileprivate(set) var results: [ModuleResult] = []
  /// Whether the file tells the calls apart: calls without anything between them look like one.
  fileprivate(set) var callsAreKnown = true
  /// What the file writes for each call, if it numbers them.
  fileprivate(set) var callNames: [String] = []
}

/// The modules of a PyTorch network that its file names, with the tensors that they return.
struct ModuleIndex: Sendable {
  /// By path, as `named_modules()` spells it.
  private(set) var modules: [String: CalledModule] = [:]
  /// The innermost module of every node, with the number of its call.
  private var places: [(path: String, call: Int)?]
  /// By the file's name: one call of a module, such as `relu_1` for the second of `relu`.
  private(set) var numberedCalls: [String: ModuleResult] = [:]
  /// The convolutions into which an unnamed BatchNorm was folded, by the tensor.
  let unnamedFolds: [ValueID: String]

  private let graph: ComputeGraph
  private let producers: [ValueID: Int]
  private let consumers: [ValueID: [Int]]
  private let tensorNames: Set<String>
  private let operations: [(name: String, reads: [String])?]
  private var lacksTranspose: [ValueID: String] = [:]
  private let scopes: [ModuleScope?]
  private let replaced: [ReplacedModules?]

  /// Reads a graph.
  ///
  /// - Parameter info: a value's type and extents. A module's result is of floating point, like the results of a quantised
  ///   network's modules before quantisation, and depends on the elements of the model's inputs, not only on extents.
  init(_ graph: ComputeGraph, info: (ValueID) -> ValueInfo?) {
    let carried = graph.valuesCarryingInputs(info)
    func isResult(_ value: ValueID) -> Bool {
      carried.contains(value) && info(value)?.elementType.isFloatingPoint == true
    }
    self.graph = graph
    producers = graph.producers
    let read = ModuleScopes(graph)
    (scopes, replaced) = (read.scopes, read.replaced)
    places = Array(repeating: nil, count: graph.nodes.count)
    unnamedFolds = Dictionary(
      read.unnamedFolds.compactMap { index, module in
        graph.nodes[index].results.first.flatMap { isResult($0) ? ($0, module) : nil }
      }, uniquingKeysWith: { first, _ in first })
    var consumers: [ValueID: [Int]] = [:]
    for (index, node) in graph.nodes.enumerated() {
      for value in node.reads { consumers[value, default: []].append(index) }
    }
    self.consumers = consumers
    tensorNames = Set(graph.values.map(\.name))
    operations = graph.nodes.map(\.exportedOperation)
    let runs = runs(isResult)
    lacksTranspose = lackedTransposes(
      runs, transposes: Set(graph.nodes.indices.filter { graph.nodes[$0].reordersAxes(info) }))
    for (path, runs) in runs { add(path, runs) }
  }

  /// The nodes of each module in unbroken runs: no node outside of the module comes between those of a run.
  private func runs(_ isResult: (ValueID) -> Bool) -> [String: [[Int]]] {
    var runs: [String: [[Int]]] = [:]
    var open: Set<String> = []
    for (index, node) in graph.nodes.enumerated() {
      guard let scope = scopes[index], let output = node.results.first, isResult(output) else { continue }
      let containing = Set(scope.modules + (replaced[index]?.modules ?? []))
      for path in containing {
        if open.contains(path) {
          runs[path]![runs[path]!.count - 1].append(index)
        } else {
          runs[path, default: []].append([index])
        }
      }
      open = containing
    }
    return runs
  }

  /// A call is a run, or a part of it if the file numbers calls; it returns the last tensor computed there.
  private mutating func add(_ path: String, _ runs: [[Int]]) {
    var module = CalledModule()
    for run in runs {
      let numbers = run.map { scopes[$0]?.innermost == path ? scopes[$0]?.call : nil }
      let isLeaf = !numbers.contains(nil)
      let starts = run.indices.filter { $0 == 0 || isLeaf && numbers[$0] != numbers[$0 - 1] }
      for (start, end) in zip(starts, starts.dropFirst() + [run.count]) {
        let call = Array(run[start..<end])
        let result = ModuleResult(value: graph.nodes[call.last!].results[0], caveat: caveat(path, call))
        for index in call where scopes[index]?.innermost == path { places[index] = (path, module.results.count) }
        module.results.append(result)
        if isLeaf, let name = numbers[start] {
          module.callNames.append(name)
          if name != path { numberedCalls[name] = result }
        }
      }
      if !isLeaf, Set(numbers.compactMap { $0 }).count > 1 || isPeriodic(run) { module.callsAreKnown = false }
    }
    modules[path] = module
  }

  /// Whether the same operations of the same modules come again and again, as they do in calls that follow each other
  /// directly.
  private func isPeriodic(_ run: [Int]) -> Bool {
    let steps = run.map { "\(scopes[$0]?.innermost ?? "") \(graph.nodes[$0].operatorName)" }
    return (1..<steps.count).contains { period in
      steps.count % period == 0 && (period..<steps.count).allSatisfy { steps[$0] == steps[$0 - period] }
    }
  }

  private func caveat(_ path: String, _ run: [Int]) -> ModuleCaveat? {
    let last = run.last!, value = graph.nodes[last].results[0]
    if let replaced = replaced[last], replaced.modules.contains(path) { return replaced.caveat }
    if case .foldedNormalization(_, let normalization)? = replaced[last]?.caveat, normalization == path {
      return replaced[last]!.caveat
    }
    if let convolution = unnamedFolds[value] {
      return path == convolution
        ? .foldedNormalization(convolution: path, normalization: nil) : .endsInFold(convolution: convolution)
    }
    if let other = lacksTranspose[value] { return .lacksTranspose(of: other) }
    let names = [graph.values[value].name, operations[last]?.name ?? ""]
    let merged = consumers[value]?.first { reader in
      let node = graph.nodes[reader], reads = operations[reader]?.reads ?? []
      return scopes[reader]?.modules.contains(path) != true && !reads.contains(where: names.contains)
        && (node.mergesOperations(countingNormalization: replaced[reader] == nil)
          || reads.contains { isTranspose($0) && !tensorNames.contains($0) })
    }
    return merged.map { .mergedAfter(node: $0) }
  }

  /// Whether the name of an exported operation is that of a change of axes, which the exporter cancels with the opposite.
  private func isTranspose(_ operation: String) -> Bool {
    let kind = operation.prefix { $0 != "_" }
    return ["permute", "transpose", "t", "numpy", "movedim", "swapaxes"].contains(String(kind))
  }

  /// The tensors at which a Transpose may be missing, with a module that does the same as the one that ends there and then
  /// transposes, such as another block of a stage.
  ///
  /// TorchScript's exporter cancels a Transpose with the opposite one in a later module, and nothing tells.
  private func lackedTransposes(_ runs: [String: [[Int]]], transposes: Set<Int>) -> [ValueID: String] {
    guard !transposes.isEmpty, operations.allSatisfy({ $0 == nil }) else { return [:] }
    func kind(_ path: String, _ nodes: some Collection<Int>) -> [String] {
      pathParts(path).map { Int($0) == nil ? $0 : "#" } + [""] + nodes.map { "\(graph.nodes[$0].operatorName)" }
    }
    let runs = runs.sorted { $0.key < $1.key }
    var transposed: [[String]: String] = [:]
    for (path, calls) in runs {
      for call in calls where transposes.contains(call.last!) { transposed[kind(path, call.dropLast())] = path }
    }
    var lacking: [ValueID: String] = [:]
    for (path, calls) in runs {
      for call in calls where !transposes.contains(call.last!) {
        guard let other = transposed[kind(path, call)] else { continue }
        lacking[graph.nodes[call.last!].results[0]] = other
      }
    }
    return lacking
  }

  /// The modules other than `path` that use all of its parameters: the same module under another name, or one that
  /// shares them.
  func sharers(of path: String) -> [String] {
    var sharers: Set<String>?
    var isTelling = false
    for (index, node) in graph.nodes.enumerated() {
      guard let scope = scopes[index], scope.modules.contains(path), let inner = scope.innermost else { continue }
      // Below a module that has another path, nothing tells what the module itself shares.
      guard inner == path || inner.hasPrefix(path + ".") else { return [] }
      let rest = inner.dropFirst(path.count)
      for parameter in node.inputs.compactMap({ $0 }) where isParameter(parameter) {
        let users = (consumers[parameter] ?? []).compactMap { scopes[$0]?.innermost }
          .filter { $0.hasSuffix(rest) }.map { String($0.dropLast(rest.count)) }
        sharers = (sharers ?? Set(users)).intersection(users).subtracting([path, ""])
        guard sharers?.isEmpty == false else { return [] }
        // The exporters keep equal parameters once, such as those that are all 0.
        let elements = graph.values[parameter].constant!.floats
        isTelling = isTelling || elements.contains { $0 != elements[0] }
      }
    }
    return isTelling ? sharers?.sorted() ?? [] : []
  }

  private func isParameter(_ value: ValueID) -> Bool {
    guard let tensor = graph.values[value].constant, tensor.elementType.isFloatingPoint else { return false }
    return [".weight", ".bias"].contains(where: graph.values[value].name.hasSuffix)
  }

  /// The modules that contain a node, outermost first.
  func containers(of node: Int) -> [String] { scopes[node]?.modules ?? [] }

  /// The innermost module of a node, with `:k` if it is not in the module's last call.
  func place(of node: Int) -> String? {
    places[node].map { path, call in
      let module = modules[path]!
      return module.callsAreKnown && call < module.results.count - 1 ? "\(path):\(call)" : path
    }
  }

  /// The last module in the file below a path that is not called itself, such as a list of modules.
  func last(below path: String) -> String? {
    let below = modules.keys.filter { $0.hasPrefix(path + ".") }, level = below.map { pathParts($0).count }.min()
    return below.filter { pathParts($0).count == level }.sorted().max { first, second in
      comesBefore(modules[first]!.results.last!.value, modules[second]!.results.last!.value)
    }
  }

  /// Whether a node computes one value before another node computes the other.
  func comesBefore(_ first: ValueID, _ second: ValueID) -> Bool { producers[first] ?? -1 < producers[second] ?? -1 }

  /// The scopes of the nodes that read a value.
  func readers(of value: ValueID) -> [[String]] { (consumers[value] ?? []).map { scopes[$0]?.modules ?? [] } }
}

extension ComputeGraph {
  /// The values that depend on the elements of the inputs: extents and indices, which are int64, pass on none.
  fileprivate func valuesCarryingInputs(_ info: (ValueID) -> ValueInfo?) -> Set<ValueID> {
    var carried = Set(inputs)
    for node in nodes where node.reads.contains(where: carried.contains) {
      carried.formUnion(
        node.results.filter { value in info(value).map { ![.int64, .bool].contains($0.elementType) } ?? false })
    }
    return carried
  }
}

extension Node {
  /// Whether it passes on its input with the axes in another order.
  fileprivate func reordersAxes(_ info: (ValueID) -> ValueInfo?) -> Bool {
    guard case .labelled(let axes, let result)? = operation?.axes(NodeInputs(inputs.map { $0.flatMap(info) })),
      axes.count == 1
    else { return false }
    return axes[0] != result && axes[0].sorted() == result.sorted()
  }

  /// Whether the exporter's rewriter made it of several operations, of which all but the last lost their results; an
  /// omitted bias does not count.
  ///
  /// - Parameter countingNormalization: whether a BatchNorm and its convolution count.
  fileprivate func mergesOperations(countingNormalization: Bool) -> Bool {
    rewritingRules.split(separator: ",").map { $0.drop { $0 == " " } }
      .contains { !$0.hasPrefix("RemoveOptionalBias") && (countingNormalization || !$0.contains("BatchNorm")) }
  }
}
