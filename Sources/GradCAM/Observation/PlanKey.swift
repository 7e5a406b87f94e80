import Graph

/// What a plan of a model is for; plans are cached by it.
struct PlanKey: Hashable {
  var kept: [ValueID] = []
  /// The values at which the gradient is wanted.
  var taps: [ValueID] = []
  /// The value whose gradient is given.
  var target: ValueID?
  /// What the backward pass computes.
  var rule = BackwardRule.gradient
  var visitsTaps = false
  /// Whether every value stays in memory, for other plans to observe.
  var isObservable = false
  /// The values kept by the observable plan that this one observes.
  var observing: [ValueID]?
  /// The values that are given instead of computed.
  var given: [ValueID] = []
  /// How many images are computed at a time.
  var imageCount = 1
  /// Whether small rounding errors matter more than speed.
  var roundsLittle = false
  /// Whether weights are packed once for many runs.
  var reusesWeights = false

  /// The values whose contents last until the next run.
  var lasting: Set<ValueID> { visitsTaps ? Set(kept) : wanted }

  /// All values that the plan computes.
  var wanted: Set<ValueID> { Set(kept + taps + (target.map { [$0] } ?? [])) }
}
