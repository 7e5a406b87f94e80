import Graph

extension Tensor {
  /// Weights in a kernel's own form, made once for all plans; the original ones need not stay in memory.
  ///
  /// - Parameter form: the form's name, including everything it depends on.
  func packed(
    _ form: String, count: Int, in store: PreparedWeights,
    _ pack: (UnsafePointer<Float>, UnsafeMutablePointer<Float>, ThreadPool) -> Void
  ) -> TensorStorage {
    store.form(form, of: [self]) {
      let packed = TensorStorage(byteCount: count * MemoryLayout<Float>.size), source = storage.forOneUse
      withExtendedLifetime(source) {
        pack(
          source.base.assumingMemoryBound(to: Float.self), packed.base.assumingMemoryBound(to: Float.self),
          ThreadPool(threadCount: 1))
      }
      storage.rest()
      return packed
    }
  }
}
