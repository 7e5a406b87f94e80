import Graph

/// The PyTorch module that computed a node, as the exporters record it.
struct ModulePath: Sendable, Hashable {
  /// The dotted path, as `named_modules()` spells it: `layer4.2.conv1`; empty for the model itself.
  let path: String

  /// Reads a node: the dynamo exporter's `pkg.torch.onnx.name_scopes`, else a node name of the TorchScript exporter.
  init?(_ node: Node) {
    if let scopes = node.metadata["pkg.torch.onnx.name_scopes"] {
      guard let path = Self.enclosingScope(in: scopes) else { return nil }
      self.path = path
    } else if node.name.hasPrefix("/") {
      path = Self.joined(node.name.split(separator: "/").dropLast().map(String.init))
    } else {
      return nil
    }
  }

  /// The second to last of a Python list of strings: the last names the operation itself.
  private static func enclosingScope(in list: String) -> String? {
    let names = list.split(separator: "'", omittingEmptySubsequences: false).enumerated()
      .filter { $0.offset % 2 == 1 }.map { String($0.element) }
    return names.count >= 2 ? names[names.count - 2] : nil
  }

  /// TorchScript writes the child of a Sequential with its parent's name: `features/features.35`.
  private static func joined(_ components: [String]) -> String {
    var path: [String] = []
    for component in components {
      if let parent = path.last, component.hasPrefix(parent + ".") {
        path[path.count - 1] = component
      } else {
        path.append(component)
      }
    }
    return path.joined(separator: ".")
  }

  /// The module and all that contain it, except the model itself.
  fileprivate var ancestors: [String] {
    let components = path.split(separator: ".")
    return components.indices.map { components[...$0].joined(separator: ".") }
  }
}

/// The modules of a graph, with the tensors that they return.
struct ModuleIndex: Sendable {
  /// What a module returned in each of its calls.
  struct Module: Sendable {
    /// The tensors returned, one a call.
    var outputs: [ValueID]
    /// The other module that shares the tensor because the exporter folded this one and that one together.
    var foldedWith: String?
  }

  private(set) var modules: [String: Module] = [:]
  /// The module of every node.
  let paths: [ModulePath?]

  /// Reads a graph.
  ///
  /// - Parameter isResult: whether a value may be a module's result: it depends on the model's inputs and is of
  ///   floating point, like the results of a quantised network's modules before quantisation.
  init(_ graph: ComputeGraph, isResult: (ValueID) -> Bool) {
    paths = graph.nodes.map(ModulePath.init)
    collectCalls(graph, isResult)
    joinNumberedCalls()
    addFoldedModules(graph, isResult)
  }

  /// A call of a module is an unbroken run of nodes in its scope; it returns the last tensor computed there.
  private mutating func collectCalls(_ graph: ComputeGraph, _ isResult: (ValueID) -> Bool) {
    var open: Set<String> = []
    for (index, node) in graph.nodes.enumerated() {
      guard let output = node.outputs.compactMap({ $0 }).first, isResult(output) else { continue }
      let scopes = Set(paths[index]?.ancestors ?? [])
      for scope in scopes {
        if open.contains(scope) {
          modules[scope]!.outputs[modules[scope]!.outputs.count - 1] = output
        } else {
          modules[scope, default: Module(outputs: [])].outputs.append(output)
        }
      }
      open = scopes
    }
  }

  /// The TorchScript exporter names the second call of `relu` `relu_1`.
  private mutating func joinNumberedCalls() {
    for (path, module) in modules where module.outputs.count == 1 {
      var number = 1
      while let next = modules["\(path)_\(number)"] {
        modules[path]!.outputs.append(contentsOf: next.outputs)
        number += 1
      }
    }
  }

  /// If a BatchNorm was folded into its convolution, both paths mean the folded tensor.
  private mutating func addFoldedModules(_ graph: ComputeGraph, _ isResult: (ValueID) -> Bool) {
    for (index, node) in graph.nodes.enumerated() where node.role == .convolution && node.inputs.count > 1 {
      guard let path = paths[index]?.path, !path.isEmpty, let output = node.outputs[0], isResult(output),
        let weights = node.inputs[1].map({ graph.values[$0].name })
      else { continue }
      // The dynamo exporter keeps the convolution's name in its weights and the normalisation's in the scope.
      let owner = weights.hasSuffix(".weight") ? String(weights.dropLast(7)) : nil
      if let owner, owner != path, modules[owner] == nil {
        modules[owner] = Module(outputs: [output], foldedWith: path)
        modules[path]?.foldedWith = owner
      } else if owner == nil, let norm = normName(for: path), modules[norm] == nil {
        // The TorchScript exporter keeps only the convolution's name, and gives the folded weights a number.
        modules[norm] = Module(outputs: [output], foldedWith: path)
        modules[path]?.foldedWith = norm
      }
    }
  }

  /// The usual name of the normalisation after a convolution: the next position of a Sequential, `norm1` or `norm2`
  /// after `conv1` if the block has others of that name (DenseNet), else `bn1`.
  private func normName(for convolution: String) -> String? {
    let components = convolution.split(separator: ".").map(String.init)
    let parent = components.dropLast().map { $0 + "." }.joined(), name = components.last!
    if let position = Int(name) { return parent + String(position + 1) }
    guard name.hasPrefix("conv") else { return nil }
    let number = name.dropFirst(4)
    if let number = Int(number), modules.keys.contains(where: { $0.hasPrefix(parent + "norm") }) {
      return ["norm\(number)", "norm\(number + 1)"].map { parent + $0 }.first { modules[$0] == nil }
    }
    return "\(parent)bn\(number)"
  }
}
