/// Finds how long every buffer lives, lets steps overwrite what nobody reads any more, and lays the arena out.
struct MemoryPlanner {
  private let steps: [PlanStep]
  private var buffers: [ArenaBuffer]
  /// The buffer that a buffer was merged into; itself where it was not.
  private var merged: [Int]
  /// The first backward step: what such steps read from before is kept, so that they can run again.
  var backwardStart = Int.max

  init(steps: [PlanStep], byteCounts: [Int]) {
    self.steps = steps
    buffers = byteCounts.map { ArenaBuffer(byteCount: $0, firstUse: .max, lastUse: -1) }
    merged = Array(byteCounts.indices)
  }

  /// Keeps a buffer from the start to beyond the end of the run.
  mutating func keep(_ buffer: Int) {
    buffers[buffer].lastUse = .max
  }

  /// Notes that a buffer is written from outside before a step.
  mutating func written(_ buffer: Int, at step: Int) {
    buffers[buffer].firstUse = min(buffers[buffer].firstUse, step)
    buffers[buffer].lastUse = max(buffers[buffer].lastUse, step)
  }

  mutating func plan() -> ArenaLayout {
    for (index, step) in steps.enumerated() {
      for buffer in step.reads { read(buffer, at: index) }
      for buffer in step.writes { written(buffer, at: index) }
    }
    // What is only read was there from the start: the model's inputs.
    for index in buffers.indices where buffers[index].firstUse == .max { buffers[index].firstUse = 0 }
    for index in steps.indices { overwrite(at: index) }
    return ArenaLayout(buffers, sharing: merged.indices.map(root))
  }

  private mutating func read(_ buffer: Int, at step: Int) {
    let survives = step >= backwardStart && buffers[buffer].firstUse < backwardStart
    buffers[buffer].lastUse = survives ? .max : max(buffers[buffer].lastUse, step)
  }

  private func root(_ buffer: Int) -> Int {
    var buffer = buffer
    while merged[buffer] != buffer { buffer = merged[buffer] }
    return buffer
  }

  /// Merges the result of a step into an operand that dies there.
  private mutating func overwrite(at index: Int) {
    let step = steps[index]
    guard let (candidates, result) = step.overwritable else { return }
    let target = root(result)
    for candidate in candidates.map({ root($0) })
    where candidate != target && buffers[candidate].lastUse == index
      && buffers[candidate].byteCount == buffers[target].byteCount && buffers[target].firstUse == index
    {
      merged[target] = candidate
      buffers[candidate].lastUse = buffers[target].lastUse
      return
    }
  }
}

extension PlanStep {
  fileprivate var reads: [Int] {
    switch work {
    case .forward(_, let inputs, _): inputs.compactMap(\.?.buffer)
    case .backward(_, let outputGradients, let inputs, let outputs, _):
      outputGradients.compactMap { $0 } + (inputs + outputs).compactMap(\.?.buffer)
    case .sum(let parts, _, _): parts
    }
  }

  fileprivate var writes: [Int] {
    let results =
      switch work {
      case .forward(let kernel, _, let outputs): kernel.isView ? [] : outputs.compactMap { $0 }
      case .backward(_, _, _, _, let inputGradients): inputGradients.compactMap { $0 }
      case .sum(_, _, let result): [result]
      }
    return results + (scratch.map { [$0] } ?? [])
  }

  /// The buffers that the step's first result may replace.
  fileprivate var overwritable: (candidates: [Int], result: Int)? {
    switch work {
    case .forward(let kernel, let inputs, let outputs):
      guard case .inPlace(let candidates) = kernel.placement, let result = outputs[0] else { return nil }
      return (candidates.compactMap { inputs[$0]?.buffer }, result)
    case .backward(let rule, let outputGradients, _, _, let inputGradients):
      guard rule.inPlace, let result = inputGradients.lazy.compactMap({ $0 }).first else { return nil }
      return (outputGradients.first.flatMap { $0 }.map { [$0] } ?? [], result)
    case .sum(let parts, _, let result):
      // The first two are added before the others are read.
      return (parts.prefix(2).filter { !parts.dropFirst(2).contains($0) }, result)
    }
  }
}

extension ValuePlace {
  fileprivate var buffer: Int? {
    guard case .buffer(let buffer) = self else { return nil }
    return buffer
  }
}

extension Kernel {
  var isView: Bool { if case .view = placement { true } else { false } }
}
