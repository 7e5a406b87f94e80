import Graph

extension ConvolutionProblem {
  /// A 1 × 1 convolution is a matrix product for each image and group; its gradient takes the transposed weights.
  func pointwise(transposed: Bool) -> ConvolutionAlgorithm {
    let columns = window.outputVolume
    let depth = transposed ? outputsPerGroup : inputsPerGroup, rows = transposed ? inputsPerGroup : outputsPerGroup
    let leading = inputsPerGroup, batch = batch, groups = groups, filterCount = outputsPerGroup * inputsPerGroup
    return ConvolutionAlgorithm("pointwise gemm") { run in
      for index in 0..<batch * groups {
        let group = index % groups
        var epilogue = run.epilogue
        epilogue.bias = epilogue.bias.map { $0 + group * rows }
        multiply(
          MatrixOperand(
            pointer: run.weights + group * filterCount, leading: leading, transposed: transposed),
          MatrixOperand(pointer: run.x + index * depth * columns, leading: columns),
          into: run.y + index * rows * columns, leading: columns, rows: rows, columns: columns, depth: depth,
          epilogue: epilogue, pool: run.pool)
      }
    }
  }
}
