import Graph
import Ops
import TestSupport
import Testing

let attentionGradientChecks: [GradientCheck] = [
  .composite("Attention", [.uniform([2, 2, 3, 4]), .uniform([2, 2, 5, 4]), .uniform([2, 2, 5, 3])]),
  .composite(
    "Attention", [.uniform([1, 3, 8]), .uniform([1, 4, 4]), .uniform([1, 4, 6]), .uniform([3, 4])],
    ["q_num_heads": .int(4), "kv_num_heads": .int(2), "softcap": .float(2), "scale": .float(0.7)]),
  .composite(
    "Attention",
    [
      .uniform([1, 2, 2, 2]), .uniform([1, 2, 3, 2]), .uniform([1, 2, 3, 2]), .none, .uniform([1, 2, 2, 2]),
      .uniform([1, 2, 2, 2]),
    ], ["is_causal": .int(1)]),
  // A query that may look at nothing.
  .composite(
    "Attention",
    [
      .uniform([1, 1, 2, 2]), .uniform([1, 1, 2, 2]), .uniform([1, 1, 2, 2]),
      .fixed(Tensor([true, true, false, false], shape: [2, 2])),
    ]),
  .composite(
    "RotaryEmbedding", [.uniform([1, 2, 3, 6]), .uniform([1, 3, 2]), .uniform([1, 3, 2])],
    ["rotary_embedding_dim": .int(4)]),
  .composite(
    "RotaryEmbedding",
    [.uniform([1, 2, 8]), .uniform([5, 2]), .uniform([5, 2]), .fixed(integers(4, 1, shape: [1, 2]))],
    ["interleaved": .int(1), "num_heads": .int(2)]),
  .composite(
    "LinearAttention",
    [
      .uniform([1, 3, 8]), .uniform([1, 3, 4]), .uniform([1, 3, 6]), .uniform([1, 2, 2, 3]), .uniform([1, 3, 4]),
      .uniform([1, 3, 2]),
    ], ["q_num_heads": .int(4), "kv_num_heads": .int(2)]),
  .composite(
    "LinearAttention", [.uniform([1, 3, 2]), .uniform([1, 3, 2]), .uniform([1, 3, 2])],
    ["q_num_heads": .int(1), "kv_num_heads": .int(1), "update_rule": .string("linear"), "scale": .float(0.5)]),
]

@Suite struct AttentionTests {
  private let free: Set<Int> = [0, 1, 2]

  @Test func averagesValuesByWeight() throws {
    // Products 0 and ln 3 · √1: weights 1/4 and 3/4.
    let q = floats(1, shape: [1, 1, 1, 1]), k = floats(0, 1.0986123, shape: [1, 1, 2, 1])
    let v = floats(4, 8, shape: [1, 1, 2, 1])
    let results = try evaluate("Attention", [q, k, v], opset: 23, outputCount: 4, free: free)
    expectClose(results[0].floats, [7])
    #expect(results[1].floats == k.floats && results[2].floats == v.floats)
    expectClose(results[3].floats, [0, 1.0986123], within: 1e-6)
    let weights = try evaluate(
      "Attention", [q, k, v], ["qk_matmul_output_mode": .int(3)], opset: 23, outputCount: 4, free: free)[3]
    expectClose(weights.floats, [0.25, 0.75], within: 1e-6)
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
    expectError(.badData, saying: "1×3×1×1", "1×2×1×1") { _ = try evaluate("Attention", [q, k, k], opset: 23) }
    expectError(.badData, saying: "1×1×3") { _ = try evaluate("Attention", [counting([1, 1, 3]), k, k], opset: 23) }
    expectError(.badData, saying: "'qk_matmul_output_mode'", "4") {
      _ = try evaluate("Attention", [k, k, k], ["qk_matmul_output_mode": .int(4)], opset: 23)
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
