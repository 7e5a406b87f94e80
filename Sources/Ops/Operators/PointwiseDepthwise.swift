import Graph

/// A 1 × 1 convolution followed by a depthwise one, both with what was fused into them: the expansion of an inverted
/// residual block.
///
/// Its inputs are x, then weights and bias of the first, then weights, bias and residual of the second.
struct PointwiseDepthwise: Operator {
  let pointwise, depthwise: Convolution

  /// The inputs of both, the first one's result being known.
  private func split(_ inputs: NodeInputs) throws -> (pointwise: NodeInputs, depthwise: NodeInputs) {
    let first = NodeInputs([try inputs.required(0), try inputs.required(1), inputs[2]])
    let expanded = try pointwise.infer(first)[0]
    return (first, NodeInputs([expanded, try inputs.required(3), inputs[4], inputs[5]]))
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] { try depthwise.infer(split(inputs).depthwise) }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let parts = try split(inputs)
    let first = try pointwise.problem(parts.pointwise), second = try depthwise.problem(parts.depthwise)
    let pair = PointwiseDepthwisePair(pointwise: first, depthwise: second, threadCount: request.threadCount)
    let panels = WeightPanels(first), packed = panels.packed(parts.pointwise[1]?.constant, request)
    let packCount = packed == nil ? panels.count : 0
    let (pointwise, depthwise) = (pointwise, depthwise)
    let hasBiases = (inputs[2] != nil, inputs[4] != nil), hasResidual = inputs[5] != nil
    return Kernel(
      "pointwise, depthwise", scratchByteCount: packCount * MemoryLayout<Float>.size,
      workerScratchByteCount: pair.workerScratchCount * MemoryLayout<Float>.size,
      operationCount: first.operationCount + second.operationCount
    ) { run in
      if packed == nil { panels.pack(run.input(1), into: run.scratchFloats, run.pool) }
      pair.run(
        x: run.input(0), weights: packed?.base.assumingMemoryBound(to: Float.self) ?? run.scratchFloats,
        filters: run.input(3), y: run.output(0),
        epilogues: (
          pointwise.epilogue(bias: hasBiases.0 ? run.input(2) : nil, residual: nil),
          depthwise.epilogue(bias: hasBiases.1 ? run.input(4) : nil, residual: hasResidual ? run.input(5) : nil)
        ), workerScratch: run.workerScratch, run.pool)
    }
  }
}
