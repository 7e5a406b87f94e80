import Graph

let recurrenceOperators: [OperatorEntry] = [
  OperatorEntry("RNN", inputs: 3...6) { reader in try Recurrence(.rnn, &reader) },
  OperatorEntry("GRU", inputs: 3...6) { reader in try Recurrence(.gru, &reader) },
  OperatorEntry("LSTM", inputs: 3...8) { reader in try Recurrence(.lstm, &reader) },
]

/// A recurrent layer: a repetition in time for each direction.
struct Recurrence: CompositeOperator {
  enum Cell {
    case rnn, gru, lstm

    /// The blocks of rows of the weights.
    var gateCount: Int {
      switch self {
      case .rnn: 1
      case .gru: 3
      case .lstm: 4
      }
    }

    /// The columns of the transposed recurrent weights that the state is multiplied by at once.
    fileprivate func products(_ size: Int) -> [Range<Int>] {
      switch self {
      case .rnn, .lstm: [0..<gateCount * size]
      case .gru: [0..<2 * size, 2 * size..<3 * size]
      }
    }

    fileprivate var defaultActivations: [String] {
      switch self {
      case .rnn: ["Tanh"]
      case .gru: ["Sigmoid", "Tanh"]
      case .lstm: ["Sigmoid", "Tanh", "Tanh"]
      }
    }
  }

  private enum Direction: String, CaseIterable { case forward, reverse, bidirectional }

  private let cell: Cell
  private let direction: Direction
  private let hiddenSize: Int?
  private let isBatchFirst: Bool
  private let clip: Float?
  private let couplesForgetting, resetsAfterProduct: Bool
  /// The activations of each direction in turn.
  private let activations: [RecurrenceActivation]

  init(_ cell: Cell, _ reader: inout AttributeReader) throws {
    self.cell = cell
    reader.ignore("output_sequence")  // before opset 7: whether output 0 exists, which the node shows
    direction = try reader.choice("direction", default: Direction.forward)
    hiddenSize = try reader.int("hidden_size")
    isBatchFirst = try reader.flag("layout")
    clip = try reader.float("clip")
    couplesForgetting = cell == .lstm ? try reader.flag("input_forget") : false
    resetsAfterProduct = cell == .gru ? try reader.flag("linear_before_reset") : false
    var names = cell.defaultActivations + (direction == .bidirectional ? cell.defaultActivations : [])
    switch reader.attribute("activations") {
    case nil: break
    case .strings(let given)? where given.count >= names.count: names = Array(given.prefix(names.count))
    default:
      throw GradCAMError(.badData, at: "attribute 'activations'", problem: "is not a list of \(names.count) names")
    }
    var alphas = try reader.floats("activation_alpha")?[...] ?? [],
      betas = try reader.floats("activation_beta")?[...] ?? []
    activations = try names.map { try RecurrenceActivation($0, alphas: &alphas, betas: &betas) }
  }

  /// Steps × directions × batch × features, or batch × steps × directions × features; the last states have no steps and
  /// are not followed.
  func axes(_ inputs: NodeInputs) -> AxisMapping {
    .labelled(
      [isBatchFirst ? [1, 0, 4] : [0, 1, 4], [2, 5, 4], [2, 5, 3]], result: isBatchFirst ? [1, 0, 2, 3] : [0, 2, 1, 3])
  }

