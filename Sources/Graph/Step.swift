/// Where a value lies while a plan runs.
public enum ValuePlace: Sendable {
  /// Known before the run.
  case constant(Tensor)
  /// In the arena, at the buffer of this number.
  case buffer(Int)
  /// In the memory of the executor that is observed, where it has the value of this number.
  case observed(ValueID, byteCount: Int)

  var buffer: Int? { if case .buffer(let buffer) = self { buffer } else { nil } }
}

/// One thing that a plan does, forward or backward.
struct Step: Sendable {
  /// The node that it is done for.
  let node: Int
  let kernel: Kernel
  /// What the kernel reads, in its order; nil where something is left out.
  let reads: [ValuePlace?]
  /// The buffers that the kernel writes, in its order; nil where nobody wants one.
  let writes: [Int?]
  /// The buffer of its scratch memory.
  var scratch: Int?

  /// The buffers whose contents it reads.
  var readBuffers: [Int] { reads.compactMap { $0?.buffer } }

  /// The buffers that it changes.
  var writtenBuffers: [Int] { (kernel.isView ? [] : writes.compactMap { $0 }) + (scratch.map { [$0] } ?? []) }
}
