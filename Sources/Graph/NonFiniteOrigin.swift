/// Where NaN or infinite numbers come from.
public struct NonFiniteOrigin: Sendable, Equatable {
  /// The name of the node that produced them, which may be empty.
  public let node: String
  /// The node's output; for a fused node, that of the last node it stands for.
  public let output: ValueID
  /// Whether they are in the gradient that the node passes back, while its values are finite.
  public let isGradient: Bool
  /// The constant among the node's inputs that already holds such numbers, if any.
  public let constant: String?
}

extension Executor {
  /// Runs forward and backward, and finds the first node that turns finite numbers into NaN or infinity that persist to
  /// a tap or the target; nil if there is none.
  ///
  /// Numbers that a later node makes finite again do not count, such as the −∞ that a mask gives to a Softmax.
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
        spoilt.formUnion(node.reads.filter(wrong.contains))
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
      constant: constant.map { plan.graph.values[$0].name })
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
