// A target: entropy(OUTPUT), the entropy in nats of the softmax of some scores. Its map shows not where the star is, but
// where the network's doubts come from. entropy(OUTPUT, 2) divides the scores by 2 first.
#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Set once, when the plugin is loaded.
nonisolated(unsafe) private var host: UnsafePointer<gradcam_host>!

/// The softmax of the scores divided by the temperature; nil after `fail`.
private func probabilities(
  _ arguments: gradcam_target_arguments
) -> (temperature: Float, values: [Float])? {
  let text = String(cString: arguments.argument)
  guard let temperature = text.isEmpty ? 1 : Float(text), temperature > 0 else {
    _ = host.pointee.fail(arguments.call, GRADCAM_FAILED, "the temperature '\(text)' is not a number above 0")
    return nil
  }
  let scores = UnsafeBufferPointer(start: arguments.elements.pointee.floats, count: arguments.elements.pointee.count)
  let largest = scores.max() ?? 0
  let exponentials = scores.map { exp(($0 - largest) / temperature) }
  let sum = exponentials.reduce(0, +)
  return (temperature, exponentials.map { $0 / sum })
}

private func entropy(of probabilities: [Float]) -> Float {
  -probabilities.reduce(0) { $0 + ($1 > 0 ? $1 * log($1) : 0) }
}

nonisolated(unsafe) private let target: UnsafePointer<gradcam_target> = permanent(
  gradcam_target(
    size: MemoryLayout<gradcam_target>.size, name: permanent("entropy"),
    score: { arguments, score in
      guard let (_, p) = probabilities(arguments!.pointee) else { return GRADCAM_FAILED }
      score!.pointee = entropy(of: p)
      return GRADCAM_OK
    },
    // ∂H ⁄ ∂s = −p (log p + H) ⁄ temperature
    gradient: { arguments, gradient in
      guard let (temperature, p) = probabilities(arguments!.pointee) else { return GRADCAM_FAILED }
      let whole = entropy(of: p)
      for (index, p) in p.enumerated() { gradient![index] = p > 0 ? -p * (log(p) + whole) / temperature : 0 }
      return GRADCAM_OK
    }))

nonisolated(unsafe) private let plugin: UnsafePointer<gradcam_plugin> = {
  var plugin = gradcam_plugin()
  plugin.size = MemoryLayout<gradcam_plugin>.size
  plugin.abi_version = Int64(GRADCAM_ABI_VERSION)
  plugin.name = permanent("entropy")
  plugin.version = permanent("1.0")
  plugin.description = permanent("The entropy of a softmax as a target")
  plugin.target_count = 1
  plugin.targets = permanent(target as UnsafePointer<gradcam_target>?)
  return permanent(plugin)
}()

@c(gradcam_plugin_entry) public func entry(
  _ theHost: UnsafePointer<gradcam_host>?, _ hostVersion: Int64, _ call: OpaquePointer?
) -> UnsafePointer<gradcam_plugin>? {
  host = theHost
  return plugin
}

/// A value in memory that is never freed, as the tables of a plugin must be.
private func permanent<Value>(_ value: Value) -> UnsafePointer<Value> {
  let pointer = UnsafeMutablePointer<Value>.allocate(capacity: 1)
  pointer.initialize(to: value)
  return UnsafePointer(pointer)
}

private func permanent(_ text: String) -> UnsafePointer<CChar> { UnsafePointer(strdup(text)) }