  func body(_ inputs: NodeInputs) throws -> ComputeGraph {
    var body = GraphBuilder(inputs)
    let x = try inputs.required(0), weights = try inputs.required(1).shape, recurrent = try inputs.required(2).shape
    let directions = direction == .bidirectional ? 2 : 1
    guard x.shape.rank == 3, weights.rank == 3, recurrent.rank == 3 else {
      throw GradCAMError(.badData, problem: "sequences \(x.shape) and weights \(weights), \(recurrent) do not fit")
    }
    let size = recurrent[2], rows = cell.gateCount * size
    guard weights == [directions, rows, x.shape[2]], recurrent == [directions, rows, size], hiddenSize ?? size == size
    else {
      throw GradCAMError(.badData, problem: "weights \(weights) and \(recurrent) do not fit sequences \(x.shape)")
    }
    let count = x.shape[isBatchFirst ? 1 : 0], batch = x.shape[isBatchFirst ? 0 : 1]
    guard count > 0 else { throw GradCAMError(.badData, problem: "the sequence is empty") }
    for (index, extent) in [(3, 2 * rows), (7, 3 * size)] {
      guard let info = inputs[index], index < 7 || cell == .lstm else { continue }
      guard info.shape == [directions, extent] else {
        throw GradCAMError(.badData, problem: "input \(index) has shape \(info.shape)")
      }
    }

    let sequence = isBatchFirst ? body.transpose(0, [1, 0, 2]) : 0
    let lengths = lengths(&body, inputs, count: count, batch: batch)
    let times = body.constant(Tensor((0..<count).map(Int64.init), shape: [count]))
    var all: [ValueID] = [], lastStates: [[ValueID]] = []
    for index in 0..<directions {
      func state(_ input: Int) -> ValueID {
        guard let given = body.optional(input) else {
          return body.number(0, shape: [batch, size], type: x.elementType)
        }
        let part = body.slice(given, index..<index + 1, axis: isBatchFirst ? 1 : 0)
        return body.squeeze(part, axis: isBatchFirst ? 1 : 0)
      }
      func part(_ input: Int) -> ValueID { body.squeeze(body.slice(input, index..<index + 1, axis: 0), axis: 0) }
      let biases = body.optional(3) == nil ? nil : body.split(part(3), into: 2, axis: 0)
      var projected = body("MatMul", sequence, body.transpose(part(1), [1, 0]))
      if let biases { projected = body("Add", projected, biases[0]) }
      let recurrent = body.transpose(part(2), [1, 0])
      let states = cell == .lstm ? [state(5), state(6)] : [state(5)]
      let weights = cell.products(size).map { body.slice(recurrent, $0, axis: 1) }
      let recurrentBiases =
        biases.map { biases in cell.products(size).map { body.slice(biases[1], $0, axis: 0) } } ?? []
      let peepholes = cell == .lstm && body.optional(7) != nil ? body.split(part(7), into: 3, axis: 0) : []

      var round = GraphBuilder()
      let hidden = round.input("hidden"), memory = cell == .lstm ? round.input("memory") : nil
      let token = round.input("token"), time = round.input("time")
      let step = RecurrenceStep(
        cell: cell, size: size, type: x.elementType, clip: clip, couplesForgetting: couplesForgetting,
        resetsAfterProduct: resetsAfterProduct,
        activations: Array(
          activations[index * cell.defaultActivations.count..<(index + 1) * cell.defaultActivations.count]),
        recurrent: weights.map { _ in round.input("recurrent") },
        recurrentBiases: recurrentBiases.map { _ in round.input("bias") },
        peepholes: peepholes.map { _ in round.input("peephole") })
      var next = step.advance(&round, token, hidden: hidden, memory: memory)
      var result = next.hidden
      if lengths != nil {
        let isWithin = round("Greater", round.input("lengths"), time)
        result = round("Where", isWithin, next.hidden, round.number(0, type: x.elementType))
        next.hidden = round("Where", isWithin, next.hidden, hidden)
        if let memory, let new = next.memory { next.memory = round("Where", isWithin, new, memory) }
      }
      let slicing = Repetition.Slicing(axis: 0, isReversed: direction == .reverse || index == 1)
      let repetition = try Repetition(
        round.returning([next.hidden, next.memory, result].compactMap { $0 }), rounds: count,
        stateCount: states.count, sliced: [slicing, slicing], collected: [slicing])
      let results = body.repeat(
        repetition,
        states + [projected, times] + weights + recurrentBiases + peepholes + (lengths.map { [$0] } ?? []))
      all.append(body.unsqueeze(results[states.count], axis: 1))
      lastStates.append(results[..<states.count].map { body.unsqueeze($0, axis: isBatchFirst ? 1 : 0) })
    }
    let joined = body.concatenate(all, axis: 1)
    let result = isBatchFirst ? body.transpose(joined, [2, 0, 1, 3]) : joined
    let last = lastStates[0].indices.map { state in
      body.concatenate(lastStates.map { $0[state] }, axis: isBatchFirst ? 1 : 0)
    }
    return body.returning([result] + last)
  }

  /// The lengths of the sequences as a column; nil if all are of full length.
  private func lengths(_ body: inout GraphBuilder, _ inputs: NodeInputs, count: Int, batch: Int) -> ValueID? {
    guard let info = inputs[4], let lengths = body.optional(4) else { return nil }
    if let known = info.constant, known.integers.allSatisfy({ $0 >= count }) { return nil }
    return body.reshape(body.cast(lengths, to: .int64), [batch, 1])
  }
}

/// One step of a recurrent cell.
private struct RecurrenceStep {
  let cell: Recurrence.Cell
  let size: Int
  let type: ElementType
  let clip: Float?
  let couplesForgetting, resetsAfterProduct: Bool
  let activations: [RecurrenceActivation]
  /// The recurrent weights of each product, transposed: state × gates.
  let recurrent: [ValueID]
  /// The biases of each product, if there are any.
  let recurrentBiases: [ValueID]
  /// The weights for the input, output and forget gates; empty if the cell has no peepholes.
  let peepholes: [ValueID]

  /// The state after a token, given as the input's contribution to the gates.
  func advance(
    _ body: inout GraphBuilder, _ token: ValueID, hidden: ValueID, memory: ValueID?
  ) -> (hidden: ValueID, memory: ValueID?) {
    switch cell {
    case .rnn: (activate(&body, 0, sum(&body, token, hidden)), nil)
    case .gru: (gru(&body, token, hidden), nil)
    case .lstm: lstm(&body, token, hidden, memory!)
    }
  }

