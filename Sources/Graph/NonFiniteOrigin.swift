/// Where numbers that are NaN or infinite come from.
public struct NonFiniteOrigin: Sendable, Equatable {
  /// The name of the node that made them, which may be empty.
  public let node: String
  /// What the node computes; of a node that stands for several, the last one's.
  public let output: ValueID
  /// Whether they are the gradient that the node passes back, its own values being finite.
  public let isGradient: Bool
  /// The constant among the node's inputs that holds such numbers already.
  public let constant: String?
}

extension Executor {
  /// Runs forward and back, and finds the first node that makes NaN or infinity of finite numbers, so that all values
  /// from there to a tap or the target hold such numbers; nil where there is none.
  ///
  /// What a later node puts right does not count, as the −∞ that a mask gives to a Softmax.
  /// - Parameter seed: the target's gradient.
  public func nonFiniteOrigin(seed: [Float]) throws -> NonFiniteOrigin? {
    var wrong: Set<ValueID> = []
    for index in 0..<plan.backwardStart {
      try run(step: index)
      for (value, memory) in zip(plan.graph.nodes[plan.steps[index].node].outputs, arguments[index].outputs) {
        if let value, holdsNonFinite(value, at: memory.map { UnsafeRawPointer($0) }) { wrong.insert(value) }
      }
    }
    var spoilt = wrong.intersection(plan.request.taps + (plan.request.target.map { [$0] } ?? []))
    guard spoilt.isEmpty else {
      var origin = 0
      for index in (0..<plan.backwardStart).reversed() {
        let node = plan.graph.nodes[plan.steps[index].node]
        guard node.results.contains(where: spoilt.contains) else { continue }
        spoilt.formUnion(node.inputs.compactMap { $0 }.filter(wrong.contains))
        origin = index
      }
      return self.origin(at: origin, isGradient: false)
    }
    try setSeed(seed)
    for index in plan.backwardStart..<plan.steps.count {
      try run(step: index)
      for (buffer, memory) in zip(plan.steps[index].writes, arguments[index].outputs) {
        guard let buffer, let memory else { continue }
        let gradient = UnsafePointer(memory.assumingMemoryBound(to: Float.self))
        let isFinite = gradient.isFinite(count: plan.byteCounts[buffer] / MemoryLayout<Float>.size)
        if !isFinite { return origin(at: index, isGradient: true) }
      }
    }
    return nil
  }

  private func origin(at index: Int, isGradient: Bool) -> NonFiniteOrigin {
    let step = plan.graph.nodes[plan.steps[index].node], node = step.origin.map { plan.graph.nodes[$0] } ?? step
    let constant = step.inputs.compactMap { $0 }.first { value in
      guard case .constant(let tensor)? = plan.places[value] else { return false }
      return holdsNonFinite(value, at: UnsafeRawPointer(tensor.storage.base))
    }
    return NonFiniteOrigin(
      node: node.name, output: node.results[0], isGradient: isGradient,
      constant: constant.map { plan.graph.values[$0].name }
    )
  }

  private func holdsNonFinite(_ value: ValueID, at memory: UnsafeRawPointer?) -> Bool {
    guard let memory, let info = plan.infos[value], info.elementType.storage == .float32 else { return false }
    return !memory.assumingMemoryBound(to: Float.self).isFinite(count: info.shape.count)
  }
}

extension UnsafePointer<Float> {
  fileprivate func isFinite(count: Int) -> Bool {
    UnsafeBufferPointer(start: self, count: count).allSatisfy { $0.isFinite }
  }
}
