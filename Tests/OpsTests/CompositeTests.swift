import Graph
import Ops
import Testing

private func check(
  _ type: String, _ inputs: [GradientCheck.Input], _ attributes: [String: Attribute] = [:], outputs: Int = 1,
  tolerance: Float = 5e-3
) -> GradientCheck {
  GradientCheck(
    type: type, attributes: attributes, inputs: inputs, outputCount: outputs, opset: 28, tolerance: tolerance)
}

let compositeGradientChecks: [GradientCheck] = [
  check("Attention", [.uniform([2, 2, 3, 4]), .uniform([2, 2, 5, 4]), .uniform([2, 2, 5, 3])]),
  check(
    "Attention", [.uniform([1, 3, 8]), .uniform([1, 4, 4]), .uniform([1, 4, 6]), .uniform([3, 4])],
    ["q_num_heads": .int(4), "kv_num_heads": .int(2), "softcap": .float(2), "scale": .float(0.7)]),
  check(
    "Attention",
    [
      .uniform([1, 2, 2, 2]), .uniform([1, 2, 3, 2]), .uniform([1, 2, 3, 2]), .none, .uniform([1, 2, 2, 2]),
      .uniform([1, 2, 2, 2]),
    ], ["is_causal": .int(1)]),
  // A query that may look at nothing.
  check(
    "Attention",
    [
      .uniform([1, 1, 2, 2]), .uniform([1, 1, 2, 2]), .uniform([1, 1, 2, 2]),
      .fixed(Tensor([true, true, false, false], shape: [2, 2])),
    ]),
  check(
    "RotaryEmbedding", [.uniform([1, 2, 3, 6]), .uniform([1, 3, 2]), .uniform([1, 3, 2])],
    ["rotary_embedding_dim": .int(4)]),
  check(
    "RotaryEmbedding",
    [.uniform([1, 2, 8]), .uniform([5, 2]), .uniform([5, 2]), .fixed(integers(4, 1, shape: [1, 2]))],
    ["interleaved": .int(1), "num_heads": .int(2)]),
  check(
    "LinearAttention",
    [
      .uniform([1, 3, 8]), .uniform([1, 3, 4]), .uniform([1, 3, 6]), .uniform([1, 2, 2, 3]), .uniform([1, 3, 4]),
      .uniform([1, 3, 2]),
    ], ["q_num_heads": .int(4), "kv_num_heads": .int(2)]),
  check(
    "LinearAttention", [.uniform([1, 3, 2]), .uniform([1, 3, 2]), .uniform([1, 3, 2])],
    ["q_num_heads": .int(1), "kv_num_heads": .int(1), "update_rule": .string("linear"), "scale": .float(0.5)]),
  check(
    "NegativeLogLikelihoodLoss",
    [.uniform([2, 3, 2]), .fixed(integers(0, 2, 1, 2, shape: [2, 2])), .uniform([3], 1...2)],
    ["ignore_index": .int(1)]),
  check("NegativeLogLikelihoodLoss", [.uniform([2, 3]), .fixed(integers(0, 2))], ["reduction": .string("none")]),
  check("SoftmaxCrossEntropyLoss", [.uniform([2, 3]), .fixed(integers(0, 2))], outputs: 2),
  check(
    "SoftmaxCrossEntropyLoss",
    [.uniform([2, 3, 2]), .fixed(integers(0, 2, 1, 2, shape: [2, 2])), .uniform([3], 1...2)],
    ["reduction": .string("sum"), "ignore_index": .int(2)]),
  check(
    "RNN",
    [
      .uniform([3, 2, 2]), .uniform([2, 3, 2]), .uniform([2, 3, 3]), .uniform([2, 6]), .fixed(integers(3, 2)),
      .uniform([2, 2, 3]),
    ], ["direction": .string("bidirectional"), "hidden_size": .int(3)], outputs: 2),
  check(
    "GRU", [.uniform([3, 2, 2]), .uniform([1, 9, 2]), .uniform([1, 9, 3]), .uniform([1, 18])],
    ["hidden_size": .int(3)], outputs: 2),
  check(
    "GRU", [.uniform([3, 2, 2]), .uniform([1, 9, 2]), .uniform([1, 9, 3]), .uniform([1, 18])],
    ["linear_before_reset": .int(1), "direction": .string("reverse")], outputs: 2),
  check(
    "LSTM",
    [
      .uniform([2, 3, 2]), .uniform([2, 12, 2]), .uniform([2, 12, 3]), .uniform([2, 24]), .fixed(integers(1, 3)),
      .uniform([2, 2, 3]), .uniform([2, 2, 3]), .uniform([2, 9]),
    ], ["direction": .string("bidirectional"), "layout": .int(1)], outputs: 3),
  check(
    "LSTM", [.uniform([2, 1, 2]), .uniform([1, 8, 2]), .uniform([1, 8, 2])],
    [
      "input_forget": .int(1), "clip": .float(3), "activations": .strings(["HardSigmoid", "ScaledTanh", "Affine"]),
      "activation_alpha": .floats([0.25, 0.8, 0.9]), "activation_beta": .floats([0.4, 0.7, 0.1]),
    ]),
  check("CumProd", [.uniform([2, 3]), .fixed(integer(1))]),
  check("CumProd", [.uniform([3, 2]), .fixed(integer(0))], ["exclusive": .int(1), "reverse": .int(1)]),
  check("SwiGLU", [.uniform([2, 3]), .uniform([2, 3])], ["alpha": .float(1.5)]),
  check(
    "CausalConvWithState",
    [.uniform([1, 2, 4]), .fixed(counting([2, 1, 3])), .fixed(floats(1, 2)), .uniform([1, 2, 2])],
    ["activation": .string("silu")]),
  check(
    "TensorScatter", [.uniform([2, 4, 2]), .uniform([2, 3, 2]), .fixed(integers(1, 2))], ["mode": .string("circular")]),
  check("Compress", [.uniform([3, 2]), .fixed(Tensor([false, true, true], shape: [3]))], ["axis": .int(0)]),
  check("Compress", [.uniform([3, 2]), .fixed(Tensor([true, false, true], shape: [3]))]),
  check("Det", [.uniform([2, 3, 3])]),
  check("Det", [.uniform([1, 1])]),
  check("DFT", [.uniform([2, 5, 2])]),
  check("DFT", [.uniform([2, 4, 3, 1]), .fixed(integer(6)), .fixed(integer(1))], ["onesided": .int(1)]),
  check("DFT", [.uniform([3, 2])], ["inverse": .int(1), "onesided": .int(1)]),
  check("STFT", [.uniform([1, 8, 1]), .fixed(integer(2)), .uniform([4])]),
]

