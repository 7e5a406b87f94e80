/// Where a value lies while a plan runs.
public enum ValuePlace: Sendable {
  /// Known before the run.
  case constant(Tensor)
  /// In the arena, in the buffer of this index.
  case buffer(Int)
  /// In the memory of the observed executor, where it keeps this value.
  case observed(ValueID, byteCount: Int)

  var buffer: Int? { if case .buffer(let buffer) = self { buffer } else { nil } }
}

/// One step of a plan, forward or backward.
struct Step: Sendable {
  let node: Int
  let kernel: Kernel
  /// What the kernel reads, in its order; nil if omitted.
  let reads: [ValuePlace?]
  /// The buffers that the kernel writes, in its order; nil if not wanted.
  let writes: [Int?]
  var scratch: Int?

  var readBuffers: [Int] { reads.compactMap { $0?.buffer } }

  var writtenBuffers: [Int] { (kernel.isView ? [] : writes.compactMap { $0 }) + (scratch.map { [$0] } ?? []) }
}
