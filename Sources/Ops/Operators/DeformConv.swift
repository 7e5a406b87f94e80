import CKernels
import Graph

/// DeformConv over height and width: a convolution whose window cells are moved by offsets.
struct DeformConv: DifferentiableOperator {
  private let attributes: WindowAttributes
  private let groups, offsetGroups: Int

  init(_ reader: inout AttributeReader) throws {
    attributes = try WindowAttributes(&reader)
    groups = try reader.int("group", default: 1)
    offsetGroups = try reader.int("offset_group", default: 1)
  }

  /// The extents, all known.
  private struct Problem: Sendable {
    let batch, channels, filters, groups, offsetGroups: Int
    let window: SpatialWindow
    let hasMask: Bool

    var cells: Int { window.kernelVolume }
    var outputs: Int { window.outputVolume }
    /// The length of a filter.
    var depth: Int { channels / groups * cells }
    var filtersPerGroup: Int { filters / groups }
    var columnCount: Int { channels * cells * outputs }
    var operationCount: Double { 2 * Double(batch) * Double(filters) * Double(depth) * Double(outputs) }

    func offset(_ base: UnsafePointer<Float>, _ item: Int, _ channel: Int) -> UnsafePointer<Float> {
      base + (item * offsetGroups + channel / (channels / offsetGroups)) * 2 * cells * outputs
    }

    func mask(_ base: UnsafePointer<Float>?, _ item: Int, _ channel: Int) -> UnsafePointer<Float>? {
      base.map { $0 + (item * offsetGroups + channel / (channels / offsetGroups)) * cells * outputs }
    }

    /// Lays out the moved windows of one image as columns: channels × cells × positions.
    func layOut(
      _ item: Int, of x: UnsafePointer<Float>, _ offsets: UnsafePointer<Float>, _ masks: UnsafePointer<Float>?,
      into columns: UnsafeMutablePointer<Float>, on pool: ThreadPool
    ) {
      pool.parallelFor(channels) { channel, _ in
        withUnsafePointer(to: window.raw) { raw in
          deform_columns(
            x + (item * channels + channel) * window.inputVolume, offset(offsets, item, channel),
            mask(masks, item, channel), raw, columns + channel * cells * outputs)
        }
      }
    }
  }

  private func problem(_ inputs: NodeInputs) throws -> Problem {
    let x = try inputs.required(0).shape, weights = try inputs.required(1).shape
    let offset = try inputs.required(2).shape
    guard x.rank == 4, weights.rank == 4 else {
      throw GradCAMError(
        .unsupported, problem: "a deformable convolution of \(x) by \(weights): 2 spatial dimensions are supported")
    }
    guard groups > 0, offsetGroups > 0, x[1] == weights[1] * groups, weights[0] % groups == 0,
      x[1] % offsetGroups == 0, x[1] > 0
    else {
      throw GradCAMError(
        .badData, problem: "input \(x) does not have the channels of weights \(weights) in \(groups) groups")
    }
    if let bias = inputs[3], bias.shape.count != weights[0] {
      throw GradCAMError(.badData, problem: "bias \(bias.shape) does not have \(weights[0]) elements")
    }
    let kernel = Array(weights.dimensions[2...])
    if let declared = attributes.kernel, declared != kernel {
      throw GradCAMError(.badData, problem: "kernel_shape \(declared) does not match the weights \(weights)")
    }
    let window = try attributes.resolve(input: x, kernel: kernel)
    let cells = offsetGroups * window.kernelVolume
    guard offset == Shape([x[0], 2 * cells] + window.output),
      inputs[4].map({ $0.shape == Shape([x[0], cells] + window.output) }) ?? true
    else { throw GradCAMError(.badData, problem: "offsets \(offset) or mask do not fit the windows over input \(x)") }
    return Problem(
      batch: x[0], channels: x[1], filters: weights[0], groups: groups, offsetGroups: offsetGroups, window: window,
      hasMask: inputs[4] != nil)
  }

