import CKernels
import Graph

extension ConvolutionProblem {
  /// Channels of dy beyond this number are not worth being gathered.
  private static let few = 8

  /// The algorithm for dx from dy that leaves out the channels of dy that hold zeros alone: where the score of one class is
  /// explained, these are nearly all of a head's.
  ///
  /// - Parameter dense: the algorithm for all channels.
  func skippingZeros(_ dense: ConvolutionAlgorithm, _ request: KernelRequest) -> ConvolutionAlgorithm {
    let few = Self.few, channels = outputChannels, area = window.outputVolume, depth = depth
    guard batch == 1, groups == 1, channels >= 8 * few else { return dense }
    let part = ConvolutionProblem(
      batch: 1, groups: 1, inputChannels: inputChannels, outputChannels: few, window: window)
    let algorithm = part.backward(weights: nil, request)
    let own = (algorithm.scratchByteCount / MemoryLayout<Float>.size + 15) & ~15
    return ConvolutionAlgorithm(
      dense.name,
      scratchCount: max(dense.scratchByteCount / MemoryLayout<Float>.size, own + few * (depth + area)),
      workerScratchCount: max(dense.workerScratchByteCount, algorithm.workerScratchByteCount)
        / MemoryLayout<Float>.size
    ) { run in
      var found = [Int64](repeating: 0, count: few)
      let count = Int(planes_with_values(run.x, Int64(channels), Int64(area), &found, Int64(few)))
      guard count <= few else { return dense.run(run) }
      let weights = run.scratch + own, dy = weights + few * depth
      for (index, channel) in found.enumerated() {
        let filter = weights + index * depth, plane = dy + index * area
        if index < count {
          filter.update(from: run.weights + Int(channel) * depth, count: depth)
          plane.update(from: run.x + Int(channel) * area, count: area)
        } else {
          filter.update(repeating: 0, count: depth)
          plane.update(repeating: 0, count: area)
        }
      }
      algorithm.run(
        ConvolutionArguments(
          x: dy, weights: weights, y: run.y, epilogue: run.epilogue, scratch: run.scratch,
          workerScratch: run.workerScratch, pool: run.pool))
    }
  }
}