@Suite struct AttentionTests {
  private let free: Set<Int> = [0, 1, 2]

  @Test func averagesValuesByWeight() throws {
    // Products 0 and ln 3 · √1: weights 1/4 and 3/4.
    let q = floats(1, shape: [1, 1, 1, 1]), k = floats(0, 1.0986123, shape: [1, 1, 2, 1])
    let v = floats(4, 8, shape: [1, 1, 2, 1])
    let results = try evaluate("Attention", [q, k, v], opset: 23, outputCount: 4, free: free)
    #expect(abs(results[0].floats[0] - 7) < 1e-5)
    #expect(results[1].floats == k.floats && results[2].floats == v.floats)
    #expect(abs(results[3].floats[1] - 1.0986123) < 1e-6)
    let weights = try evaluate(
      "Attention", [q, k, v], ["qk_matmul_output_mode": .int(3)], opset: 23, outputCount: 4, free: free)[3]
    #expect(abs(weights.floats[0] - 0.25) < 1e-6 && abs(weights.floats[1] - 0.75) < 1e-6)
  }

  @Test func looksBackOnly() throws {
    let zero = floats(0, 0, shape: [1, 2, 1]), v = floats(2, 4, shape: [1, 2, 1])
    let one: [String: Attribute] = ["q_num_heads": .int(1), "kv_num_heads": .int(1)]
    let causal = one.merging(["is_causal": .int(1)]) { $1 }
    #expect(try evaluate("Attention", [zero, zero, v], one, opset: 23, free: free)[0].floats == [3, 3])
    #expect(try evaluate("Attention", [zero, zero, v], causal, opset: 23, free: free)[0].floats == [2, 3])
    let window = one.merging(["left_window_size": .int(0), "right_window_size": .int(0)]) { $1 }
    #expect(try evaluate("Attention", [zero, zero, v], window, opset: 25, free: free)[0].floats == [2, 4])
    let past = floats(6, shape: [1, 1, 1, 1])
    let continued = try evaluate(
      "Attention", [zero, zero, v, nil, past, past], causal, opset: 23, outputCount: 3, free: free)
    #expect(continued[0].floats == [4, 4])
    #expect(continued[1].floats == [6, 0, 0] && continued[2].shape == [1, 1, 3, 1])
  }

