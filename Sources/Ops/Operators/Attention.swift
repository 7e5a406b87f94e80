import Graph

let attentionOperators: [OperatorEntry] = [
  OperatorEntry("Attention", since: 23, inputs: 3...7) { reader in try Attention(&reader) },
  OperatorEntry("RotaryEmbedding", since: 23, inputs: 3...4) { reader in
    RotaryEmbedding(
      headCount: try reader.int("num_heads") ?? 0, rotatedExtent: try reader.int("rotary_embedding_dim", default: 0),
      isInterleaved: try reader.flag("interleaved"))
  },
  OperatorEntry("LinearAttention", since: 27, inputs: 3...6) { reader in try LinearAttention(&reader) },
]

/// Splits queries, keys or values into heads: unchanged (batch × head × token × feature), or from three dimensions
/// (batch × token × features of all heads).
private func heads(
  _ body: inout GraphBuilder, _ inputs: NodeInputs, _ index: Int, count: Int?
) throws -> (value: ValueID, shape: Shape) {
  let shape = try inputs.required(index).shape
  if shape.rank == 4 { return (index, shape) }
  guard shape.rank == 3, let count, count > 0, shape[2] % count == 0 else {
    throw GradCAMError(.badData, problem: "a tensor of shape \(shape) cannot be split into \(count ?? 0) heads")
  }
  let size = shape[2] / count
  let cut = body.reshape(index, [shape[0], shape[1], count, size])
  return (body.transpose(cut, [0, 2, 1, 3]), [shape[0], count, shape[1], size])
}

/// Scaled dot-product attention.
struct Attention: CompositeOperator {
  var role: OperatorRole { .attention }

  /// The places are those of the queries, the features those of the values.
  func axes(_ inputs: NodeInputs) -> AxisMapping {
    inputs[0]?.shape.rank == 4
      ? .labelled([[0, 1, 2, 3], [0, 4, 5, 3], [0, 4, 5, 6]], result: [0, 1, 2, 6])
      : .labelled([[0, 1, 2], [0, 3, 4], [0, 3, 5]], result: [0, 1, 5])
  }

  /// The contents of the fourth output.
  private enum Shown: Int { case product, capped, masked, weights }

  private let queryHeads, keyHeads: Int?
  private let scale: Float?
  private let softcap: Float
  private let isCausal: Bool
  private let leftWindow, rightWindow: Int
  private let shown: Shown

  init(_ reader: inout AttributeReader) throws {
    reader.ignore("softmax_precision")  // everything is computed in float32
    queryHeads = try reader.int("q_num_heads")
    keyHeads = try reader.int("kv_num_heads")
    scale = try reader.float("scale")
    softcap = try reader.float("softcap", default: 0)
    isCausal = try reader.flag("is_causal")
    leftWindow = try reader.int("left_window_size", default: -1)
    rightWindow = try reader.int("right_window_size", default: -1)
    let mode = try reader.int("qk_matmul_output_mode", default: 0)
    guard let shown = Shown(rawValue: mode) else {
      throw GradCAMError(.badData, at: "attribute 'qk_matmul_output_mode'", problem: "is \(mode), not 0 to 3")
    }
    self.shown = shown
  }

