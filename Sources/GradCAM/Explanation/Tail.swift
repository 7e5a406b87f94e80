import Graph

/// A model behind a tap: the scores as a function of the activation there.
///
/// What reaches the scores around the tap has the value that the session's last image gave it.
/// Not for use by several threads at a time.
public final class Tail {
  private let executor: Executor
  private let tap, logits: ValueID
  private let classCount: Int

  init(behind tap: ValueID, of model: Model, in session: Executor, pool: ThreadPool, classCount: Int) throws {
    var request = session.plan.request
    let info = session.plan.infos[tap]!
    request.inputs[tap] = ValueInfo(info.elementType, info.shape)
    request.outputs = [model.head.logits]
    request.taps = []
    request.target = nil
    // Differences of scores are all that rounding leaves of them.
    request.kernels.roundsLittle = true
    executor = Executor(try Plan(model.graph, operators: model.operators, request: request), pool: pool)
    for value in request.inputs.keys { try executor.set(value, to: session.contents(of: value)) }
    self.tap = tap
    logits = model.head.logits
    self.classCount = classCount
  }

  /// The raw scores of the batch's first image for an activation of the tap's shape.
  public func logits(for activation: Tensor) throws -> [Float] {
    try executor.set(tap, to: activation)
    try executor.forward()
    return Array(executor.contents(of: logits).floats.prefix(classCount))
  }
}
