import CKernels
import Graph

let imageScalerOperators: [OperatorEntry] = [
  OperatorEntry("ImageScaler", inputs: 1...1) { reader in
    ImageScaler(scale: try reader.float("scale", default: 1), bias: try reader.floats("bias") ?? [])
  }
]

/// ImageScaler, written by Core ML's exporter: scale · x plus a bias for each channel.
struct ImageScaler: DifferentiableOperator {
  let scale: Float
  let bias: [Float]

  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? { .elementwise }

  func scaling(_ inputs: NodeInputs) -> ConstantScaling? {
    let shift = bias.isEmpty ? [0] : bias
    return ConstantScaling(of: 0, by: shift.map { _ in scale }, plus: shift, along: bias.isEmpty ? nil : 1)
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.onlyFloats()
    guard x.shape.rank >= 2, bias.isEmpty || bias.count == x.shape[1] else {
      throw GradCAMError(.badData, problem: "\(bias.count) biases do not fit the channels of \(x.shape)")
    }
    return [ValueInfo(x.elementType, x.shape)]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let shape = outputs[0].shape, planes = shape[0] * shape[1], plane = shape.count / max(planes, 1)
    return Kernel("scale", placement: .inPlace([0])) { [scale, bias] run in
      let x = run.input(0), y = run.output(0)
      run.pool.parallelRanges(planes, grain: max(1, elementwiseGrain / max(plane, 1))) { range in
        for index in range {
          let offset = bias.isEmpty ? 0 : bias[index % bias.count]
          affine_forward(
            x + index * plane, y + index * plane, plane, unary_parameters(alpha: scale, beta: offset, gamma: 0))
        }
      }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let count = outputs[0].shape.count
    return GradientRule("scale", inPlace: true) { [scale] run in
      let dy = run.outputGradient, dx = run.inputGradient(0)
      run.pool.parallelRanges(count, grain: elementwiseGrain) { range in
        scale_floats(dy + range.lowerBound, dx + range.lowerBound, range.count, scale)
      }
    }
  }
}