  var role: OperatorRole { .convolution }
  func axes(_ inputs: NodeInputs) -> AxisMapping { .channelsFirst }
  /// The offsets.
  var locatingInputs: Set<Int> { [2] }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let problem = try problem(inputs)
    return [
      ValueInfo(try inputs.required(0).elementType, Shape([problem.batch, problem.filters] + problem.window.output))
    ]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let problem = try problem(inputs), hasBias = inputs[3] != nil
    return Kernel(
      "deformed windows", scratchByteCount: problem.columnCount * MemoryLayout<Float>.size,
      operationCount: problem.operationCount
    ) { run in
      let x = run.input(0), offsets = run.input(2), columns = run.scratchFloats
      let masks: UnsafePointer<Float>? = problem.hasMask ? run.input(4) : nil
      for item in 0..<problem.batch {
        problem.layOut(item, of: x, offsets, masks, into: columns, on: run.pool)
        for group in 0..<problem.groups {
          let filters = problem.filtersPerGroup
          let y = run.output(0) + (item * problem.groups + group) * filters * problem.outputs
          multiply(
            MatrixOperand(pointer: run.input(1) + group * filters * problem.depth, leading: problem.depth),
            MatrixOperand(pointer: columns + group * problem.depth * problem.outputs, leading: problem.outputs),
            into: y, leading: problem.outputs, rows: filters, columns: problem.outputs, depth: problem.depth,
            pool: run.pool)
          guard hasBias else { continue }
          add_bias_and_clamp(
            y, Int64(filters), Int64(problem.outputs), Int64(problem.outputs), run.input(3) + group * filters,
            -.infinity, .infinity)
        }
      }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let problem = try problem(inputs)
    let wantsOffsets = wanted.contains(2) || wanted.contains(4), wantsWeights = wanted.contains(1)
    return GradientRule(
      "deformed windows", readsInputs: wantsOffsets || wantsWeights ? [0, 1, 2, 4] : [1, 2, 4],
      scratchByteCount: problem.columnCount * MemoryLayout<Float>.size, operationCount: problem.operationCount
    ) { run in
      let offsets = run.input(2), columns = run.scratchFloats, outputs = problem.outputs
      let masks: UnsafePointer<Float>? = problem.hasMask ? run.input(4) : nil
      let filters = problem.filtersPerGroup
      if wanted.contains(3) {
        sumChannels(
          run.outputGradient, batch: problem.batch, channels: problem.filters, area: outputs,
          into: run.inputGradient(3), on: run.pool)
      }
      for item in 0..<problem.batch {
        if wantsWeights {
          problem.layOut(item, of: run.input(0), offsets, masks, into: columns, on: run.pool)
          for group in 0..<problem.groups {
            multiply(
              MatrixOperand(
                pointer: run.outputGradient + (item * problem.groups + group) * filters * outputs, leading: outputs),
              MatrixOperand(
                pointer: columns + group * problem.depth * outputs, leading: outputs, transposed: true),
              into: run.inputGradient(1) + group * filters * problem.depth, leading: problem.depth, rows: filters,
              columns: problem.depth, depth: outputs, accumulate: item > 0)
          }
        }
        for group in 0..<problem.groups {
          multiply(
            MatrixOperand(
              pointer: run.input(1) + group * filters * problem.depth, leading: problem.depth, transposed: true),
            MatrixOperand(
              pointer: run.outputGradient + (item * problem.groups + group) * filters * outputs, leading: outputs),
            into: columns + group * problem.depth * outputs, leading: outputs, rows: problem.depth, columns: outputs,
            depth: filters, pool: run.pool)
        }
        if wanted.contains(0) {
          let dx = run.inputGradient(0) + item * problem.channels * problem.window.inputVolume
          run.pool.parallelFor(problem.channels) { channel, _ in
            let to = dx + channel * problem.window.inputVolume
            to.update(repeating: 0, count: problem.window.inputVolume)
            withUnsafePointer(to: problem.window.raw) { raw in
              deform_input_gradient(
                columns + channel * problem.cells * outputs, problem.offset(offsets, item, channel),
                problem.mask(masks, item, channel), raw, to)
            }
          }
        }
        guard wantsOffsets else { continue }
        let channels = problem.channels / problem.offsetGroups
        let offsetGradient = wanted.contains(2) ? run.inputGradient(2) : nil
        let maskGradient = wanted.contains(4) ? run.inputGradient(4) : nil
        run.pool.parallelFor(problem.offsetGroups * problem.cells) { index, _ in
          let channel = index / problem.cells * channels
          let plane = item * problem.offsetGroups * problem.cells + index
          withUnsafePointer(to: problem.window.raw) { raw in
            deform_parameter_gradient(
              run.input(0) + (item * problem.channels + channel) * problem.window.inputVolume,
              columns + channel * problem.cells * outputs, Int64(channels), problem.offset(offsets, item, channel),
              problem.mask(masks, item, channel), raw, Int64(index % problem.cells),
              offsetGradient.map { $0 + plane * 2 * outputs }, maskGradient.map { $0 + plane * outputs })
          }
        }
      }
    }
  }
}