  @Test func sharesKeysAmongHeads() throws {
    let q = counting([1, 4, 1, 1]), k = floats(0, 0, shape: [1, 2, 1, 1]), v = floats(5, 7, shape: [1, 2, 1, 1])
    #expect(try evaluate("Attention", [q, k, v], opset: 23, free: free)[0].floats == [5, 5, 7, 7])
  }

  @Test func masks() throws {
    let zero = floats(0, 0, shape: [1, 1, 2, 1]), v = floats(2, 4, shape: [1, 1, 2, 1])
    let truth = Tensor([false, true, false, false], shape: [2, 2])
    #expect(try evaluate("Attention", [zero, zero, v, truth], opset: 23, free: [0, 1, 2, 3])[0].floats == [4, 0])
    // A mask shorter than the keys forbids the rest.
    #expect(
      try evaluate("Attention", [zero, zero, v, floats(0, shape: [1, 1])], opset: 23, free: free)[0].floats == [2, 2])
    let lengths = try evaluate(
      "Attention", [zero, zero, v, nil, nil, nil, integers(1)], opset: 24, free: [0, 1, 2, 6])[0]
    #expect(lengths.floats == [2, 2])
  }

  @Test func refusesWhatDoesNotFit() throws {
    let q = counting([1, 3, 1, 1]), k = counting([1, 2, 1, 1])
    #expect(throws: GradCAMError.self) { try evaluate("Attention", [q, k, k], opset: 23) }
    #expect(throws: GradCAMError.self) { try evaluate("Attention", [counting([1, 1, 3]), k, k], opset: 23) }
    #expect(throws: GradCAMError.self) {
      try evaluate("Attention", [k, k, k], ["qk_matmul_output_mode": .int(4)], opset: 23)
    }
  }

  @Test func turnsPairs() throws {
    let x = floats(1, 2, 3, 4, shape: [1, 1, 1, 4])
    let cosine = floats(0, 1, shape: [1, 1, 2]), sine = floats(1, 0, shape: [1, 1, 2])
    #expect(try evaluate("RotaryEmbedding", [x, cosine, sine], opset: 23)[0].floats == [-3, 2, 1, 4])
    #expect(
      try evaluate("RotaryEmbedding", [x, cosine, sine], ["interleaved": .int(1)], opset: 23)[0].floats
        == [-2, 1, 3, 4])
  }

  @Test func addsUpLinearly() throws {
    let one = floats(1, 1, 1, shape: [1, 3, 1]), v = floats(1, 2, 4, shape: [1, 3, 1])
    let results = try evaluate(
      "LinearAttention", [one, one, v],
      ["q_num_heads": .int(1), "kv_num_heads": .int(1), "update_rule": .string("linear")],
      opset: 27, outputCount: 2)
    #expect(results[0].floats == [1, 3, 7] && results[1].floats == [7])
  }
}

@Suite struct LossTests {
  private let logarithms = floats(-1, -2, -3, -4, shape: [2, 2]), classes = integers(1, 0)

  private func loss(_ attributes: [String: Attribute] = [:], weights: Tensor? = nil) throws -> [Float] {
    try evaluate("NegativeLogLikelihoodLoss", [logarithms, classes, weights], attributes, free: [0, 1])[0].floats
  }

  @Test func reduces() throws {
    #expect(try loss() == [2.5])
    #expect(try loss(["reduction": .string("sum")]) == [5])
    #expect(try loss(["reduction": .string("none")]) == [2, 3])
  }

  @Test func weighsAndIgnores() throws {
    #expect(try loss(weights: floats(1, 3)) == [2.25])
    #expect(try loss(["ignore_index": .int(0)]) == [2])
    #expect(try loss(["ignore_index": .int(0), "reduction": .string("none")]) == [2, 0])
  }

  @Test func takesScores() throws {
    let results = try evaluate(
      "SoftmaxCrossEntropyLoss", [floats(0, 0, 0, 0, shape: [2, 2]), classes], outputCount: 2, free: [0, 1])
    #expect(abs(results[0].floats[0] - 0.6931472) < 1e-6)
    #expect(results[1].floats.allSatisfy { abs($0 + 0.6931472) < 1e-6 })
  }
}

