/// The value of a node's attribute.
public enum Attribute: Sendable {
  case int(Int64)
  case float(Float)
  case string(String)
  case tensor(Tensor)
  case graph(ComputeGraph)
  case ints([Int64])
  case floats([Float])
  case strings([String])
  case tensors([Tensor])
  case graphs([ComputeGraph])
  /// A value of a kind that this program does not support; an error only if it is needed.
  case unsupported(GradCAMError)
}
