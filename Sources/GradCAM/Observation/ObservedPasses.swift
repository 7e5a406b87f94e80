import Graph

/// The passes over one image: by the plan for the expected questions, and by one that keeps every value.
final class ObservedPasses {
  let planner: ModelPlanner
  private let image: PreparedImage
  private(set) var expected: Run?
  /// The run for all other questions.
  private var open: Run?
  /// The values that `open` computes, including parts of fused nodes.
  private var openValues: Set<ValueID> = []
  private(set) var forwardStepCount = 0
  /// Whether the forward pass must run again before the taps can be visited again.
  private var isConsumed = false

  /// Runs the model on an image, for questions about a focus; nil for any.
  init(_ planner: ModelPlanner, _ image: PreparedImage, expecting focus: Focus?) throws {
    self.planner = planner
    self.image = image
    if let focus {
      expected = try forward(planner.run(planner.key(focus)))
    } else {
      _ = try openRun(reaching: [])
    }
  }

  deinit {
    for run in [expected, open] { if let run { planner.recycle(run) } }
  }

  private func forward(_ run: Run) throws -> Run {
    try planner.model.located {
      try run.executor.set(planner.model, to: image)
      try forward(run.executor)
    }
    return run
  }

  private func forward(_ executor: Executor) throws {
    try executor.forward()
    forwardStepCount += executor.plan.forwardStepCount
  }

  /// A forward pass that keeps all values upstream of some values.
  private func openRun(reaching values: [ValueID]) throws -> Run {
    if let open, openValues.isSuperset(of: values) { return open }
    let graph = planner.model.graph
    let roots = Set(try planner.reported() + values + (open?.key.kept ?? []))
    let key = PlanKey(kept: roots.sorted(), isObservable: true, reusesWeights: planner.reusesWeights)
    let run = try forward(planner.run(key))
    if let open { planner.recycle(open) }
    open = run
    openValues = graph.upstream(of: roots)
    return run
  }

  /// An executor that holds a value's contents, of all images.
  func executor(keeping value: ValueID) throws -> Executor {
    if let expected, expected.key.lasting.contains(value) || planner.model.takesImage(value) {
      return expected.executor
    }
    let run = try openRun(reaching: [value])
    return run.executor.plan.keeps(value) ? run.executor : try observer(PlanKey(kept: [value]), of: run)
  }

  /// Walks back from a target to some values; the executor holds contents and gradients there until the next walk.
  ///
  /// - Parameter seed: the target's gradient with respect to the explained value.
  func walk(from explained: ValueID, seed: [Float], to values: [ValueID], by rule: BackwardRule) throws -> Executor {
    try planner.model.located {
      if let expected, rule == .gradient, !expected.key.visitsTaps, expected.key.target == explained,
        Set(values).isSubset(of: expected.key.taps)
      {
        try expected.executor.backward(seed: seed)
        return expected.executor
      }
      let key = PlanKey(taps: values, target: explained, rule: rule)
      let executor = try observer(key, of: openRun(reaching: [explained] + values))
      try executor.backward(seed: seed)
      return executor
    }
  }

  /// An executor that observes a run, after its own few forward steps.
  private func observer(_ key: PlanKey, of run: Run) throws -> Executor {
    var key = key
    key.observing = run.key.kept
    key.reusesWeights = planner.reusesWeights
    let executor = try run.observer(key) { try Executor(planner.plan(key), pool: planner.pool, observing: $0) }
    try forward(executor)
    return executor
  }

  /// Walks back from a target and visits each tap on the way.
  func visit(seed: [Float], _ visit: (ValueID, Executor) throws -> Void) throws {
    let executor = expected!.executor
    if isConsumed { try forward(executor) }
    isConsumed = true
    try executor.backward(seed: seed, visit: { try visit($0, executor) })
  }
}