@Suite struct RecurrenceTests {
  private let affine: [String: Attribute] = [
    "activations": .strings(["Affine"]), "activation_alpha": .floats([1]), "activation_beta": .floats([0]),
  ]

  /// h ← x + h.
  private func sums(_ attributes: [String: Attribute], lengths: Tensor? = nil) throws -> [[Float]] {
    let one = floats(1, shape: [1, 1, 1])
    return try evaluate(
      "RNN", [floats(1, 10, 2, 20, 4, 40, shape: [3, 2, 1]), one, one, nil, lengths],
      affine.merging(attributes) { $1 }, outputCount: 2
    ).map(\.floats)
  }

  @Test func carriesItsState() throws {
    #expect(try sums([:]) == [[1, 10, 3, 30, 7, 70], [7, 70]])
    #expect(try sums(["direction": .string("reverse")]) == [[7, 70, 6, 60, 4, 40], [7, 70]])
  }

  @Test func stopsAtTheEndOfASequence() throws {
    #expect(try sums([:], lengths: integers(2, 3)) == [[1, 10, 3, 30, 0, 70], [3, 70]])
    #expect(
      try sums(["direction": .string("reverse")], lengths: integers(2, 3)) == [[3, 70, 2, 60, 0, 40], [3, 70]])
  }

  @Test func runsBothWays() throws {
    let one = floats(1, 1, shape: [2, 1, 1])
    let results = try evaluate(
      "RNN", [floats(1, 2, shape: [1, 2, 1]), one, one],
      [
        "direction": .string("bidirectional"), "layout": .int(1), "activations": .strings(["Affine", "Affine"]),
        "activation_alpha": .floats([1, 2]), "activation_beta": .floats([0, 0]),
      ], outputCount: 2)
    // Forward 1, 3; backward 2·2 = 4, then 2·(1 + 4) = 10.
    #expect(results[0].floats == [1, 10, 3, 4] && results[0].shape == [1, 2, 2, 1])
    #expect(results[1].floats == [3, 10] && results[1].shape == [1, 2, 1])
  }

  @Test func gatesHalveWithoutWeights() throws {
    let x = floats(5, shape: [1, 1, 1]), state = floats(4, shape: [1, 1, 1])
    func zeros(_ rows: Int) -> Tensor { Tensor([Float](repeating: 0, count: rows), shape: [1, rows, 1]) }
    #expect(try evaluate("GRU", [x, zeros(3), zeros(3), nil, nil, state])[0].floats == [2])
    let results = try evaluate("LSTM", [x, zeros(4), zeros(4), nil, nil, nil, state], outputCount: 3)
    #expect(results[2].floats == [2])
    #expect(abs(results[0].floats[0] - 0.4820138) < 1e-6)  // tanh(2) / 2
    let coupled = try evaluate(
      "LSTM", [x, zeros(4), zeros(4), floats(-50, 0, 0, 0, 0, 0, 0, 0, shape: [1, 8]), nil, nil, state],
      ["input_forget": .int(1)], outputCount: 3)
    #expect(coupled[2].floats == [4])
    let peeping = try evaluate(
      "LSTM", [x, zeros(4), zeros(4), nil, nil, nil, state, floats(0, 0, 50, shape: [1, 3])], outputCount: 3)
    #expect(peeping[2].floats == [4])
  }

  @Test func clipsWhatEntersTheGates() throws {
    // All four sums are 9, held at 1: c = σ(1)·4 + σ(1)·tanh(1), which itself is not held.
    let x = floats(9, shape: [1, 1, 1]), one = floats(1, 1, 1, 1, shape: [1, 4, 1])
    let zero = floats(0, 0, 0, 0, shape: [1, 4, 1]), state = floats(4, shape: [1, 1, 1])
    let results = try evaluate(
      "LSTM", [x, one, zero, nil, nil, nil, state], ["clip": .float(1)], outputCount: 3)
    #expect(abs(results[2].floats[0] - 3.4810043) < 1e-5)
    #expect(abs(results[0].floats[0] - 0.7296750) < 1e-5)
  }

  @Test func resetsBeforeOrAfterTheProduct() throws {
    // Update gate shut, reset gate at 1/2, candidate tanh of r·h + bias or r·(h + bias) with h = 1, bias = 2.
    let x = floats(0, shape: [1, 1, 1]), w = floats(0, 0, 0, shape: [1, 3, 1]), r = floats(0, 0, 1, shape: [1, 3, 1])
    let bias = floats(-50, 0, 0, 0, 0, 2, shape: [1, 6]), state = floats(1, shape: [1, 1, 1])
    func candidate(_ flag: Int64) throws -> Float {
      try evaluate("GRU", [x, w, r, bias, nil, state], ["linear_before_reset": .int(flag)])[0].floats[0]
    }
    #expect(abs(try candidate(0) - 0.9866143) < 1e-6)  // tanh(2.5)
    #expect(abs(try candidate(1) - 0.9051483) < 1e-6)  // tanh(1.5)
  }

  @Test func refusesWhatDoesNotFit() throws {
    let x = counting([1, 1, 2]), w = counting([1, 3, 2])
    #expect(throws: GradCAMError.self) { try evaluate("GRU", [x, w, counting([1, 3, 2])]) }
    #expect(throws: GradCAMError.self) { try evaluate("GRU", [x, w, counting([1, 3, 1])], ["hidden_size": .int(2)]) }
    #expect(throws: GradCAMError.self) {
      try evaluate("RNN", [x, counting([1, 1, 2]), counting([1, 1, 1])], ["activations": .strings(["Sine"])])
    }
  }
}

