import Graph

/// ONNX Runtime's attention and what its optimiser joins with it, composed of standard operators.
let runtimeAttentionOperators: [OperatorEntry] = [
  OperatorEntry("Attention", domain: microsoft, inputs: 2...7) { reader in try ProjectingAttention(&reader) },
  OperatorEntry("MultiHeadAttention", domain: microsoft, inputs: 1...10) { reader in
    MultiHeadAttention(settings: try AttentionSettings(&reader))
  },
  OperatorEntry("RotaryEmbedding", domain: microsoft, inputs: 4...4) { reader in
    let attributes = reader.node.attributes.filter { $0.key != "scale" && $0.key != "is_packed_batching" }
    let scale = try reader.float("scale", default: 1), isPacked = try reader.flag("is_packed_batching")
    for name in attributes.keys { reader.ignore(name) }
    guard scale == 1, !isPacked else {
      throw GradCAMError(.unsupported, problem: "attribute 'scale' is \(scale), or sequences are packed")
    }
    return Composite(axes: .elementwise) { inputs in try rotated(inputs, attributes) }
  },
  OperatorEntry("EmbedLayerNormalization", domain: microsoft, inputs: 7...9) { reader in
    reader.ignore("mask_index_type")  // what the second output counts; only lengths are known
    let epsilon = try reader.float("epsilon", default: 1e-12)
    return Composite { inputs in try embedded(inputs, epsilon: epsilon) }
  },
]

/// The attributes that ONNX Runtime's kinds of attention share.
private struct AttentionSettings {
  let headCount: Int
  let scale: Float
  /// What is added where a query may not attend.
  let maskFilter: Float
  let isCausal: Bool

  init(_ reader: inout AttributeReader) throws {
    guard let count = try reader.int("num_heads"), count > 0 else {
      throw GradCAMError(.badData, at: "attribute 'num_heads'", problem: "is missing or not above 0")
    }
    headCount = count
    scale = try reader.float("scale", default: 0)
    maskFilter = try reader.float("mask_filter_value", default: -10_000)
    isCausal = try reader.flag("unidirectional")
  }

  /// Attention of (batch, heads, queries, features), as the standard operator computes it.
  ///
  /// Returns the result (batch, queries, features of all heads), the keys and values with those of the past, and the
  /// products.
  func attend(
    _ body: inout GraphBuilder, _ query: ValueID, _ key: ValueID, _ value: ValueID, mask: ValueID?,
    past: (key: ValueID, value: ValueID)?
  ) -> [ValueID] {
    var attributes: [String: Attribute] = ["is_causal": .int(isCausal ? 1 : 0)]
    if scale != 0 { attributes["scale"] = .float(scale) }
    let results = body.node(
      "Attention", [query, key, value, mask, past?.key, past?.value], attributes, outputCount: 4)
    return [body("Reshape", body.transpose(results[0], [0, 2, 1, 3]), body.integers([0, 0, -1]))] + results[1...]
  }

  /// What is added to the products: the mask filter where a mask of integers forbids, and a bias of numbers.
  ///
  /// - Parameters:
  ///   - mask: the mask's input: lengths (batch), ends and then starts (2 · batch), or which keys may be attended to:
  ///     (batch, keys), (batch, queries, keys) or (batch, 1, queries and more, keys and more).
  ///   - bias: the bias's input.
  func mask(
    _ body: inout GraphBuilder, _ inputs: NodeInputs, mask: Int, bias: Int, batch: Int, queries: Int, keys: Int
  ) throws -> ValueID? {
    let type = try inputs.required(0).elementType, added = body.optional(bias)
    guard let info = inputs[mask] else { return added }
    let shape = info.shape
    let zero = body.integers([0]), number = body.cast(mask, to: .int64)
    func isAllowed() throws -> ValueID {
      let positions = body.constant(Tensor((0..<keys).map(Int64.init), shape: [1, 1, 1, keys]))
      func column(_ range: Range<Int>) -> ValueID {
        body.reshape(body.cast(body.slice(mask, range, axis: 0), to: .int64), [batch, 1, 1, 1])
      }
      switch shape.rank {
      case 1 where shape[0] == 2 * batch:
        let isBeforeEnd = body("Less", positions, column(0..<batch))
        return body("And", isBeforeEnd, body("GreaterOrEqual", positions, column(batch..<2 * batch)))
      case 1 where shape[0] == batch || shape[0] == 3 * batch + 2: return body("Less", positions, column(0..<batch))
      case 2 where shape == [batch, keys]: return body("Greater", body.reshape(number, [batch, 1, 1, keys]), zero)
      case 3 where shape == [batch, queries, keys]:
        return body("Greater", body.reshape(number, [batch, 1, queries, keys]), zero)
      case 4 where shape[0] == batch && shape[1] == 1 && shape[2] >= keys && shape[3] >= keys:
        let rows = body.slice(number, keys - queries..<keys, axis: 2)
        return body("Greater", body.slice(rows, 0..<keys, axis: 3), zero)
      default:
        throw GradCAMError(
          .badData, problem: "the mask \(shape) does not fit \(batch) × \(queries) queries and \(keys) keys")
      }
    }
    let filter = body("Where", try isAllowed(), body.number(0, type: type), body.number(maskFilter, type: type))
    return added.map { body("Add", $0, filter) } ?? filter
  }
}

