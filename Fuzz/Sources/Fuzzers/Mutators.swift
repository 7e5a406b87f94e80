import ModelMutator

@_silgen_name("LLVMFuzzerMutate")
private func mutateBytes(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ capacity: Int) -> Int

/// Models are changed by their schema, sometimes byte by byte; everything else byte by byte.
@c(LLVMFuzzerCustomMutator)
public func mutate(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ capacity: Int, _ seed: UInt32) -> Int {
  guard Fuzzer.chosen == .model, seed % 32 != 0 else { return mutateBytes(data, size, capacity) }
  let changed = mutate_model(data, size, capacity, seed)
  return changed > 0 ? changed : mutateBytes(data, size, capacity)
}

/// A model takes over a part of another; of anything else, a piece is put into the other.
@c(LLVMFuzzerCustomCrossOver)
public func cross(
  _ first: UnsafePointer<UInt8>, _ firstSize: Int, _ second: UnsafePointer<UInt8>, _ secondSize: Int,
  _ out: UnsafeMutablePointer<UInt8>, _ capacity: Int, _ seed: UInt32
) -> Int {
  if Fuzzer.chosen == .model { return cross_models(first, firstSize, second, secondSize, out, capacity, seed) }
  let start = firstSize > 0 ? Int(seed >> 16) % firstSize : 0,
    from = secondSize > 0 ? Int(seed & 0xFFFF) % secondSize : 0
  let count = min(secondSize - from, capacity - start)
  out.update(from: first, count: min(start, capacity))
  guard count > 0 else { return min(start, capacity) }
  (out + start).update(from: second + from, count: count)
  return start + count
}
