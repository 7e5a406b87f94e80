import COnnx
import Graph

/// Identifies the function of a model that a node calls.
struct FunctionID: Hashable {
  let name: OperatorName
  let overload: String
}

/// How names and attributes in the body of a function relate to the graph that calls it.
struct Scope {
  /// An attribute as the caller wrote it, which may itself hold a graph that reads the caller's values.
  struct BoundAttribute {
    let message: Onnx__AttributeProto
    let scope: Scope
  }

  private var names: [String: String] = [:]
  private var attributes: [String: BoundAttribute] = [:]
  /// What the names of this place begin with, and those of the places around it.
  private var prefix = "", outerPrefixes: Set<String> = []
  /// The functions whose bodies enclose this place, outermost first.
  private(set) var callers: [FunctionID] = []

  /// The model's own graph, where every name means itself.
  init() {}

  /// The body of `function` as called by `node`, whose scope is `caller`.
  init(calling function: Onnx__FunctionProto, id: FunctionID, from node: Onnx__NodeProto, in caller: Scope) {
    callers = caller.callers + [id]
    let arguments = texts(node.input, node.n_input).map(caller.name)
    let results = texts(node.output, node.n_output).map(caller.name)
    outerPrefixes = caller.outerPrefixes.union([caller.prefix])
    // Results are unique in a graph; names of nodes need not be.
    prefix = (results.first { !$0.isEmpty } ?? caller.prefix + text(node.name)) + "/"
    if outerPrefixes.contains(prefix), let own = texts(node.output, node.n_output).first(where: { !$0.isEmpty }) {
      // The result is one of the caller's results, which gave the caller its prefix.
      prefix = "\(caller.prefix)\(own)/"
    }
    for (index, parameter) in texts(function.output, function.n_output).enumerated()
    where index < results.count && !results[index].isEmpty {
      names[parameter] = results[index]
    }
    for (index, parameter) in texts(function.input, function.n_input).enumerated() {
      names[parameter] = index < arguments.count ? arguments[index] : ""
    }
    for message in messages(function.attribute_proto, function.n_attribute_proto) {
      attributes[text(message.name)] = BoundAttribute(message: message, scope: self)
    }
    for message in messages(node.attribute, node.n_attribute) {
      if let bound = caller.bind(message) { attributes[text(message.name)] = bound }
    }
  }

  /// The name in the graph being built for a name in this scope; an omitted one stays empty.
  func name(_ name: String) -> String { name.isEmpty ? "" : names[name] ?? prefix + name }

  /// The name of a node in the graph being built.
  func nodeName(_ name: String) -> String { name.isEmpty ? "" : prefix + name }

  /// The attribute that a message stands for, with the scope of its contents.
  ///
  /// A reference to an attribute of the call is resolved; nil if the call omits that attribute.
  func bind(_ message: Onnx__AttributeProto) -> BoundAttribute? {
    let reference = text(message.ref_attr_name)
    return reference.isEmpty ? BoundAttribute(message: message, scope: self) : attributes[reference]
  }
}