/// Attention with the projection of its input to queries, keys and values.
private struct ProjectingAttention: CompositeOperator {
  private let settings: AttentionSettings
  private let sizes: [Int]?

  init(_ reader: inout AttributeReader) throws {
    settings = try AttentionSettings(&reader)
    sizes = try reader.ints("qkv_hidden_sizes")
    reader.ignore("rotary_embedding_dim")
    for name in ["do_rotary", "past_present_share_buffer"] where try reader.flag(name) {
      throw GradCAMError(.unsupported, at: "attribute '\(name)'", problem: "is not supported")
    }
  }

  var role: OperatorRole { .attention }
  func axes(_ inputs: NodeInputs) -> AxisMapping { axesOfNewFeatures(inputs, weightAxis: 1) }

  func body(_ inputs: NodeInputs) throws -> ComputeGraph {
    var body = GraphBuilder(inputs)
    let x = try inputs.required(0).shape, weights = try inputs.required(1).shape, heads = settings.headCount
    guard x.rank == 3, weights.rank == 2, weights[0] == x[2] else {
      throw GradCAMError(.badData, problem: "weights \(weights) do not fit an input of shape \(x)")
    }
    let sizes = self.sizes ?? Array(repeating: weights[1] / 3, count: 3)
    guard sizes.count == 3, sizes.reduce(0, +) == weights[1], sizes[0] == sizes[1],
      sizes.allSatisfy({ $0 > 0 && $0.isMultiple(of: heads) })
    else { throw GradCAMError(.badData, problem: "features \(sizes) do not fit \(heads) heads and weights \(weights)") }
    var projected = body("MatMul", 0, 1)
    if let bias = body.optional(2) { projected = body("Add", projected, bias) }
    var start = 0
    let parts = sizes.map { size in
      let part = body.slice(projected, start..<start + size, axis: 2)
      start += size
      return body.transpose(body.reshape(part, [x[0], x[1], heads, size / heads]), [0, 2, 1, 3])
    }
    var past: (key: ValueID, value: ValueID)?, keys = x[1]
    if let info = inputs[4] {
      guard info.shape.rank == 5, info.shape[0] == 2 else {
        throw GradCAMError(.badData, problem: "past keys and values have shape \(info.shape)")
      }
      keys += info.shape[3]
      let halves = body.split(4, into: 2, axis: 0).map { body.squeeze($0, axis: 0) }
      past = (halves[0], halves[1])
    }
    let mask = try settings.mask(&body, inputs, mask: 3, bias: 5, batch: x[0], queries: x[1], keys: keys)
    let results = settings.attend(&body, parts[0], parts[1], parts[2], mask: mask, past: past)
    let present = body.concatenate(results[1...2].map { body.unsqueeze($0, axis: 0) }, axis: 0)
    return body.returning(results[0], present)
  }
}

/// Attention of projected queries, keys and values.
private struct MultiHeadAttention: CompositeOperator {
  let settings: AttentionSettings

  var role: OperatorRole { .attention }

  func axes(_ inputs: NodeInputs) -> AxisMapping {
    let ranks = (0..<inputs.count).map { inputs[$0]?.shape.rank ?? 0 }
    // Tokens of the result are those of the queries; its features are mixed from the values.
    guard ranks.count > 0, ranks[0] > 2 else { return .elementwise }
    let values = ranks.count > 2 && ranks[2] == 3 ? [3, 4, 5] : []
    let labels = ranks.indices.map { $0 == 0 ? Array(0..<ranks[0]) : $0 == 2 ? values : [] }
    return .labelled(labels, result: [0, 1, values.isEmpty ? ranks[0] : 5])
  }

