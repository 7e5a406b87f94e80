import Graph
import Ops
import TestSupport
import Testing

private func row(
  _ type: String, _ range: ClosedRange<Float> = -3...3, kinks: [Float] = [], attributes: [String: Attribute] = [:],
  domain: String = "", opset: Int = 20
) -> GradientCheck {
  GradientCheck(
    type: type, domain: domain, attributes: attributes, inputs: [.away(from: kinks, [2, 3, 7], range)], opset: opset)
}

let unaryGradientChecks: [GradientCheck] = [
  row("Relu", kinks: [0]),
  row("LeakyRelu", kinks: [0]),
  row("LeakyRelu", kinks: [0], attributes: ["alpha": .float(-0.5)]),
  row("Elu", kinks: [0], attributes: ["alpha": .float(0.7)]),
  row("Selu", kinks: [0]),
  row("Selu", kinks: [0], attributes: ["alpha": .float(0.8), "gamma": .float(1.4)]),
  row("Selu", kinks: [0], opset: 1),
  row("Celu", kinks: [0], attributes: ["alpha": .float(2)]),
  row("ThresholdedRelu", kinks: [1]),
  row("ThresholdedRelu", kinks: [0.5], attributes: ["alpha": .float(0.5)]),
  row("Sigmoid"),
  row("HardSigmoid", -4...4, kinks: [-2.5, 2.5]),
  row("HardSigmoid", kinks: [-1.25, 0.75], attributes: ["alpha": .float(0.5), "beta": .float(0.625)]),
  row("HardSwish", -5...5, kinks: [-3, 3]),
  row("Softplus"), row("Softsign", kinks: [0]), row("Tanh"), row("Exp", -2...1),
  row("Log", 0.5...3), row("Sqrt", 0.5...3), row("Reciprocal", 0.6...3), row("Abs", kinks: [0]), row("Neg"),
  row("Sign", kinks: [0]), row("Floor", kinks: [-3, -2, -1, 0, 1, 2, 3]),
  row("Ceil", kinks: [-3, -2, -1, 0, 1, 2, 3]), row("Round", kinks: [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5]),
  row("Affine", attributes: ["alpha": .float(2), "beta": .float(1)]),
  row("ParametricSoftplus", attributes: ["alpha": .float(2), "beta": .float(3)]),
  row("ScaledTanh", attributes: ["alpha": .float(2), "beta": .float(0.5)]),
  row("Erf", -2...2), row("Gelu"), row("Gelu", attributes: ["approximate": .string("tanh")]),
  row("Gelu", domain: "com.microsoft"), row("FastGelu", -2...2, domain: "com.microsoft"),
  row("Mish"), row("QuickGelu", domain: "com.microsoft"),
  row("Swish", opset: 24), row("Swish", attributes: ["alpha": .float(1.5)], opset: 24),
  row("Sin"), row("Cos"), row("Tan", -1...1), row("Asin", -0.8...0.8), row("Acos", -0.8...0.8), row("Atan"),
  row("Sinh", -2...2), row("Cosh", -2...2), row("Asinh"), row("Acosh", 1.5...4), row("Atanh", -0.8...0.8),
  row("Shrink", kinks: [-0.5, 0.5]),
  row("Shrink", kinks: [-1, 1], attributes: ["lambd": .float(1), "bias": .float(0.25)]),
  row("Clip", kinks: [-1, 2], attributes: ["min": .float(-1), "max": .float(2)], opset: 6),
  row("Clip", kinks: [-1], attributes: ["min": .float(-1)], opset: 6),
  GradientCheck(
    type: "Clip",
    inputs: [.away(from: [-1, 1.5], [3, 5], -3...3), .fixed(floats(-1, shape: [])), .fixed(floats(1.5, shape: []))]),
  GradientCheck(type: "Clip", inputs: [.away(from: [1], [3, 5], -3...3), .none, .fixed(floats(1, shape: []))]),
  // Bounds that the network computes: between the elements, and the wrong way round.
  GradientCheck(
    type: "Clip",
    inputs: [
      .away(from: [-0.8, -0.5, 0.5, 0.8], [3, 5], -3...3), .uniform([], -0.7...(-0.6)), .uniform([], 0.6...0.7),
    ]),
  GradientCheck(type: "Clip", inputs: [.uniform([3, 5], -3...3), .uniform([], 2...3), .uniform([], -3...(-2))]),
]

