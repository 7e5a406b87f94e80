/// The notes that exporters attach to nodes.
enum MetadataNotes {
  /// The keys of a node's entries that tell the path of its PyTorch module, the operation that it was exported from, and
  /// the rules that made it of others.
  static let nodeKeys = [
    "pkg.torch.onnx.name_scopes", "pkg.torch.onnx.fx_node", "pkg.onnxscript.rewriter.rule_name",
  ]
}
