/// DeepLIFT: in the place of gradients, multipliers are passed on, whose products with the difference of contents from
/// those for another input sum up to the target's difference at every layer.
extension BackwardPlanner {
  /// Captum's: how different two numbers are at least whose quotient is taken.
  private static let threshold: Float = 1e-10

  /// Plans the multipliers of a node's inputs.
  ///
  /// - Parameter multipliers: the buffers of the results' multipliers; nil for a result that has none.
  /// - Returns: the buffer of each input's multipliers; none where they are zero.
  ///
  /// Throws `unsupported` if no rule is known for the operator.
  mutating func multipliers(_ step: BackwardStep, _ multipliers: [Int?]) throws -> [Int: Int] {
    switch step.operation.dependence(on: step.wanted, step.inputs) {
    case .moved?, .linear?: return try product(step, multipliers)
    case .elementwise?: return step.isOfFloats ? try slopes(step, multipliers) : try product(step, multipliers)
    case .chosen? where step.isOfFloats: return try crossed(step, multipliers)
    case .multilinear? where step.isOfFloats && step.wanted.count == 2:
      return try product(halfway(step), multipliers)
    case .chosen?, .multilinear?, .scaled?, .competing?, nil: throw noRule(step, "for differences from a baseline")
    }
  }

  /// The same step for the other input.
  private func reference(_ step: BackwardStep) -> BackwardStep {
    let node = forward.graph.nodes[step.node]
    func places(_ values: [ValueID?], _ known: [ValuePlace?]) -> [ValuePlace?] {
      zip(values, known).map { value, place in
        value.flatMap { references[0].values[$0] }.flatMap { forward.places[$0] } ?? place
      }
    }
    var other = step
    other.inputPlaces = places(node.inputs, step.inputPlaces)
    other.outputPlaces = places(node.outputs, step.outputPlaces)
    return other
  }

  /// m · Δy ⁄ Δx, or the gradient where there is no difference.
  private mutating func slopes(_ step: BackwardStep, _ multipliers: [Int?]) throws -> [Int: Int] {
    guard let multiplier = multipliers[0] else { return [:] }
    let other = reference(step), count = step.outputs[0].shape.count
    return try product(step, multipliers).reduce(into: [:]) { found, gradient in
      let input = gradient.key
      try checkPassing(step, to: input)
      found[input] = add(
        .slope(count: count, threshold: Self.threshold), node: step.node,
        reads: [
          .buffer(gradient.value), .buffer(multiplier), step.inputPlaces[input], other.inputPlaces[input],
          step.outputPlaces[0], other.outputPlaces[0],
        ], count: count)
    }
  }

  /// What a choice among elements contributes, by way of the larger of both results: what the picture's choice adds to
  /// the other input's result, and what the other input's choice takes away.
  private mutating func crossed(_ step: BackwardStep, _ multipliers: [Int?]) throws -> [Int: Int] {
    guard let multiplier = multipliers[0] else { return [:] }
    let other = reference(step), count = step.outputs[0].shape.count
    func none(but first: Int) -> [Int?] { [first] + multipliers.dropFirst().map { _ in nil } }
    func change(isOwn: Bool) -> Int {
      add(
        .change(count: count, isOwn: isOwn), node: step.node,
        reads: [.buffer(multiplier), step.outputPlaces[0], other.outputPlaces[0]], count: count)
    }
    let own = try product(step, none(but: change(isOwn: true)))
    let others = try product(other, none(but: change(isOwn: false)))
    return try product(step, none(but: multiplier)).reduce(into: [:]) { found, gradient in
      let (input, buffer) = gradient, count = step.count(of: input)
      found[input] = add(
        .crossing(count: count, threshold: Self.threshold), node: step.node,
        reads: [
          .buffer(buffer), .buffer(own[input]!), .buffer(others[input]!), step.inputPlaces[input],
          other.inputPlaces[input],
        ], count: count)
    }
  }

  /// The step halfway between both inputs, where the slopes of a product of two are those of its difference.
  private mutating func halfway(_ step: BackwardStep) -> BackwardStep {
    let other = reference(step)
    var halfway = step
    for input in step.wanted.sorted() {
      halfway.inputPlaces[input] = .buffer(
        add(
          .mean(count: step.count(of: input)), node: step.node,
          reads: [step.inputPlaces[input], other.inputPlaces[input]], count: step.count(of: input)))
    }
    return halfway
  }
}

extension Kernel {
  /// The multiplier of x for the gradient, m, x, x₀, y and y₀.
  fileprivate static func slope(count: Int, threshold: Float) -> Kernel {
    Kernel("rescale") { run in
      let gradient = run.input(0), multiplier = run.input(1), slope = run.output(0)
      let x = run.input(2), x0 = run.input(3), y = run.input(4), y0 = run.input(5)
      run.pool.parallelRanges(count, grain: 1 << 14) { range in
        for index in range {
          let difference = x[index] - x0[index]
          let quotient = multiplier[index] * (y[index] - y0[index]) / difference
          slope[index] = abs(difference) < threshold ? gradient[index] : quotient
        }
      }
    }
  }

  /// What becomes of m, y and y₀ by way of the larger result: m · (max − y₀), or m · (y − max).
  fileprivate static func change(count: Int, isOwn: Bool) -> Kernel {
    Kernel("rescale") { run in
      let multiplier = run.input(0), y = run.input(1), y0 = run.input(2), change = run.output(0)
      run.pool.parallelRanges(count, grain: 1 << 14) { range in
        for index in range {
          let larger = max(y[index], y0[index])
          change[index] = multiplier[index] * (isOwn ? larger - y0[index] : y[index] - larger)
        }
      }
    }
  }

  /// The multiplier of x for the gradient, what the choices of both inputs contribute, x and x₀.
  fileprivate static func crossing(count: Int, threshold: Float) -> Kernel {
    Kernel("rescale") { run in
      let gradient = run.input(0), own = run.input(1), other = run.input(2), crossing = run.output(0)
      let x = run.input(3), x0 = run.input(4)
      run.pool.parallelRanges(count, grain: 1 << 14) { range in
        for index in range {
          let difference = x[index] - x0[index]
          crossing[index] = abs(difference) < threshold ? gradient[index] : (own[index] + other[index]) / difference
        }
      }
    }
  }

  /// The mean of two tensors.
  fileprivate static func mean(count: Int) -> Kernel {
    Kernel("rescale") { run in
      let a = run.input(0), b = run.input(1), mean = run.output(0)
      run.pool.parallelRanges(count, grain: 1 << 14) { range in
        for index in range { mean[index] = (a[index] + b[index]) / 2 }
      }
    }
  }
}