@Suite struct UnaryTests {
  private func expect(
    _ type: String, _ x: [Float], _ expected: [Float], _ attributes: [String: Attribute] = [:], domain: String = "",
    opset: Int = 20, within tolerance: Float = 2e-6
  ) throws {
    let y = try evaluate(type, [Tensor(x, shape: [x.count])], attributes, domain: domain, opset: opset)[0].floats
    #expect(y.count == expected.count, "\(type)")
    for (value, target) in zip(y, expected) {
      #expect(
        value == target || value.isNaN && target.isNaN || abs(value - target) <= tolerance * max(abs(target), 1e-3),
        "\(type): \(y)")
    }
  }

  @Test func valuesFromTheSpecification() throws {
    try expect("Relu", [-1, 0, 2, .nan, .infinity, -.infinity], [0, 0, 2, .nan, .infinity, 0])
    try expect("LeakyRelu", [-1, 0, 2], [-0.01, 0, 2])
    try expect("LeakyRelu", [-1, 2], [-0.1, 2], ["alpha": .float(0.1), "consumed_inputs": .ints([0])], opset: 1)
    try expect("Elu", [-1, -1e-6, 0, 2], [-1.26424112, -2e-6, 0, 2], ["alpha": .float(2)])
    try expect("Selu", [-1, 1], [-1.11133072, 1.05070102])
    try expect("Selu", [-1, 1], [1.0507 * 1.6732 * -0.632120559, 1.0507], opset: 1)
    try expect("Celu", [-1, 1], [-0.786938681, 1], ["alpha": .float(2)])
    try expect("ThresholdedRelu", [0.9, 1, 1.1], [0, 0, 1.1])
    try expect("HardSigmoid", [-3, -1, 3], [0, 0.3, 1])
    try expect("HardSwish", [-4, -1, 1, 4], [0, -0.333333333, 0.666666667, 4])
    try expect("Softsign", [-1, 3], [-0.5, 0.75])
    try expect("Reciprocal", [4, 0], [0.25, .infinity])
    try expect("Sign", [-2, 0, 3], [-1, 0, 1])
    try expect("Round", [0.5, 1.5, 2.5, -0.5, -1.5, 0.9], [0, 2, 2, 0, -2, 1])
    try expect("Floor", [-1.5, 1.5], [-2, 1])
    try expect("Ceil", [-1.5, 1.5], [-1, 2])
    try expect("Gelu", [-1, 0, 1], [-0.158655254, 0, 0.841344746])
    try expect("Gelu", [-1, 0, 1], [-0.158808009, 0, 0.841191991], ["approximate": .string("tanh")])
    try expect("Affine", [2], [7], ["alpha": .float(3), "beta": .float(1)])
    try expect("ScaledTanh", [1], [0.924234315], ["alpha": .float(2), "beta": .float(0.5)])
    try expect("ParametricSoftplus", [0], [1.386294361], ["alpha": .float(2), "beta": .float(3)])
    try expect("QuickGelu", [1], [0.845795855], domain: "com.microsoft")
    try expect("Swish", [1], [0.817574476], ["alpha": .float(1.5)], opset: 24)
    try expect("Mish", [-1, 1], [-0.303401461, 0.865098388])
    try expect("Shrink", [-2, 0.4, 2], [-1.75, 0, 1.75], ["bias": .float(0.25)])
    try expect("Tan", [1], [1.55740772])
    try expect("Acosh", [1, 2], [0, 1.31695790])
  }

  @Test func transcendentalFunctionsKeepTheirLimits() throws {
    let x: [Float] = [-.infinity, -200, -1, -1e-5, 0, 1e-5, 1, 200, .infinity, .nan]
    let e: Float = 2.71828183
    try expect("Exp", x, [0, 0, 1 / e, 0.99999, 1, 1.00001, e, .infinity, .infinity, .nan])
    try expect("Sigmoid", x, [0, 0, 0.268941421, 0.4999975, 0.5, 0.5000025, 0.731058579, 1, 1, .nan])
    try expect("Tanh", x, [-1, -1, -0.761594156, -1e-5, 0, 1e-5, 0.761594156, 1, 1, .nan])
    try expect("Erf", x, [-1, -1, -0.842700793, -1.12837917e-5, 0, 1.12837917e-5, 0.842700793, 1, 1, .nan])
    try expect(
      "Softplus", x,
      [0, 0, 0.313261688, 0.693142181, 0.693147181, 0.693152181, 1.31326169, 200, .infinity, .nan])
    try expect("Log", [-1, 0, 1e-40, 1, e, .infinity, .nan], [.nan, -.infinity, -92.1034037, 0, 1, .infinity, .nan])
  }

  /// Against the C library's functions in double precision, over ranges that no small literal covers.
  @Test func transcendentalFunctionsAreAccurate() throws {
    let x = (0...4000).map { Float($0 - 2000) / 250 }
    let y = try evaluate("Erf", [Tensor(x, shape: [x.count])])[0].floats
    let tanhs = try evaluate("Tanh", [Tensor(x, shape: [x.count])])[0].floats
    let exps = try evaluate("Exp", [Tensor(x, shape: [x.count])])[0].floats
    let logs = try evaluate("Log", [Tensor(exps, shape: [x.count])])[0].floats
    for (index, value) in x.enumerated() {
      func isClose(_ a: Float, _ b: Double) -> Bool { abs(Double(a) - b) <= 5e-7 * abs(b) }
      #expect(isClose(y[index], erf(Double(value))) && isClose(tanhs[index], tanh(Double(value))))
      #expect(isClose(exps[index], exp(Double(value))) && isClose(logs[index], log(Double(exps[index]))))
    }
  }

  @Test func integersStayExactAndWrap() throws {
    let x = Tensor([-128, -3, 0, 5], shape: [4], elementType: .int8)
    #expect(try evaluate("Abs", [x])[0].integers == [-128, 3, 0, 5])
    #expect(try evaluate("Neg", [x])[0].integers == [-128, 3, 0, -5])
    #expect(try evaluate("Relu", [x])[0].integers == [0, 0, 0, 5])
    #expect(try evaluate("Sign", [x])[0].integers == [-1, -1, 0, 1])
    #expect(try evaluate("BitwiseNot", [Tensor([1, 254], shape: [2], elementType: .uint8)])[0].integers == [254, 1])
    expectError(.unsupported, saying: "int8") { _ = try evaluate("Exp", [x]) }
  }

  @Test func clipTakesBoundsFromAttributesOrInputs() throws {
    try expect("Clip", [-2, 0, 2], [-1, 0, 1], ["min": .float(-1), "max": .float(1)], opset: 6)
    try expect("Clip", [-2, 2], [-2, 2], opset: 6)
    let x = floats(-2, 0, 2, .nan)
    let low = floats(-1, shape: []), high = floats(1, shape: [])
    #expect(try evaluate("Clip", [x, low, high])[0].floats.dropLast() == [-1, 0, 1])
    #expect(try evaluate("Clip", [x, low, high])[0].floats[3].isNaN)
    #expect(try evaluate("Clip", [x, nil, high])[0].floats.dropLast() == [-2, 0, 1])
    // The upper bound wins.
    #expect(try evaluate("Clip", [floats(0), high, low])[0].floats == [-1])
    #expect(try evaluate("Clip", [integers(-5, 7), integer(-1), integer(3)])[0].integers == [-1, 3])
    expectError(.badData, saying: "bound") { _ = try evaluate("Clip", [x, floats(1, 2)]) }
    expectError(.unsupported, saying: "'min'") { _ = try evaluate("Clip", [x], ["min": .float(0)], opset: 11) }
  }

  /// PyTorch's conventions where the derivative has no value: relu, abs and clamp.
  @Test func derivativesAtKinks() throws {
    #expect(try inputGradient("Relu", floats(0)) == [0])
    #expect(try inputGradient("LeakyRelu", floats(0)) == [0.01])
    #expect(try inputGradient("Abs", floats(0)) == [0])
    let bounds: [String: Attribute] = ["min": .float(-1), "max": .float(1)]
    #expect(try inputGradient("Clip", floats(-2, -1, 0.5, 1, 2), attributes: bounds, opset: 6) == [0, 0, 1, 0, 0])
    #expect(try inputGradient("HardSigmoid", floats(2.5)) == [0])
  }

  @Test func questions() throws {
    let x = floats(.nan, .infinity, -.infinity, 1)
    #expect(try evaluate("IsNaN", [x])[0].integers == [1, 0, 0, 0])
    #expect(try evaluate("IsInf", [x])[0].integers == [0, 1, 1, 0])
    #expect(try evaluate("IsInf", [x], ["detect_negative": .int(0)])[0].integers == [0, 1, 0, 0])
    #expect(try evaluate("Not", [Tensor([true, false], shape: [2])])[0].integers == [0, 1])
  }
}
