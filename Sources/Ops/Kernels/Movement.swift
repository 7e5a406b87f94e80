import Graph

/// Elements of an input that are moved to an output.
struct Move: Sendable {
  var input = 0
  var output = 0
  let map: StridedMap
}

/// All moves of an operator.
struct Movement: Sendable {
  /// The contents of outputs where no move reaches.
  enum Background: Sendable {
    /// The moves reach everything.
    case covered
    /// Zero or false.
    case zeros
    case element(Tensor)
    /// The only element of an input.
    case input(Int)
  }

  var moves: [Move]
  var background = Background.covered
  /// Whether no element of an input is moved twice.
  var isInjective = true
}

/// An operator whose outputs are elements of its inputs, at positions determined by shapes and attributes.
protocol MovementOperator: DifferentiableOperator {
  func movement(_ inputs: NodeInputs, _ outputs: [ValueInfo]) throws -> Movement
}

extension MovementOperator {
  var integerGradients: IntegerGradients { .passed }
  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? { .moved }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let movement = try movement(inputs, outputs)
    if let input = movement.identity(inputs, outputs) { return .view(of: input) }
    let storages = outputs.map(\.elementType.storage), counts = outputs.map(\.shape.count)
    let placement = movement.placement(inputs, outputs)
    return Kernel("move", placement: placement) { run in
      for (output, (storage, count)) in zip(run.outputs, zip(storages, counts)) {
        guard let output else { continue }
        let fill = StridedMap(axes: [.init(extent: count, source: 0, target: 1)])
        switch movement.background {
        case .covered: break
        case .zeros: clear(output, byteCount: count * storage.byteCount, pool: run.pool)
        case .element(let tensor): fill.copy(from: tensor.storage.base, to: output, storage: storage, pool: run.pool)
        case .input(let input): fill.copy(from: run.inputs[input]!, to: output, storage: storage, pool: run.pool)
        }
      }
      for move in movement.moves {
        guard let output = run.outputs[move.output] else { continue }
        let input = run.inputs[move.input]!, storage = storages[move.output], size = storage.byteCount
        let isThere = input + move.map.sourceOffset * size == output + move.map.targetOffset * size
        if placement != .fresh && isThere { continue }
        move.map.copy(from: input, to: output, storage: storage, pool: run.pool)
      }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let movement = try movement(inputs, outputs)
    if let input = movement.identity(inputs, outputs), wanted == [input] { return .passing(to: wanted) }
    let background: Int? =
      if case .input(let input) = movement.background, wanted.contains(input) { input } else { nil }
    let largest = try movement.moves.map { try inputs.required($0.input).shape.count }.max() ?? 0
    let outputCount = outputs[0].shape.count

    let isInjective = movement.isInjective
    let counts = try (0..<inputs.count).map { wanted.contains($0) ? try inputs.required($0).shape.count : 0 }
    var reached = [Int](repeating: 0, count: counts.count)
    for move in movement.moves { reached[move.input] += move.map.count }
    let isCovered = zip(counts, reached).map { isInjective && $0 == $1 }
    return GradientRule("move", scratchByteCount: background == nil ? 0 : largest * MemoryLayout<Float>.size) { run in
      for input in wanted {
        let isComplete =
          isCovered[input] && movement.moves.allSatisfy { $0.input != input || run.outputGradients[$0.output] != nil }
        if isComplete { continue }
        clear(run.inputGradient(input), byteCount: counts[input] * MemoryLayout<Float>.size, pool: run.pool)
      }
      for move in movement.moves where wanted.contains(move.input) {
        guard let dy = run.outputGradients[move.output] else { continue }
        let dx = run.inputGradient(move.input)
        if isInjective {
          move.map.reversed.copy(from: dy, to: dx, storage: .float32, pool: run.pool)
        } else {
          move.map.reversed.add(from: dy, to: dx, pool: run.pool)
        }
      }
      guard let background else { return }
      // The number around what was moved has the sum of the gradients there.
      let dy = run.outputGradient, moved = run.scratchFloats
      var sum = (0..<outputCount).reduce(0.0) { $0 + Double(dy[$1]) }
      for move in movement.moves {
        clear(moved, byteCount: largest * MemoryLayout<Float>.size, pool: run.pool)
        move.map.reversed.add(from: dy, to: moved, pool: run.pool)
        sum -= (0..<largest).reduce(0.0) { $0 + Double(moved[$1]) }
      }
      run.inputGradient(background)[0] = Float(sum)
    }
  }
}

extension Movement {
  /// The input that the only output equals element by element.
  fileprivate func identity(_ inputs: NodeInputs, _ outputs: [ValueInfo]) -> Int? {
    guard moves.count == 1, outputs.count == 1, let count = inputs[moves[0].input]?.shape.count else { return nil }
    return count == outputs[0].shape.count && moves[0].map.isIdentity(count: count) ? moves[0].input : nil
  }

  /// Where to place the outputs so that nothing has to be moved.
  fileprivate func placement(_ inputs: NodeInputs, _ outputs: [ValueInfo]) -> Kernel.Placement {
    guard case .covered = background, moves.allSatisfy({ $0.map.isContiguous }) else { return .fresh }
    if outputs.count == 1, moves.count == inputs.count, moves.count > 1 {
      var end = 0
      for (index, move) in moves.enumerated() {
        guard move.input == index, move.map.sourceOffset == 0, move.map.targetOffset == end,
          move.map.count == inputs[index]?.shape.count
        else { return .fresh }
        end += move.map.count
      }
      return end == outputs[0].shape.count ? .gathered : .fresh
    }
    guard moves.count == outputs.count, let input = moves.first?.input else { return .fresh }
    for (index, move) in moves.enumerated() {
      guard move.output == index, move.input == input, move.map.targetOffset == 0,
        move.map.count == outputs[index].shape.count
      else { return .fresh }
    }
    let size = outputs[0].elementType.storage.byteCount
    return .pieces(of: input, at: moves.map { $0.map.sourceOffset * size })
  }
}
