import CKernels
import Graph

extension ConvolutionProblem {
  /// A convolution as a product of packed weights with windows that are laid out a panel at a time.
  ///
  /// A 1 × 1 convolution's windows are the image itself, and its gradient is the product with the transposed weights.
  /// - Parameter transposed: whether dx is computed from dy, for 1 × 1 convolutions.
  func panels(transposed: Bool = false, weights: Tensor?, _ request: KernelRequest) -> ConvolutionAlgorithm {
    let window = window, isPointwise = window.isPointwise, depth = transposed ? outputsPerGroup : depth
    let rows = transposed ? inputsPerGroup : outputsPerGroup, columns = window.outputVolume
    let inputs = transposed ? outputsPerGroup : inputsPerGroup
    let batch = batch, groups = groups, filterCount = outputsPerGroup * self.depth
    let rowStride = transposed ? 1 : depth, depthStride = transposed ? rows : 1
    let packedCount = PackedLeft.count(rows: rows, depth: depth)

    @Sendable func pack(
      _ from: UnsafePointer<Float>, _ storage: UnsafeMutablePointer<Float>, _ pool: ThreadPool
    ) {
      for group in 0..<groups {
        _ = PackedLeft(
          packing: from + group * filterCount, rowStride: rowStride, depthStride: depthStride, rows: rows,
          depth: depth, into: storage + group * packedCount, pool)
      }
    }
    let kept = request.reusesWeights ? weights?.packedOnce(count: groups * packedCount, pack) : nil
    let packScratch = kept == nil ? groups * packedCount : 0

    let product = PackedProduct(rows: rows, columns: columns, depth: depth)
    // Many small products run side by side, each on one thread.
    let sideBySide = batch * groups >= 4
    let perProduct = (product.scratchCount(threadCount: sideBySide ? 1 : request.threadCount) + 15) & ~15
    let scratchCount = packScratch + perProduct * (sideBySide ? request.threadCount : 1)

    return ConvolutionAlgorithm(isPointwise ? "pointwise" : "windows", scratchCount: scratchCount) { run in
      let packed: UnsafePointer<Float>
      if let kept {
        packed = UnsafePointer(kept.base.assumingMemoryBound(to: Float.self))
      } else {
        pack(run.weights, run.scratch, run.pool)
        packed = UnsafePointer(run.scratch)
      }
      func multiply(_ index: Int, _ scratch: UnsafeMutablePointer<Float>) {
        let group = index % groups, x = run.x + index * inputs * window.inputVolume
        var epilogue = run.epilogue
        epilogue.bias = epilogue.bias.map { $0 + group * rows }
        product.run(
          PackedLeft(packed: packed + group * packedCount, rows: rows, depth: depth),
          into: run.y + index * rows * columns, leading: columns, epilogue: epilogue, scratch: scratch, run.pool
        ) { depth, column, count, panel in
          if isPointwise {
            pack_right(
              x + column, Int64(columns), Int64(depth.lowerBound), Int64(depth.upperBound), Int64(count), panel)
          } else {
            withUnsafePointer(to: window.raw) { raw in
              pack_windows(
                x, raw, Int64(depth.lowerBound), Int64(depth.upperBound), Int64(column), Int64(count), panel)
            }
          }
        }
      }
      if sideBySide {
        run.pool.parallelFor(batch * groups) { multiply($0, run.scratch + packScratch + $1 * perProduct) }
      } else {
        for index in 0..<batch * groups { multiply(index, run.scratch + packScratch) }
      }
    }
  }
}

extension Tensor {
  /// Weights in a kernel's own form, made now and kept with the plan.
  func packedOnce(
    count: Int, _ pack: (UnsafePointer<Float>, UnsafeMutablePointer<Float>, ThreadPool) -> Void
  ) -> TensorStorage {
    let packed = TensorStorage(byteCount: count * MemoryLayout<Float>.size)
    pack(
      storage.base.assumingMemoryBound(to: Float.self), packed.base.assumingMemoryBound(to: Float.self),
      ThreadPool(threadCount: 1))
    return packed
  }
}
