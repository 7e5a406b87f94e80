import COnnx
import Graph

/// The context that all graphs of one model share while they are built.
final class ModelContext {
  let tensors: TensorDecoder
  let opsets: [String: Int]
  let functions: [FunctionID: Onnx__FunctionProto]
  private var inlinedNodeCount = 0

  init(_ model: Onnx__ModelProto, tensors: TensorDecoder) throws {
    self.tensors = tensors
    let functions = messages(model.functions, model.n_functions)
    var opsets: [String: Int] = [:]
    // Domains that only a function imports come first, so that the model's own versions take precedence.
    let imports = functions.flatMap { messages($0.opset_import, $0.n_opset_import) }
    for opset in imports + messages(model.opset_import, model.n_opset_import) {
      let domain = text(opset.domain)
      guard opset.version > 0 else {
        throw GradCAMError(.badData, problem: "imports opset version \(opset.version) of domain '\(domain)'")
      }
      opsets[domain == "ai.onnx" ? "" : domain] = Int(opset.version)
    }
    if model.n_opset_import == 0 {
      // Files older than opsets do not name one.
      guard model.ir_version < 3 else {
        throw GradCAMError(
          .badData, problem: "names no opset version", advice: "the file is cut short; download or export it again")
      }
      opsets[""] = 1
    }
    self.opsets = opsets
    self.functions = Dictionary(
      functions.map {
        (FunctionID(name: OperatorName(domain: text($0.domain), type: text($0.name)), overload: text($0.overload)), $0)
      }, uniquingKeysWith: { first, _ in first })
  }

  /// Counts an inlined node of a function: a short file of functions that call functions could expand without limit.
  func countInlinedNode() throws {
    inlinedNodeCount += 1
    guard inlinedNodeCount <= 100_000 else {
      throw GradCAMError(.unsupported, problem: "its functions have more than 100,000 nodes when inlined")
    }
  }
}
