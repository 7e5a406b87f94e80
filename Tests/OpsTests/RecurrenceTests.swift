import Graph
import Ops
import TestSupport
import Testing

let recurrenceGradientChecks: [GradientCheck] = [
  .composite(
    "RNN",
    [
      .uniform([3, 2, 2]), .uniform([2, 3, 2]), .uniform([2, 3, 3]), .uniform([2, 6]), .fixed(integers(3, 2)),
      .uniform([2, 2, 3]),
    ], ["direction": .string("bidirectional"), "hidden_size": .int(3)], outputs: 2),
  .composite(
    "GRU", [.uniform([3, 2, 2]), .uniform([1, 9, 2]), .uniform([1, 9, 3]), .uniform([1, 18])],
    ["hidden_size": .int(3)], outputs: 2),
  .composite(
    "GRU", [.uniform([3, 2, 2]), .uniform([1, 9, 2]), .uniform([1, 9, 3]), .uniform([1, 18])],
    ["linear_before_reset": .int(1), "direction": .string("reverse")], outputs: 2),
  .composite(
    "LSTM",
    [
      .uniform([2, 3, 2]), .uniform([2, 12, 2]), .uniform([2, 12, 3]), .uniform([2, 24]), .fixed(integers(1, 3)),
      .uniform([2, 2, 3]), .uniform([2, 2, 3]), .uniform([2, 9]),
    ], ["direction": .string("bidirectional"), "layout": .int(1)], outputs: 3),
  .composite(
    "LSTM", [.uniform([2, 1, 2]), .uniform([1, 8, 2]), .uniform([1, 8, 2])],
    [
      "input_forget": .int(1), "clip": .float(3), "activations": .strings(["HardSigmoid", "ScaledTanh", "Affine"]),
      "activation_alpha": .floats([0.25, 0.8, 0.9]), "activation_beta": .floats([0.4, 0.7, 0.1]),
    ]),
  // Long enough to run in a loop.
  .composite(
    "LSTM",
    [
      .uniform([200, 2, 1]), .uniform([2, 8, 1]), .uniform([2, 8, 2]), .uniform([2, 16]), .fixed(integers(150, 200)),
      .uniform([2, 2, 2]), .uniform([2, 2, 2]), .uniform([2, 6]),
    ], ["direction": .string("bidirectional")], outputs: 3),
]

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
    expectClose(results[0].floats, [0.4820138], within: 1e-6)  // tanh(2) / 2
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
    expectClose(results[2].floats, [3.4810043])
    expectClose(results[0].floats, [0.7296750])
  }

  @Test func resetsBeforeOrAfterTheProduct() throws {
    // Update gate shut, reset gate at 1/2, candidate tanh of r·h + bias or r·(h + bias) with h = 1, bias = 2.
    let x = floats(0, shape: [1, 1, 1]), w = floats(0, 0, 0, shape: [1, 3, 1]), r = floats(0, 0, 1, shape: [1, 3, 1])
    let bias = floats(-50, 0, 0, 0, 0, 2, shape: [1, 6]), state = floats(1, shape: [1, 1, 1])
    func candidate(_ flag: Int64) throws -> [Float] {
      try evaluate("GRU", [x, w, r, bias, nil, state], ["linear_before_reset": .int(flag)])[0].floats
    }
    expectClose(try candidate(0), [0.9866143], within: 1e-6)  // tanh(2.5)
    expectClose(try candidate(1), [0.9051483], within: 1e-6)  // tanh(1.5)
  }

  @Test func refusesWhatDoesNotFit() throws {
    let x = counting([1, 1, 2]), w = counting([1, 3, 2])
    expectError(.badData, saying: "1×3×2", "1×1×2") { _ = try evaluate("GRU", [x, w, counting([1, 3, 2])]) }
    expectError(.badData, saying: "1×3×1") {
      _ = try evaluate("GRU", [x, w, counting([1, 3, 1])], ["hidden_size": .int(2)])
    }
    expectError(.unsupported, saying: "'activations'", "'Sine'") {
      _ = try evaluate("RNN", [x, counting([1, 1, 2]), counting([1, 1, 1])], ["activations": .strings(["Sine"])])
    }
  }
}
