import Graph
import Ops
import TestSupport
import Testing

private let domain = "ai.onnx.ml"

private func row(
  _ type: String, _ inputs: [GradientCheck.Input], _ attributes: [String: Attribute] = [:], outputs: Int = 1
)
  -> GradientCheck
{
  GradientCheck(
    type: type, domain: domain, attributes: attributes, inputs: inputs, outputCount: outputs, opset: 5, tolerance: 5e-3)
}

private let weights = Attribute.floats([0.5, -1, 2, 1, 0.25, -0.5])

let machineLearningGradientChecks: [GradientCheck] = [
  row("ZipMap", [.uniform([2, 3])], ["classlabels_strings": .strings(["a", "b", "c"])]),
  row("ArrayFeatureExtractor", [.uniform([2, 4]), .fixed(integers(2, 0))]),
  row("Scaler", [.uniform([2, 3])], ["offset": .floats([1, 2, 3]), "scale": .floats([2, -1, 0.5])]),
  row("Normalizer", [.uniform([2, 4], 0.2...1, spread: true)], ["norm": .string("MAX")]),
  row("Normalizer", [.away(from: [0], [2, 4])], ["norm": .string("L1")]),
  row("Normalizer", [.uniform([2, 4], 0.2...1)], ["norm": .string("L2")]),
  row("FeatureVectorizer", [.uniform([2, 3]), .uniform([2, 1])]),
  row("LinearRegressor", [.uniform([2, 3])], ["coefficients": weights, "targets": .int(2)]),
]

/// Its first output, the label, has no gradient; tested below.
let machineLearningCheckedByValue: Set<OperatorName> = [OperatorName(domain: domain, type: "LinearClassifier")]

@Suite struct MachineLearningTests {
  private func run(
    _ type: String, _ inputs: [Tensor?], _ attributes: [String: Attribute] = [:], outputs: Int = 1
  ) throws -> [Tensor] {
    try evaluate(type, inputs, attributes, domain: domain, opset: 5, outputCount: outputs)
  }

  @Test func scoresPassThroughAZipMap() throws {
    let scores = try run("ZipMap", [floats(0.25, 0.75, shape: [1, 2])], ["classlabels_int64s": .ints([3, 5])])[0]
    #expect(scores.shape == [1, 2] && scores.floats == [0.25, 0.75])
  }

  @Test func labelsAreTaken() throws {
    let names = Tensor(["cat", "dog", "bird"], shape: [3])
    let taken = try evaluate("ArrayFeatureExtractor", [names, integers(2, 0)], domain: domain, free: [1])[0]
    #expect(taken.shape == [1, 2] && taken.texts == ["bird", "cat"])
    #expect(try run("ArrayFeatureExtractor", [counting([2, 3]), integers(1)])[0].floats == [1, 4])
  }

  @Test func labelsAreEncoded() throws {
    let names = Tensor(["cat", "dog", "cow"], shape: [3])
    let encoded = try run(
      "LabelEncoder", [names],
      ["keys_strings": .strings(["dog", "cat"]), "values_int64s": .ints([7, 8]), "default_int64": .int(-3)])[0]
    #expect(encoded.elementType == .int64 && encoded.integers == [8, 7, -3])
    let decoded = try run(
      "LabelEncoder", [integers(1, 5)], ["keys_int64s": .ints([1, 2]), "values_strings": .strings(["a", "b"])])[0]
    #expect(decoded.texts == ["a", "_Unused"])
    let floats = try run(
      "LabelEncoder", [floats(.nan, -0.0, 2)],
      ["keys_floats": .floats([.nan, 0]), "values_floats": .floats([1, 2]), "default_float": .float(9)])[0]
    #expect(floats.floats == [1, 2, 9])
    let both: [String: Attribute] = ["classes_strings": .strings(["a", "b"])]
    #expect(try run("LabelEncoder", [integers(1, 7)], both)[0].texts == ["b", "_Unused"])
    #expect(try run("LabelEncoder", [Tensor(["b", "z"], shape: [2])], both)[0].integers == [1, -1])
    expectError(.badData, saying: "differ in number") {
      _ = try run("LabelEncoder", [integers(1)], ["keys_int64s": .ints([1]), "values_int64s": .ints([])])
    }
  }

  @Test func linearModels() throws {
    let x = floats(1, 2, -1, shape: [1, 3])
    let names: [String: Attribute] = ["classlabels_strings": .strings(["cat", "dog"]), "coefficients": weights]
    let results = try run("LinearClassifier", [x], names.merging(["intercepts": .floats([0, 1])]) { $1 }, outputs: 2)
    #expect(results[0].texts == ["dog"] && results[1].floats == [-3.5, 3])
    // One row of coefficients separates two classes.
    let binary = try run(
      "LinearClassifier", [x],
      [
        "classlabels_ints": .ints([10, 20]), "coefficients": .floats([1, 1, 1]), "intercepts": .floats([-3]),
        "post_transform": .string("LOGISTIC"),
      ], outputs: 2)
    #expect(binary[0].integers == [10])
    #expect(abs(binary[1].floats[0] - 0.7310586) < 1e-6 && abs(binary[1].floats[1] - 0.2689414) < 1e-6)
    #expect(
      try run("LinearRegressor", [x], ["coefficients": weights, "targets": .int(2), "intercepts": .floats([1, 0])])[0]
        .floats == [-2.5, 2])
    #expect(try run("Binarizer", [floats(0.5, 0.4, -1)], ["threshold": .float(0.4)])[0].floats == [1, 0, 0])
    #expect(try run("Normalizer", [floats(0, 0, shape: [1, 2])], ["norm": .string("L2")])[0].floats == [0, 0])
  }
}
