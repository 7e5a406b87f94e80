import Graph

/// A walk back from what is explained that the session's own plan does not take.
struct Backpropagation: Hashable {
  /// Where the gradient is wanted.
  let values: [ValueID]
  /// Whether rectifiers let no gradient below 0 through.
  var isGuided = false
}

extension Session {
  /// Runs the last image on a plan for a walk from a target; the plan is kept for the next image.
  ///
  /// - Returns: what holds activation and gradient at the walk's values, until it runs again.
  func run(_ walk: Backpropagation, from target: any Target) throws -> Executor {
    try model.located {
      let inputs = executor.plan.request.inputs, run = try backpropagations[walk] ?? executor(for: walk)
      backpropagations[walk] = run
      for input in inputs.keys { try run.set(input, to: executor.contents(of: input)) }
      try run.forward()
      try run.backward(seed: seed(target))
      return run
    }
  }

  private func executor(for walk: Backpropagation) throws -> Executor {
    var request = PlanRequest(
      inputs: executor.plan.request.inputs, outputs: [], taps: walk.values, target: explained,
      kernels: executor.plan.request.kernels)
    request.guidesGradients = walk.isGuided
    let plan = try Plan(model.graph, operators: model.operators, request: request)
    try plan.checkMemory(inputSize)
    return Executor(plan, pool: pool)
  }
}

extension Executor {
  /// Activation and gradient at a value, of the batch's first image.
  func tap(_ value: ValueID, _ layout: FeatureMapLayout) -> Tap {
    Tap(
      channels: layout.channels, height: layout.height, width: layout.width,
      activation: withElements(of: value, layout.gather), gradient: withGradient(of: value, layout.gather))
  }
}