  func body(_ inputs: NodeInputs) throws -> ComputeGraph {
    var body = GraphBuilder(inputs)
    let query = try inputs.required(0).shape, heads = settings.headCount
    let isPacked = query.rank == 5, keyRank = inputs[1]?.shape.rank ?? 0
    let parts: [(value: ValueID, shape: Shape)]
    switch (query.rank, keyRank) {
    case (5, 0): parts = try split(&body, inputs, 0)
    case (3, 5): parts = [(0, query)] + (try split(&body, inputs, 1))
    case (3, 3), (3, 4): parts = try (0..<3).map { ($0, try inputs.required($0).shape) }
    default: throw GradCAMError(.badData, problem: "queries \(query) and keys of \(keyRank) axes do not fit")
    }
    var start = 0
    /// A part of the bias for the next features.
    func bias(_ size: Int) -> ValueID? {
      defer { start += size }
      return body.optional(3).map { body.slice($0, start..<start + size, axis: 0) }
    }
    let turned = try parts.enumerated().map { index, part in
      if part.shape.rank == 4, index > 0, !isPacked, keyRank == 4 { return part.value }  // with its own bias already
      let shape = part.shape, size = shape.rank == 4 ? shape[2] * shape[3] : shape.rank == 3 ? shape[2] : 0
      guard size > 0, size.isMultiple(of: heads) else {
        throw GradCAMError(.badData, problem: "a tensor of shape \(shape) cannot be split into \(heads) heads")
      }
      var x = shape.rank == 4 ? body.reshape(part.value, [shape[0], shape[1], size]) : part.value
      if let bias = bias(size) { x = body("Add", x, bias) }
      return body.transpose(body.reshape(x, [shape[0], shape[1], heads, size / heads]), [0, 2, 1, 3])
    }
    var past: (key: ValueID, value: ValueID)?
    var keys = parts[1].shape[keyRank == 4 ? 2 : 1]
    if let key = body.optional(6), let value = body.optional(7) {
      past = (key, value)
      let shape = try inputs.required(6).shape
      keys += shape.rank == 4 ? shape[2] : 0
    }
    let mask = try settings.mask(&body, inputs, mask: 4, bias: 5, batch: query[0], queries: query[1], keys: keys)
    return body.returning(settings.attend(&body, turned[0], turned[1], turned[2], mask: mask, past: past))
  }

  /// The parts of a tensor (batch, tokens, heads, parts, features), each (batch, tokens, heads, features).
  private func split(
    _ body: inout GraphBuilder, _ inputs: NodeInputs, _ index: Int
  ) throws -> [(value: ValueID, shape: Shape)] {
    let shape = try inputs.required(index).shape
    guard shape[3] == (index == 0 ? 3 : 2) else {
      throw GradCAMError(.badData, problem: "packed queries, keys and values have shape \(shape)")
    }
    return body.split(index, into: shape[3], axis: 3).map {
      (body.squeeze($0, axis: 3), [shape[0], shape[1], shape[2], shape[4]])
    }
  }
}

/// Rotates pairs of features by the angles of their positions, which may be given as the first one's.
private func rotated(_ inputs: NodeInputs, _ attributes: [String: Attribute]) throws -> ComputeGraph {
  var body = GraphBuilder(inputs)
  let x = try inputs.required(0).shape, positions = try inputs.required(1).shape, table = try inputs.required(2).shape
  guard x.rank == 3 || x.rank == 4, table.rank == 2 else {
    throw GradCAMError(.badData, problem: "a tensor of shape \(x) and angles of shape \(table) do not fit")
  }
  let tokens = x[x.rank - 2]
  var places = 1
  if positions.count == 1 {
    let steps = body.constant(Tensor((0..<tokens).map(Int64.init), shape: [1, tokens]))
    places = body("Expand", body("Add", body.reshape(1, [1, 1]), steps), body.integers([x[0], tokens]))
  }
  var attributes = attributes
  var headCount: Int64 = 0
  if case .int(let given)? = attributes["num_heads"] { headCount = given }
  if x.rank == 3, headCount == 0 { attributes["num_heads"] = .int(Int64(max(1, x[2] / max(1, 2 * table[1])))) }
  return body.returning(body.node("RotaryEmbedding", [0, 2, 3, places], attributes)[0])
}

/// The sum of the embeddings of words, positions and segments, normalised; then the lengths, and the sum.
private func embedded(_ inputs: NodeInputs, epsilon: Float) throws -> ComputeGraph {
  var body = GraphBuilder(inputs)
  let ids = try inputs.required(0).shape
  guard ids.rank == 2 else { throw GradCAMError(.badData, problem: "the words have shape \(ids)") }
  let positions =
    body.optional(8) ?? body.constant(Tensor((0..<ids[1]).map(Int64.init), shape: [1, ids[1]]))
  var sum = body("Add", body("Gather", 2, 0), body("Gather", 3, positions))
  if let segments = body.optional(1), let table = body.optional(4) {
    sum = body("Add", sum, body("Gather", table, segments))
  }
  let y = body("LayerNormalization", sum, 5, 6, with: ["epsilon": .float(epsilon)])
  let lengths =
    body.optional(7).map { body("ReduceSum", $0, body.integers([1]), with: ["keepdims": .int(0)]) }
    ?? body.constant(Tensor([Int64](repeating: 0, count: ids[0]), shape: [ids[0]], elementType: .int32))
  return body.returning(y, lengths, sum)
}