  func body(_ inputs: NodeInputs) throws -> ComputeGraph {
    var body = GraphBuilder(inputs)
    let type = try inputs.required(0).elementType
    let isFlat = try inputs.required(0).shape.rank == 3
    let query = try heads(&body, inputs, 0, count: queryHeads)
    let key = try heads(&body, inputs, 1, count: keyHeads)
    let value = try heads(&body, inputs, 2, count: keyHeads)
    guard (inputs[4] == nil) == (inputs[5] == nil) else {
      throw GradCAMError(.badData, problem: "has past keys or past values, but not both")
    }

    var keys = key.value, values = value.value, past = 0
    if let pastKeys = body.optional(4), let pastValues = body.optional(5) {
      let shape = try inputs.required(4).shape
      guard shape.rank == 4 else { throw GradCAMError(.badData, problem: "the past keys have shape \(shape)") }
      past = shape[2]
      keys = body.concatenate([pastKeys, keys], axis: 2)
      values = body.concatenate([pastValues, values], axis: 2)
    }
    let presentKeys = keys, presentValues = values
    let batch = query.shape[0], headCount = query.shape[1], queryCount = query.shape[2], size = query.shape[3]
    let groups = key.shape[1], keyCount = past + key.shape[2], valueSize = value.shape[3]
    guard groups > 0, headCount % groups == 0, value.shape[1] == groups, key.shape[3] == size,
      value.shape[2] == key.shape[2], key.shape[0] == batch, value.shape[0] == batch
    else {
      throw GradCAMError(
        .badData, problem: "queries \(query.shape), keys \(key.shape) and values \(value.shape) do not fit")
    }

    // Heads that share keys and values are rows of one product.
    let rows = headCount / groups * queryCount
    let factor = body.number((scale ?? 1 / Float(size).squareRoot()).squareRoot(), type: type)
    let queries = body.reshape(body("Mul", query.value, factor), [batch, groups, rows, size])
    let turned = body.transpose(body("Mul", keys, factor), [0, 1, 3, 2])
    let product = body.reshape(body("MatMul", queries, turned), [batch, headCount, queryCount, keyCount])
    var capped = product
    if softcap > 0 {
      let bound = body.number(softcap, type: type)
      capped = body("Mul", body("Tanh", body("Div", product, bound)), bound)
    }
    var masked = capped
    var weights: ValueID
    if let bias = try bias(&body, inputs, type, batch: batch, queryCount: queryCount, keyCount: keyCount, past: past) {
      masked = body("Add", capped, bias)
      // A query that may attend to nothing gets zeros; softmax would make it and its gradient NaN.
      let zero = body.number(0, type: type)
      let isBlind = body("Equal", body("ReduceMax", bias, body.integers([-1])), body.number(-.infinity, type: type))
      weights = body("Where", isBlind, zero, body("Softmax", body("Where", isBlind, zero, masked)))
    } else {
      weights = body("Softmax", masked)
    }
    let mixed = body("MatMul", body.reshape(weights, [batch, groups, rows, keyCount]), values)
    var result = body.reshape(mixed, [batch, headCount, queryCount, valueSize])
    if isFlat {
      result = body.reshape(body.transpose(result, [0, 2, 1, 3]), [batch, queryCount, headCount * valueSize])
    }
    let looked =
      switch shown {
      case .product: product
      case .capped: capped
      case .masked: masked
      case .weights: weights
      }
    return body.returning(result, presentKeys, presentValues, looked)
  }