@Suite struct RemainingOperatorTests {
  @Test func castsRoundToNearestEven() throws {
    func cast(_ code: Int64, _ values: Float...) throws -> [Float] {
      try evaluate("Cast", [Tensor(values, shape: [values.count])], ["to": .int(code)])[0].floats
    }
    #expect(
      try cast(10, 1 + 0x1p-11, 1 + 0x3p-11, -65519, 65520, 0x1p-25, 0x3p-25, 0x1.8p-25)
        == [1, 1 + 0x1p-9, -65504, .infinity, 0, 0x1p-23, 0x1p-24])
    #expect(try cast(10, .nan)[0].isNaN)
    #expect(
      try cast(16, 1 + 0x1p-8, 1 + 0x3p-8, -3.4e38, 3.4028234e38) == [
        1, 1 + 0x1p-6, -0x1.00p+128 + 0x1p+120, .infinity,
      ])
    #expect(try evaluate("Cast", [integers(2049)], ["to": .int(10)])[0].floats == [2048])
  }

  @Test func cumulativeProducts() throws {
    func products(_ attributes: [String: Attribute]) throws -> [Float] {
      try evaluate("CumProd", [floats(1, 2, 3), integer(0)], attributes, opset: 26)[0].floats
    }
    #expect(try products([:]) == [1, 2, 6])
    #expect(try products(["exclusive": .int(1)]) == [1, 1, 2])
    #expect(try products(["reverse": .int(1)]) == [6, 6, 3])
    #expect(try products(["exclusive": .int(1), "reverse": .int(1)]) == [6, 3, 1])
  }

  @Test func bitCasts() throws {
    func bits(_ x: Tensor, _ code: Int64) throws -> Tensor {
      try evaluate("BitCast", [x], ["to": .int(code)], opset: 26)[0]
    }
    #expect(try bits(floats(1, -2), 6).integers == [0x3f80_0000, -0x4000_0000])
    #expect(try bits(Tensor([-1], shape: [1], elementType: .int8), 2).integers == [255])
    #expect(
      try bits(Tensor([0x3c01, 0x7c00, 1], shape: [3], elementType: .uint16), 10).floats == [
        1 + 0x1p-10, .infinity, 0x1p-24,
      ])
    #expect(throws: GradCAMError.self) { try bits(floats(1), 7) }
  }

  @Test func determinants() throws {
    #expect(try evaluate("Det", [floats(1, 2, 3, 4, 0, 2, 3, 0, shape: [2, 2, 2])])[0].floats == [-2, -6])
    #expect(throws: GradCAMError.self) { try evaluate("Det", [counting([2, 3])]) }
  }

  @Test func transforms() throws {
    func near(_ a: [Float], _ b: [Float]) -> Bool { a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < 1e-5 } }
    let x = floats(1, 2, 3, 4, shape: [1, 4, 1])
    #expect(near(try evaluate("DFT", [x])[0].floats, [10, 0, -2, 2, -2, 0, -2, -2]))
    let half = try evaluate("DFT", [x], ["onesided": .int(1), "axis": .int(1)], opset: 17)[0]
    #expect(near(half.floats, [10, 0, -2, 2, -2, 0]) && half.shape == [1, 3, 2])
    #expect(near(try evaluate("DFT", [half], ["onesided": .int(1), "inverse": .int(1)])[0].floats, [1, 2, 3, 4]))
    #expect(near(try evaluate("DFT", [x, integer(2)])[0].floats, [3, 0, -1, 0]))
    #expect(near(try evaluate("STFT", [x, integer(2), nil, integer(2)])[0].floats, [3, 0, -1, 0, 7, 0, -1, 0]))
    #expect(near(try evaluate("STFT", [x, integer(2), floats(1, 0)])[0].floats, [1, 0, 1, 0, 3, 0, 3, 0]))
  }

  @Test func windows() throws {
    func near(_ a: [Float], _ b: [Float]) -> Bool { a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < 1e-6 } }
    #expect(near(try evaluate("HannWindow", [integer(4)], free: [])[0].floats, [0, 0.5, 1, 0.5]))
    #expect(near(try evaluate("HannWindow", [integer(3)], ["periodic": .int(0)], free: [])[0].floats, [0, 1, 0]))
    #expect(near(try evaluate("HammingWindow", [integer(2)], free: [])[0].floats, [4.0 / 46, 1]))
    #expect(near(try evaluate("BlackmanWindow", [integer(2)], free: [])[0].floats, [0, 1]))
  }

  @Test func writesIntoACache() throws {
    let cache = floats(0, 0, 0, 0, 0, 0, shape: [2, 3, 1]), update = floats(1, 2, 3, 4, shape: [2, 2, 1])
    #expect(
      try evaluate("TensorScatter", [cache, update, integers(1, 0)], opset: 24, free: [0, 1, 2])[0].floats
        == [0, 1, 2, 3, 4, 0])
    #expect(
      try evaluate("TensorScatter", [cache, update, integers(2, 0)], ["mode": .string("circular")], opset: 24)[0].floats
        == [2, 0, 1, 3, 4, 0])
  }

  @Test func convolvesCausally() throws {
    let x = floats(1, 2, 3, shape: [1, 1, 3]), weight = floats(10, 1, shape: [1, 1, 2])
    let results = try evaluate(
      "CausalConvWithState", [x, weight, nil, floats(5, shape: [1, 1, 1])], opset: 27, outputCount: 2)
    #expect(results[0].floats == [51, 12, 23] && results[1].floats == [3])
  }

  @Test func selects() throws {
    let x = counting([3, 2]), condition = Tensor([false, true], shape: [2])
    #expect(try evaluate("Compress", [x, condition], ["axis": .int(0)])[0].floats == [2, 3])
    #expect(try evaluate("Compress", [x, condition])[0].floats == [1])
    #expect(throws: GradCAMError.self) { try evaluate("Compress", [x, condition], free: [0, 1]) }

    let unsorted = floats(2, 1, 1, 3, 2)
    #expect(
      try evaluate("Unique", [unsorted], outputCount: 4, free: []).map(\.floats) == [
        [1, 2, 3], [1, 0, 3], [1, 0, 0, 2, 1], [2, 2, 1],
      ])
    #expect(
      try evaluate("Unique", [unsorted], ["sorted": .int(0)], outputCount: 4, free: []).map(\.floats)
        == [[2, 1, 3], [0, 1, 3], [0, 1, 1, 2, 0], [2, 2, 1]])
    let rows = floats(1, 0, 0, 0, 1, 0, shape: [3, 2])
    #expect(try evaluate("Unique", [rows], ["axis": .int(0)], free: [])[0].floats == [0, 0, 1, 0])
  }

  @Test func suppressesOverlaps() throws {
    let boxes = floats(0, 0, 1, 1, 0, 0.1, 1, 1.1, 1, 10, 0, 11, shape: [1, 3, 4])
    let scores = floats(0.9, 0.75, 0.6, shape: [1, 1, 3])
    func kept(_ limit: Int64, _ threshold: Float) throws -> [Int64] {
      try evaluate("NonMaxSuppression", [boxes, scores, integer(limit), floats(threshold), floats(0.5)], free: [])[0]
        .integers
    }
    #expect(try kept(3, 0.5) == [0, 0, 0, 0, 0, 2])
    #expect(try kept(3, 0.9) == [0, 0, 0, 0, 0, 1, 0, 0, 2])
    #expect(try kept(1, 0.5) == [0, 0, 0])
  }
}
