import Graph

/// Operators composed of a few others.
let compositeOperators: [OperatorEntry] = [
  // Of files older than the standard: x · Wᵀ + b, with x and W flattened before and from an axis on.
  OperatorEntry("FC", inputs: 2...3) { reader in
    let axis = try reader.int("axis", default: 1), weightAxis = try reader.int("axis_w", default: 1)
    return Composite { inputs in
      var body = GraphBuilder(inputs)
      let x = try inputs.required(0).shape, weights = try inputs.required(1).shape
      let rowAxis = try x.axis(axis), resultAxis = try weights.axis(weightAxis)
      let count = weights.count(0..<resultAxis), inner = weights.count(resultAxis..<weights.rank)
      guard x.count(rowAxis..<x.rank) == inner else {
        throw GradCAMError(.badData, problem: "weights \(weights) do not fit an input of shape \(x)")
      }
      let product = body(
        "Gemm", body.reshape(0, [x.count(0..<rowAxis), inner]), body.reshape(1, [count, inner]), body.optional(2),
        with: ["transB": .int(1)])
      return body.returning(body.reshape(product, x.dimensions[..<rowAxis] + [count]))
    }
  },
  OperatorEntry("SwiGLU", since: 28, inputs: 2...2) { reader in
    let alpha = try reader.float("alpha", default: 1)
    return Composite(axes: .elementwise) { inputs in
      var body = GraphBuilder(inputs)
      guard try inputs.required(0).shape == inputs.required(1).shape else {
        throw GradCAMError(.badData, problem: "the two inputs differ in shape")
      }
      let slope = body.number(alpha, type: try inputs.required(0).elementType)
      let gate = body("Mul", 0, body("Sigmoid", body("Mul", 0, slope)))
      return body.returning(body("Mul", gate, 1))
    }
  },
  OperatorEntry("CausalConvWithState", since: 27, inputs: 2...4) { reader in
    let activation = try reader.choice("activation", default: CausalActivation.none)
    return Composite { inputs in try causalConvolution(inputs, activation) }
  },
  OperatorEntry("CumProd", since: 26, inputs: 2...2) { reader in
    let isExclusive = try reader.flag("exclusive"), isReversed = try reader.flag("reverse")
    return Composite(axes: .elementwise) { inputs in
      try cumulativeProduct(inputs, isExclusive: isExclusive, isReversed: isReversed)
    }
  },
  OperatorEntry("TensorScatter", since: 24, inputs: 2...3) { reader in
    let axis = try reader.int("axis", default: -2)
    let mode = try reader.choice("mode", default: WriteMode.linear)
    return Composite { inputs in try tensorScatter(inputs, axis: axis, mode) }
  },
]

private enum CausalActivation: String, CaseIterable { case none, silu, swish }

private enum WriteMode: String, CaseIterable { case linear, circular }

/// A causal depthwise convolution; the state holds the end of the input of earlier calls.
private func causalConvolution(_ inputs: NodeInputs, _ activation: CausalActivation) throws -> ComputeGraph {
  var body = GraphBuilder(inputs)
  let x = try inputs.required(0), weight = try inputs.required(1).shape
  guard x.shape.rank == 3, weight.rank == 3, weight[0] == x.shape[1], weight[1] == 1, weight[2] > 0 else {
    throw GradCAMError(.badData, problem: "weights \(weight) do not fit an input of shape \(x.shape)")
  }
  let past = weight[2] - 1, length = x.shape[2]
  let state = body.optional(3) ?? body.number(0, shape: [x.shape[0], x.shape[1], past], type: x.elementType)
  let whole = past > 0 ? body.concatenate([state, 0], axis: 2) : body("Identity", 0)
  let convolved = body("Conv", whole, 1, body.optional(2), with: ["group": .int(Int64(weight[0]))])
  let result = activation == .none ? convolved : body("Mul", convolved, body("Sigmoid", convolved))
  return body.returning(result, body.slice(whole, length..<length + past, axis: 2))
}

/// Products along an axis, one slice after the other; correct, like their gradient, even if factors are zero.
private func cumulativeProduct(_ inputs: NodeInputs, isExclusive: Bool, isReversed: Bool) throws -> ComputeGraph {
  var body = GraphBuilder(inputs)
  let x = try inputs.required(0)
  let axis = try x.shape.axis(try inputs.requiredInteger(1)), count = x.shape[axis]
  guard count > 0 else { return body.returning(body("Identity", 0)) }
  var shape = x.shape
  shape.dimensions.remove(at: axis)
  let ones = body("Expand", body.cast(body.integers([1]), to: x.elementType), body.integers(shape.dimensions))
  let one = body.reshape(ones, shape.dimensions)
  var round = GraphBuilder()
  let product = round.input("product"), next = round("Mul", product, round.input("factor"))
  let slicing = Repetition.Slicing(axis: axis, isReversed: isReversed)
  let repetition = try Repetition(
    round.returning(next, isExclusive ? product : next), rounds: count, stateCount: 1, sliced: [slicing],
    collected: [slicing])
  return body.returning(body.repeat(repetition, [one, 0])[1])
}

/// Writes new tokens into a cache, at a separate position for every sequence of the batch.
private func tensorScatter(_ inputs: NodeInputs, axis: Int, _ mode: WriteMode) throws -> ComputeGraph {
  var body = GraphBuilder(inputs)
  let cache = try inputs.required(0).shape, update = try inputs.required(1).shape
  let axis = try cache.axis(axis)
  guard axis > 0, update.rank == cache.rank, update[axis] <= cache[axis],
    (0..<cache.rank).allSatisfy({ $0 == axis || update[$0] == cache[$0] })
  else { throw GradCAMError(.badData, problem: "an update of shape \(update) does not fit a cache of shape \(cache)") }
  func extents(_ extent: Int, at place: Int) -> [Int] { (0..<cache.rank).map { $0 == place ? extent : 1 } }
  let steps = Tensor((0..<update[axis]).map(Int64.init), shape: Shape(extents(update[axis], at: axis)))
  var places = body.constant(steps)
  if let starts = body.optional(2) {
    places = body("Add", places, body.reshape(body.cast(starts, to: .int64), extents(cache[0], at: 0)))
  }
  if mode == .circular { places = body("Mod", places, body.integers([cache[axis]])) }
  places = body("Expand", places, body.integers(update.dimensions))
  return body.returning(body("ScatterElements", 0, places, 1, with: ["axis": .int(Int64(axis))]))
}
