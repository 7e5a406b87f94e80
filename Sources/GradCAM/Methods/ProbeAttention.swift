import Graph

extension Probe {
  /// The softmax attentions of the network over places of the picture, in their order, with weights and gradients.
  ///
  /// - Parameter method: the method that asks.
  ///
  /// Throws `unsupported` if there are none.
  func attentions(for method: String) throws -> [AttentionTap] {
    let observation = try observation.takingAttentionApart(), attentions = observation.attentions
    guard !attentions.isEmpty else { throw observation.model.graph.noAttention(for: method) }
    let run = try observation.walk(from: target, to: attentions.map(\.value))
    return attentions.map { attention in
      let weights = run.withElements(of: attention.value, Array.init)
      let images = observation.images.dividing(run.plan.infos[attention.value]!.shape)
      return AttentionTap(
        name: observation.model.graph.values[attention.value].name, attention: attention, weights: weights,
        gradient: run.withGradient(of: attention.value, Array.init), own: images.one(of: weights.indices))
    }
  }

  /// Throws `unsupported` if the network has no attention.
  func checkAttention(for method: String) throws {
    let graph = observation.model.graph
    let shares = Set(graph.nodes.compactMap { $0.role == .softmax ? $0.outputs[0] : nil })
    let isThere = graph.nodes.contains { node in
      node.role == .attention || node.role == .product && node.inputs.contains { $0.map(shares.contains) ?? false }
    }
    guard isThere || !observation.attentions.isEmpty else { throw graph.noAttention(for: method) }
  }
}

/// A softmax attention with its weights and their gradients, each of shape (…, queries, keys).
struct AttentionTap {
  /// The name of its weights in the file.
  fileprivate let name: String
  fileprivate let attention: SoftmaxAttention
  fileprivate let weights, gradient: [Float]
  /// The elements of the image explained.
  fileprivate let own: Range<Int>

  /// The mean of `term` of the gradient over heads and queries, at the places of the keys, without extra tokens.
  func mean(_ term: (Float) -> Float) -> HeatMap {
    let keys = attention.keys, queries = attention.queries
    var means = [Float](repeating: 0, count: gradient.count / queries)
    for (row, start) in stride(from: 0, to: gradient.count, by: keys).enumerated() {
      let target = row / queries * keys
      for key in 0..<keys { means[target + key] += term(gradient[start + key]) / Float(queries) }
    }
    return attention.map(of: means)
  }

  /// The mean of `term` over heads, tokens × tokens.
  fileprivate func matrix(_ term: (_ weight: Float, _ gradient: Float) -> Float) -> [Float] {
    let size = attention.keys * attention.keys, heads = Float(own.count / size)
    var mean = [Float](repeating: 0, count: size)
    for (place, index) in own.enumerated() { mean[place % size] += term(weights[index], gradient[index]) / heads }
    return mean
  }

  /// For each token, whether the target depends on what it takes here.
  fileprivate var isRead: [Bool] {
    var isRead = [Bool](repeating: false, count: attention.queries)
    for (place, index) in own.enumerated() where gradient[index] != 0 {
      isRead[place / attention.keys % attention.queries] = true
    }
    return isRead
  }
}

extension [AttentionTap] {
  /// How much each token of the picture flows to the tokens that the target is read from, through all attentions.
  ///
  /// A token that mixes with others keeps `kept` of itself and adds `added` of the mean of `term` over heads of each
  /// other one. The target is read from the tokens on whose last mixing it depends: the class token, or all, whose mean
  /// is taken.
  ///
  /// - Parameter method: the method that asks.
  ///
  /// Throws `unsupported` naming an attention that does not mix the same tokens as all others.
  func flow(
    for method: String, kept: Float, added: Float, _ term: (_ weight: Float, _ gradient: Float) -> Float
  ) throws -> HeatMap {
    let last = self[count - 1], tokens = last.attention.keys
    for tap in self where !tap.mixesAll(tokens) {
      throw GradCAMError(
        .unsupported, at: "\(.method, method)",
        problem: "follows tokens through layers that mix all of them; '\(tap.name)' mixes \(tap.attention.keys) "
          + "of other tokens or of a window with \(tap.attention.queries)",
        advice: "choose attnlrp or legrad")
    }
    let isRead = last.isRead.contains(true) ? last.isRead : last.isRead.map { _ in true }
    let share = 1 / Float(isRead.count { $0 })
    var row = isRead.map { $0 ? share : 0 }
    for tap in reversed() {
      let matrix = tap.matrix(term)
      var mixed = row.map { kept * $0 }
      for token in 0..<tokens where row[token] != 0 {
        let weight = added * row[token]
        for other in 0..<tokens { mixed[other] += weight * matrix[token * tokens + other] }
      }
      row = mixed
    }
    let copies = last.weights.count / (tokens * tokens)
    return last.attention.map(of: [Float](repeatElement(row, count: copies).joined()))
  }
}

extension AttentionTap {
  /// Whether it mixes a number of tokens, all of them and nothing else.
  fileprivate func mixesAll(_ tokens: Int) -> Bool {
    let layout = attention.layout
    return attention.queries == tokens && attention.keys == tokens && layout.size.count + layout.extraTokens == tokens
      && own.count == layout.channels * tokens * tokens
  }
}

extension SoftmaxAttention {
  /// The mean over heads of numbers for keys, of shape (…, keys), at their places, without extra tokens.
  fileprivate func map(of keys: [Float]) -> HeatMap {
    let heads = keys.withUnsafeBufferPointer(layout.gather)
    let gathered = Tap(channels: layout.channels, size: layout.size, activation: heads, gradient: heads)
    return gathered.weightedSum([Float](repeating: 1 / Float(layout.channels), count: layout.channels))
  }
}

extension ComputeGraph {
  /// The error for networks without softmax attention.
  fileprivate func noAttention(for method: String) -> GradCAMError {
    let fused = nodes.firstIndex { $0.role == .attention }
    return GradCAMError(
      .unsupported, at: "\(.method, method)",
      problem: fused.map { "\(describe(node: $0)) does not expose its softmax" }
        ?? "the model has no softmax attention over places of the picture",
      advice: fused == nil ? "choose gradcam" : "export with an opset below 23, or choose gradcam")
  }
}
