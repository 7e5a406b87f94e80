import CKernels
import Graph

let unaryOperators: [OperatorEntry] = [
  OperatorEntry("Relu") { reader in
    reader.ignore("consumed_inputs")
    return Relu()
  }
]

/// The elements that one task of an elementwise loop takes.
let elementwiseGrain = 1 << 15

struct Relu: DifferentiableOperator {
  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0)
    return [ValueInfo(x.elementType, x.shape)]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let count = outputs[0].shape.count
    return Kernel("relu", placement: .inPlace([0])) { run in
      let x = run.input(0), y = run.output(0)
      run.pool.parallelRanges(count, grain: elementwiseGrain) { range in
        relu(x + range.lowerBound, y + range.lowerBound, range.count)
      }
    }
  }

  // 0 at 0, as PyTorch has it.
  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientKernel {
    let count = outputs[0].shape.count
    return GradientKernel("relu", readsOutputs: [0], inPlace: true) { run in
      let y = run.output(0), dy = run.outputGradient, dx = run.inputGradient(0)
      run.pool.parallelRanges(count, grain: elementwiseGrain) { range in
        relu_gradient(y + range.lowerBound, dy + range.lowerBound, dx + range.lowerBound, range.count)
      }
    }
  }
}