  private func activate(_ body: inout GraphBuilder, _ index: Int, _ x: ValueID) -> ValueID {
    var x = x
    if let clip { x = body("Clip", x, body.number(-clip, type: type), body.number(clip, type: type)) }
    return activations[index].apply(&body, x, type)
  }

  /// A token and the state's contribution to some gates.
  private func sum(_ body: inout GraphBuilder, _ token: ValueID, _ hidden: ValueID, product: Int = 0) -> ValueID {
    biased(&body, body("Add", token, body("MatMul", hidden, recurrent[product])), product)
  }

  private func biased(_ body: inout GraphBuilder, _ x: ValueID, _ product: Int) -> ValueID {
    recurrentBiases.isEmpty ? x : body("Add", x, recurrentBiases[product])
  }

  private func gru(_ body: inout GraphBuilder, _ token: ValueID, _ hidden: ValueID) -> ValueID {
    let inputs = cell.products(size).map { body.slice(token, $0, axis: 1) }
    let gates = body.split(sum(&body, inputs[0], hidden), into: 2, axis: 1)
    let update = activate(&body, 0, gates[0]), reset = activate(&body, 0, gates[1])
    let candidateInput: ValueID
    if resetsAfterProduct {
      let product = biased(&body, body("MatMul", hidden, recurrent[1]), 1)
      candidateInput = body("Add", inputs[1], body("Mul", reset, product))
    } else {
      candidateInput = sum(&body, inputs[1], body("Mul", reset, hidden), product: 1)
    }
    let candidate = activate(&body, 1, candidateInput)
    // (1 − z)·h̃ + z·h
    return body("Add", candidate, body("Mul", update, body("Sub", hidden, candidate)))
  }

  private func lstm(
    _ body: inout GraphBuilder, _ token: ValueID, _ hidden: ValueID, _ memory: ValueID
  ) -> (hidden: ValueID, memory: ValueID?) {
    let parts = body.split(sum(&body, token, hidden), into: 4, axis: 1)
    func peep(_ x: ValueID, _ index: Int, _ memory: ValueID) -> ValueID {
      peepholes.isEmpty ? x : body("Add", x, body("Mul", peepholes[index], memory))
    }
    let input = activate(&body, 0, peep(parts[0], 0, memory))
    let forget =
      couplesForgetting
      ? body("Sub", body.number(1, type: type), input) : activate(&body, 0, peep(parts[2], 2, memory))
    let candidate = activate(&body, 1, parts[3])
    let next = body("Add", body("Mul", forget, memory), body("Mul", input, candidate))
    let output = activate(&body, 0, peep(parts[1], 1, next))
    // As in ONNX Runtime, the clip bounds the sums of the gates, not the cell state.
    return (body("Mul", output, activations[2].apply(&body, next, type)), next)
  }
}

/// An activation of a recurrent cell with its parameters.
private struct RecurrenceActivation: Sendable {
  private let type: String
  private let alpha, beta: Float

  /// Takes this function's parameters from the front of the lists, which all functions share.
  init(_ name: String, alphas: inout ArraySlice<Float>, betas: inout ArraySlice<Float>) throws {
    let known: [(type: String, alpha: Float?, beta: Float?)] = [
      ("Relu", nil, nil), ("Tanh", nil, nil), ("Sigmoid", nil, nil), ("Softsign", nil, nil), ("Softplus", nil, nil),
      ("Affine", 1, 0), ("LeakyRelu", 0.01, nil), ("ThresholdedRelu", 1, nil), ("ScaledTanh", 1, 1),
      ("HardSigmoid", 0.2, 0.5), ("Elu", 1, nil),
    ]
    guard let found = known.first(where: { $0.type.lowercased() == name.lowercased() }) else {
      throw GradCAMError(.unsupported, at: "attribute 'activations'", problem: "'\(name)' is not supported")
    }
    type = found.type
    alpha = found.alpha.map { alphas.popFirst() ?? $0 } ?? 0
    beta = found.beta.map { betas.popFirst() ?? $0 } ?? 0
  }

  func apply(_ body: inout GraphBuilder, _ x: ValueID, _ element: ElementType) -> ValueID {
    switch type {
    case "Affine": body("Add", body("Mul", x, body.number(alpha, type: element)), body.number(beta, type: element))
    case "ScaledTanh":
      body("Mul", body("Tanh", body("Mul", x, body.number(beta, type: element))), body.number(alpha, type: element))
    case "HardSigmoid": body(type, x, with: ["alpha": .float(alpha), "beta": .float(beta)])
    case "LeakyRelu", "ThresholdedRelu", "Elu": body(type, x, with: ["alpha": .float(alpha)])
    default: body(type, x)
    }
  }
}