  /// The bias added to the products: 0 where a query may attend to a key, −∞ where not, plus a mask of numbers.
  private func bias(
    _ body: inout GraphBuilder, _ inputs: NodeInputs, _ type: ElementType, batch: Int, queryCount: Int, keyCount: Int,
    past: Int
  ) throws -> ValueID? {
    var conditions: [ValueID] = []
    var numbers: ValueID?
    if let info = inputs[3], var mask = body.optional(3) {
      let isTruth = info.elementType == .bool
      guard let width = info.shape.dimensions.last, width <= keyCount else {
        throw GradCAMError(.badData, problem: "the mask \(info.shape) does not fit \(keyCount) keys")
      }
      // A shorter mask forbids the keys past its end; this includes a last extent of 1, which is not broadcast.
      if width < keyCount {
        let rest = Shape(info.shape.dimensions.dropLast() + [keyCount - width])
        let filler =
          isTruth
          ? body.constant(Tensor([Bool](repeating: false, count: rest.count), shape: rest))
          : body.number(-.infinity, shape: rest, type: info.elementType)
        mask = body.concatenate([mask, filler], axis: -1)
      }
      if isTruth { conditions.append(mask) } else { numbers = mask }
    }

    var offset = body.constant(Tensor([Int64(past)], shape: [1, 1, 1, 1]))
    if let lengths = body.optional(6) {
      let column = body.reshape(body.cast(lengths, to: .int64), [batch, 1, 1, 1])
      let positions = body.constant(Tensor((0..<keyCount).map(Int64.init), shape: [1, 1, 1, keyCount]))
      conditions.append(body("Less", positions, column))
      if past == 0 { offset = body("Sub", column, body.integers([queryCount])) }
    }
    if isCausal || leftWindow >= 0 || rightWindow >= 0 {
      let queries = body.constant(Tensor((0..<queryCount).map(Int64.init), shape: [1, 1, queryCount, 1]))
      let keys = body.constant(Tensor((0..<keyCount).map(Int64.init), shape: [1, 1, 1, keyCount]))
      /// For every query, the position of the key at its own plus the offset plus `distance`.
      func limit(_ distance: Int) -> ValueID {
        body("Add", queries, distance == 0 ? offset : body("Add", offset, body.integers([distance])))
      }
      if isCausal { conditions.append(body("LessOrEqual", keys, limit(0))) }
      if leftWindow >= 0 { conditions.append(body("GreaterOrEqual", keys, limit(-leftWindow))) }
      if rightWindow >= 0 { conditions.append(body("LessOrEqual", keys, limit(rightWindow))) }
    }

    guard var allowed = conditions.first else { return numbers }
    for condition in conditions.dropFirst() { allowed = body("And", allowed, condition) }
    let permission = body("Where", allowed, body.number(0, type: type), body.number(-.infinity, type: type))
    return numbers.map { body("Add", $0, permission) } ?? permission
  }
}

/// Rotates pairs of features by the angle of their position.
struct RotaryEmbedding: CompositeOperator {
  let headCount: Int
  /// The number of features per head that are rotated; 0 for all.
  let rotatedExtent: Int
  let isInterleaved: Bool

  func body(_ inputs: NodeInputs) throws -> ComputeGraph {
    var body = GraphBuilder(inputs)
    let shape = try inputs.required(0).shape
    guard shape.rank == 4 || (shape.rank == 3 && headCount > 0 && shape[2] % headCount == 0) else {
      throw GradCAMError(.badData, problem: "a tensor of shape \(shape) cannot be split into \(headCount) heads")
    }
    let isFlat = shape.rank == 3
    let cut = isFlat ? [shape[0], shape[1], headCount, shape[2] / headCount] : shape.dimensions
    let x = isFlat ? body.reshape(0, cut) : 0
    let size = cut[3], turned = rotatedExtent == 0 ? size : rotatedExtent
    guard turned % 2 == 0, turned <= size else {
      throw GradCAMError(.badData, problem: "\(turned) of \(size) features cannot be rotated in pairs")
    }
    func table(_ index: Int) throws -> ValueID {
      var table = try body.required(index)
      if let positions = body.optional(3) { table = body("Gather", table, positions) }
      return body.unsqueeze(table, axis: isFlat ? 2 : 1)
    }
    let cosine = try table(1), sine = try table(2)
    let part = turned < size ? body.slice(x, 0..<turned, axis: 3) : x
    let first =
      isInterleaved ? body.slice(part, 0..<turned, axis: 3, step: 2) : body.slice(part, 0..<turned / 2, axis: 3)
    let second =
      isInterleaved ? body.slice(part, 1..<turned, axis: 3, step: 2) : body.slice(part, turned / 2..<turned, axis: 3)
    let real = body("Sub", body("Mul", cosine, first), body("Mul", sine, second))
    let imaginary = body("Add", body("Mul", sine, first), body("Mul", cosine, second))
    var result: ValueID
    if isInterleaved {
      let pairs = body.concatenate([body.unsqueeze(real, axis: 4), body.unsqueeze(imaginary, axis: 4)], axis: 4)
      result = body.reshape(pairs, Array(cut.dropLast()) + [turned])
    } else {
      result = body.concatenate([real, imaginary], axis: 3)
    }
    if turned < size { result = body.concatenate([result, body.slice(x, turned..<size, axis: 3)], axis: 3) }
    return body.returning(isFlat ? body.reshape(result, shape.dimensions) : result)
  }
}

