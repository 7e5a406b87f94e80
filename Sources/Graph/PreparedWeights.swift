import Synchronization

/// What kernels and rewrites made from constants once (packed, transformed, folded), shared by all plans of a model.
public final class PreparedWeights: Sendable {
  /// The memory of constants, with what was made from them.
  private struct Key: Hashable {
    let sources: [ObjectIdentifier]
    let form: String
  }

  /// The constants are retained, so that nothing else can get their identities.
  private let made = Mutex<[Key: (sources: [TensorStorage], form: any Sendable)]>([:])

  /// An empty store.
  public init() {}

  /// A form of some constants, made if there is none yet.
  ///
  /// - Parameter form: what is made from them, with everything that it depends on.
  public func form<Form: Sendable>(_ form: String, of sources: [Tensor], make: () -> Form) -> Form {
    let key = Key(sources: sources.map { ObjectIdentifier($0.storage) }, form: form)
    if let known = made.withLock({ $0[key]?.form as? Form }) { return known }
    let result = make()
    return made.withLock { made in
      // Another thread may have made it meanwhile.
      if let known = made[key]?.form as? Form { return known }
      made[key] = (sources.map(\.storage), result)
      return result
    }
  }
}
