import Graph

/// Where a node stands among the modules of a PyTorch network, as its exporter recorded it.
struct ModuleScope: Sendable, Equatable {
  /// The called modules that contain it, outermost first, as `named_modules()` spells them: `layer1`, `layer1.0`,
  /// `layer1.0.conv1`; empty for the model's own operations.
  var modules: [String]
  /// What the file writes for this one call of the innermost module: TorchScript's exporter numbers further calls.
  var call: String?

  var innermost: String? { modules.last }

  mutating func renameInnermost(_ name: String) { modules[modules.count - 1] = name }
}

extension ModuleScope {
  /// The scope of a node, from `pkg.torch.onnx.name_scopes` of the dynamo exporter: a Python list of the modules' paths,
  /// the first of which is the model's and the last names the operation.
  init?(recordedIn node: Node) {
    guard let list = node.metadata["pkg.torch.onnx.name_scopes"] else { return nil }
    let names = list.split(separator: "'", omittingEmptySubsequences: false).enumerated()
      .filter { $0.offset % 2 == 1 }.map { String($0.element) }
    guard names.count >= 2 else { return nil }
    modules = names.dropFirst().dropLast().filter { !$0.isEmpty }
  }

  /// The scope in a name that TorchScript's exporter gave a node, `/features/features.20/Conv`, or that was derived from
  /// such a name.
  ///
  /// Each component is the tail of a module's path from the last part that is no number.
  init?(scriptName name: String) {
    // Bytes, since there may be thousands of names, and a search by characters takes longer than opening the file.
    guard name.utf8.first == UInt8(ascii: "/") else { return nil }
    let components = name.utf8.split(separator: UInt8(ascii: "/"))
    let isDerived = name.withCString { strstr($0, "_output_") != nil }
    let result = isDerived ? components.firstIndex { Substring($0).contains("_output_") } : nil
    let count = result ?? max(0, components.count - 1)
    var path = "", parent = Substring().utf8
    modules = []
    for component in components.prefix(count) {
      let rest = component.dropFirst(parent.count)
      if !parent.isEmpty, component.starts(with: parent), rest.first == UInt8(ascii: ".") {
        path += Substring(rest)
      } else {
        path += (path.isEmpty ? "" : ".") + Substring(component)
      }
      parent = component
      modules.append(path)
    }
    call = path
  }

  /// The scope in a name that TorchScript's exporter gave a tensor, `/features/features.20/Relu_output_0`; nil for any
  /// other name.
  init?(scriptTensor name: String) {
    let digits = name.utf8.reversed().prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }.count
    let stem = name.dropLast(digits)
    guard Int(name.suffix(digits)) != nil, stem.hasSuffix("_output_") else { return nil }
    self.init(scriptName: String(stem.dropLast("_output_".count)))
  }
}

extension ModuleScope {
  /// The scope in a name of TensorFlow, `model/block_1/Conv_1/Conv2D`; nil for a name without one.
  ///
  /// Its parts are Keras's layers. They keep their slashes, since their names have dots.
  init?(layerName name: String) {
    let parts = name.split(separator: "/")
    guard parts.count > 1 else { return nil }
    modules = (1..<parts.count).map { parts.prefix($0).joined(separator: "/") }
  }
}

extension Node {
  /// The rules by which the dynamo exporter's rewriter made the node of others.
  var rewritingRules: String { metadata["pkg.onnxscript.rewriter.rule_name"] ?? "" }

  /// Whether the dynamo exporter says that it computes a batch normalisation; nil if it does not say what it computes.
  var isRecordedNormalization: Bool? {
    guard let operation = exportedOperation else {
      return rewritingRules.isEmpty ? nil : rewritingRules.contains("BatchNorm")
    }
    return operation.name.contains("batch_norm") || rewritingRules.contains("BatchNorm")
  }

  /// The name of its operation in the FX graph that was exported, and those of the operations that it read.
  var exportedOperation: (name: String, reads: [String])? {
    guard let text = metadata["pkg.torch.onnx.fx_node"]?.utf8 else { return nil }
    var names: [String] = []
    for mark in text.indices where text[mark] == UInt8(ascii: "%") {
      let name = text[text.index(after: mark)...].prefix { byte in
        UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
          || byte == UInt8(ascii: "_")
      }
      names.append(String(Substring(name)))
    }
    return names.first.map { ($0, Array(names.dropFirst())) }
  }
}

/// The parts of a dotted path.
func pathParts(_ path: String) -> [String] { path.split(separator: ".").map(String.init) }

/// The last part of a path.
func lastPart(_ path: String) -> String { pathParts(path).last ?? "" }

/// A path without its last part; empty for a single part.
func parentPath(_ path: String) -> String { path.lastIndex(of: ".").map { String(path[..<$0]) } ?? "" }