/// Attention with a state that is carried from token to token, unrolled.
struct LinearAttention: CompositeOperator {
  func axes(_ inputs: NodeInputs) -> AxisMapping { .unknown }
  private enum Rule: String, CaseIterable {
    case linear, gated, delta
    case gatedDelta = "gated_delta"
  }

  private let rule: Rule
  private let queryHeads, keyHeads: Int
  private let scale: Float

  init(_ reader: inout AttributeReader) throws {
    reader.ignore("chunk_size")  // a performance hint
    rule = try reader.choice("update_rule", default: Rule.gatedDelta)
    queryHeads = try reader.int("q_num_heads", default: 0)
    keyHeads = try reader.int("kv_num_heads", default: 0)
    scale = try reader.float("scale", default: 0)
    guard keyHeads > 0, queryHeads > 0, queryHeads % keyHeads == 0 else {
      throw GradCAMError(.badData, problem: "\(queryHeads) query heads cannot share \(keyHeads) key heads")
    }
  }

  func body(_ inputs: NodeInputs) throws -> ComputeGraph {
    var body = GraphBuilder(inputs)
    let type = try inputs.required(0).elementType
    let query = try heads(&body, inputs, 0, count: queryHeads)
    let key = try heads(&body, inputs, 1, count: keyHeads)
    let value = try heads(&body, inputs, 2, count: keyHeads)
    let batch = query.shape[0], count = query.shape[2], size = query.shape[3], valueSize = value.shape[3]
    guard count > 0, key.shape[3] == size, key.shape[2] == count, value.shape[2] == count else {
      throw GradCAMError(
        .badData, problem: "queries \(query.shape), keys \(key.shape) and values \(value.shape) do not fit")
    }
    let isGated = rule == .gated || rule == .gatedDelta, isDelta = rule == .delta || rule == .gatedDelta
    guard isGated == (inputs[4] != nil), isDelta == (inputs[5] != nil) else {
      throw GradCAMError(.badData, problem: "the inputs do not fit the update rule '\(rule.rawValue)'")
    }
    let decay = isGated ? try heads(&body, inputs, 4, count: keyHeads).value : nil
    let rate = isDelta ? try heads(&body, inputs, 5, count: inputs.required(5).shape.dimensions.last).value : nil

    var round = GraphBuilder()
    func row(_ x: ValueID) -> ValueID { round.unsqueeze(x, axis: 2) }
    func column(_ x: ValueID) -> ValueID { round.unsqueeze(x, axis: 3) }
    var state = round.input("state")
    let tokens = ["query", "key", "value"].map { round.input($0) }, keyRow = row(tokens[1]),
      keyColumn = column(tokens[1])
    if isGated { state = round("Mul", state, round("Exp", column(round.input("decay")))) }
    var update = row(tokens[2])
    if isDelta {
      update = round("Mul", row(round.input("rate")), round("Sub", update, round("MatMul", keyRow, state)))
    }
    state = round("Add", state, round("MatMul", keyColumn, update))
    let queries = round.reshape(tokens[0], [batch, keyHeads, queryHeads / keyHeads, size])
    let factor = round.number(scale == 0 ? 1 / Float(size).squareRoot() : scale, type: type)
    let read = round("Mul", factor, round("MatMul", queries, state))
    let result = round.reshape(read, [batch, queryHeads * valueSize])

    let sliced = [query.value, key.value, value.value, decay, rate].compactMap { $0 }
    let repetition = try Repetition(
      round.returning(state, result), rounds: count, stateCount: 1, sliced: sliced.map { _ in .init(axis: 2) },
      collected: [.init(axis: 1)])
    let first = body.optional(3) ?? body.number(0, shape: [batch, keyHeads, size, valueSize], type: type)
    let results = body.repeat(repetition, [first] + sliced)
    return body.returning(results[1], results[0])
  }
}
