import Graph
import TestSupport
import Testing

@testable import Ops

private func row(
  _ attributes: [String: [Int64]] = [:], group: Int64 = 1, x: Shape, weights: Shape,
  bias: Bool = false, wanted: [Int] = [0]
) -> GradientCheck {
  var named = attributes.mapValues { Attribute.ints($0) }
  if group != 1 { named["group"] = .int(group) }
  return GradientCheck(
    type: "Conv", attributes: named,
    inputs: [.uniform(x), .uniform(weights)] + (bias ? [.uniform([weights[0]])] : []), wanted: wanted)
}

let convolutionGradientChecks: [GradientCheck] = [
  row(x: [2, 3, 5, 4], weights: [4, 3, 1, 1], bias: true),
  row(group: 2, x: [2, 4, 5, 4], weights: [6, 2, 1, 1]),
  row(["strides": [2, 2]], x: [1, 3, 6, 5], weights: [4, 3, 1, 1]),
  row(["pads": [1, 1, 1, 1]], x: [2, 3, 6, 5], weights: [4, 3, 3, 3], bias: true),
  row(["pads": [0, 1, 2, 1], "strides": [2, 3], "dilations": [2, 1]], x: [1, 3, 9, 8], weights: [2, 3, 3, 2]),
  row(["pads": [1, 2], "strides": [2]], x: [2, 3, 9], weights: [2, 3, 4]),
  row(["pads": [1, 0, 1, 0, 1, 1], "strides": [1, 2, 1]], x: [1, 2, 4, 5, 4], weights: [3, 2, 2, 3, 2]),
  row(["pads": [1, 1, 1, 1]], group: 4, x: [2, 4, 6, 7], weights: [4, 1, 3, 3], bias: true),
  row(["pads": [2, 1, 1, 2], "strides": [2, 2]], group: 3, x: [1, 3, 9, 8], weights: [6, 1, 5, 4]),
  row(
    ["pads": [3, 3, 3, 3], "strides": [1, 3], "dilations": [3, 2]], group: 2, x: [1, 2, 11, 9], weights: [2, 1, 3, 3]),
  row(["strides": [3, 2]], group: 2, x: [1, 2, 8, 8], weights: [2, 1, 2, 1]),
  row(["pads": [1, 1, 1, 1]], group: 2, x: [1, 4, 5, 5], weights: [6, 2, 3, 3]),
  row(["pads": [1, 1, 1, 1]], x: [1, 32, 13, 26], weights: [48, 32, 3, 3], bias: true),
  row(["pads": [0, 2, 1, 0]], x: [2, 48, 26, 27], weights: [32, 48, 3, 3]),
  row(["pads": [1, 1, 1, 1]], x: [1, 32, 75, 97], weights: [32, 32, 3, 3]),
  // Weights and biases that the network computes.
  row(x: [2, 3, 5, 4], weights: [4, 3, 1, 1], bias: true, wanted: [0, 1, 2]),
  row(["pads": [1, 1, 1, 1]], x: [2, 3, 6, 5], weights: [4, 3, 3, 3], bias: true, wanted: [1, 2]),
  row(
    ["pads": [0, 1, 2, 1], "strides": [2, 3], "dilations": [2, 1]], group: 3, x: [2, 9, 9, 8], weights: [6, 3, 3, 2],
    wanted: [1]),
  row(
    ["pads": [2, 1, 1, 2], "strides": [2, 2]], group: 3, x: [1, 3, 9, 8], weights: [6, 1, 5, 4], wanted: [0, 1]),
  row(["pads": [1, 2], "strides": [2]], x: [2, 3, 9], weights: [2, 3, 4], bias: true, wanted: [0, 1, 2]),
  row(
    ["pads": [1, 0, 1, 0, 1, 1], "strides": [1, 2, 1]], x: [1, 2, 4, 5, 4], weights: [3, 2, 2, 3, 2], wanted: [0, 1]),
]

/// A convolution and the algorithm that it must exercise.
struct ConvolutionCase: Sendable, CustomStringConvertible {
  let algorithm: String
  let x, weights: Shape
  var groups = 1
  var strides: [Int]?
  var dilations: [Int]?
  var pads: [Int]?

  /// Winograd's form rounds more.
  var tolerance: Double { algorithm.hasPrefix("winograd") ? 1e-5 : 2e-6 }

  var description: String {
    "\(algorithm): \(x) by \(weights), groups \(groups), strides \(strides ?? []), dilations \(dilations ?? []), "
      + "pads \(pads ?? [])"
  }

  static let all: [ConvolutionCase] = [
    ConvolutionCase(algorithm: "pointwise", x: [1, 5, 6, 7], weights: [4, 5, 1, 1]),
    ConvolutionCase(algorithm: "pointwise", x: [2, 6, 3, 3], weights: [9, 2, 1, 1], groups: 3),
    ConvolutionCase(algorithm: "pointwise", x: [1, 70, 30, 31], weights: [65, 70, 1, 1]),
    ConvolutionCase(algorithm: "pointwise", x: [1, 4, 9], weights: [3, 4, 1]),

    ConvolutionCase(algorithm: "depthwise", x: [2, 5, 7, 9], weights: [5, 1, 3, 3], groups: 5, pads: [1, 1, 1, 1]),
    ConvolutionCase(
      algorithm: "depthwise", x: [1, 4, 20, 35], weights: [4, 1, 5, 5], groups: 4, strides: [2, 2],
      pads: [2, 2, 2, 2]),
    ConvolutionCase(
      algorithm: "depthwise", x: [1, 3, 9, 8], weights: [6, 1, 3, 3], groups: 3, strides: [2, 1], pads: [0, 1, 1, 2]),
    ConvolutionCase(
      algorithm: "depthwise", x: [1, 3, 17, 15], weights: [3, 1, 3, 2], groups: 3, strides: [3, 2],
      dilations: [2, 3], pads: [2, 3, 1, 0]),
    ConvolutionCase(algorithm: "depthwise", x: [1, 2, 14, 14], weights: [2, 1, 7, 7], groups: 2, pads: [3, 3, 3, 3]),
    ConvolutionCase(
      algorithm: "depthwise", x: [2, 2, 13, 11], weights: [4, 1, 3, 3], groups: 2, dilations: [2, 3],
      pads: [2, 3, 2, 3]),
    ConvolutionCase(
      algorithm: "depthwise", x: [1, 3, 21, 40], weights: [3, 1, 5, 5], groups: 3, dilations: [3, 1],
      pads: [5, 0, 6, 3]),
    ConvolutionCase(
      algorithm: "depthwise", x: [1, 3, 14, 13], weights: [3, 1, 7, 7], groups: 3, strides: [2, 2],
      pads: [3, 2, 3, 4]),
    ConvolutionCase(algorithm: "depthwise", x: [1, 2, 5, 5], weights: [8, 1, 1, 1], groups: 2, strides: [2, 2]),
    ConvolutionCase(
      algorithm: "depthwise", x: [2, 3, 11], weights: [6, 1, 4], groups: 3, strides: [3], pads: [2, 1]),

    ConvolutionCase(
      algorithm: "winograd 4×4", x: [1, 32, 29, 31], weights: [33, 32, 3, 3], pads: [1, 1, 1, 1]),
    ConvolutionCase(
      algorithm: "winograd 4×4", x: [2, 35, 13, 10], weights: [32, 35, 3, 3], pads: [0, 2, 2, 1]),
    ConvolutionCase(
      algorithm: "winograd 4×4", x: [3, 32, 18, 22], weights: [40, 32, 3, 3]),
    // Small images in blocks of several, the last one not full.
    ConvolutionCase(
      algorithm: "winograd 4×4", x: [29, 48, 7, 7], weights: [40, 48, 3, 3], pads: [1, 1, 1, 1]),
    ConvolutionCase(algorithm: "winograd 4×4", x: [5, 36, 14, 11], weights: [32, 36, 3, 3], pads: [1, 1, 1, 1]),
    // The weights of some outputs at a time, if they are not packed in advance.
    ConvolutionCase(algorithm: "winograd 4×4", x: [1, 256, 14, 14], weights: [130, 256, 3, 3], pads: [1, 1, 1, 1]),
    ConvolutionCase(algorithm: "winograd 2×2", x: [1, 256, 7, 7], weights: [75, 256, 3, 3], pads: [1, 1, 1, 1]),
    ConvolutionCase(algorithm: "winograd 2×2", x: [1, 130, 8, 6], weights: [128, 130, 3, 3], pads: [0, 2, 2, 1]),
    ConvolutionCase(algorithm: "winograd 2×2", x: [2, 128, 5, 7], weights: [128, 128, 3, 3], pads: [1, 1, 1, 1]),

    ConvolutionCase(algorithm: "pointwise", x: [2, 300, 7, 7], weights: [130, 300, 1, 1]),
    ConvolutionCase(algorithm: "windows", x: [1, 70, 9, 8], weights: [65, 70, 3, 3], strides: [2, 2]),
    ConvolutionCase(algorithm: "windows", x: [1, 3, 5, 5], weights: [5, 3, 3, 3], pads: [1, 1, 1, 1]),
    ConvolutionCase(
      algorithm: "windows", x: [2, 4, 11, 10], weights: [6, 2, 3, 2], groups: 2, strides: [2, 3],
      dilations: [2, 1], pads: [1, 0, 2, 1]),
    ConvolutionCase(algorithm: "windows", x: [1, 3, 6, 5], weights: [4, 3, 1, 1], strides: [2, 2]),
    ConvolutionCase(algorithm: "windows", x: [1, 4, 9, 6], weights: [3, 4, 1, 7], pads: [0, 3, 0, 3]),
    ConvolutionCase(algorithm: "windows", x: [1, 3, 5, 4], weights: [2, 3, 3, 3], pads: [4, 4, 4, 4]),
    ConvolutionCase(algorithm: "windows", x: [2, 3, 12], weights: [4, 3, 5], strides: [2], pads: [2, 2]),
    ConvolutionCase(
      algorithm: "windows", x: [1, 2, 5, 6, 4], weights: [3, 2, 3, 2, 3], strides: [2, 1, 1],
      dilations: [1, 2, 1], pads: [1, 1, 0, 1, 0, 1]),
    ConvolutionCase(algorithm: "windows", x: [1, 4, 160, 170], weights: [2, 4, 5, 5], pads: [2, 2, 2, 2]),
    ConvolutionCase(algorithm: "windows", x: [1, 5, 224, 224], weights: [2, 5, 5, 5], pads: [2, 2, 2, 2]),
  ]
}

@Suite struct ConvolutionTests {
  @Test(arguments: ConvolutionCase.all, [false, true])
  func equalsTheNaiveLoop(_ row: ConvolutionCase, reusesWeights: Bool) throws {
    try expectTruth(row, reusesWeights: reusesWeights, followedBy: nil)
  }

  @Test(arguments: ConvolutionCase.all, [false, true])
  func addsAndClampsAfterwards(_ row: ConvolutionCase, reusesWeights: Bool) throws {
    try expectTruth(row, reusesWeights: reusesWeights, followedBy: "Relu")
  }

  @Test(arguments: ConvolutionCase.all, [false, true])
  func addsAndActivatesAfterwards(_ row: ConvolutionCase, reusesWeights: Bool) throws {
    try expectTruth(row, reusesWeights: reusesWeights, followedBy: "HardSwish")
  }

  /// Gradients that reach some channels alone, the first and the last among them: few of many, and more than that.
  @Test(arguments: ConvolutionCase.all.filter { $0.weights[0] >= 33 && $0.groups == 1 }, [0, 1, 8, 9])
  func aGradientOfFewChannelsIsThatOfAll(_ row: ConvolutionCase, count: Int) throws {
    let last = row.weights[0] - 1
    let channels = Set((0..<count).map { count < 2 ? last : $0 * last / (count - 1) })
    try expectTruth(row, reusesWeights: true, followedBy: nil, gradientOf: channels)
  }

  /// Where an activation follows another tensor is added first.
  ///
  /// - Parameter channels: those that a gradient reaches; nil means all.
  private func expectTruth(
    _ row: ConvolutionCase, reusesWeights: Bool, followedBy activation: String?, gradientOf channels: Set<Int>? = nil
  ) throws {
    let isFused = activation != nil, isDifferentiable = activation != "HardSwish"
    let x = random(row.x, seed: 1), weights = random(row.weights, seed: 2)
    let bias = random([row.weights[0]], seed: 3)
    let window = NaiveWindow(
      input: Array(row.x.dimensions[2...]), kernel: Array(row.weights.dimensions[2...]), strides: row.strides,
      dilations: row.dilations, pads: row.pads)
    let shape = Shape([row.x[0], row.weights[0]] + window.output)
    var dy = random(shape, seed: 4).floats
    if let channels {
      let area = window.output.reduce(1, *)
      for index in dy.indices where !channels.contains(index / area % shape[1]) {
        dy[index] = index % 2 == 0 ? 0 : -0.0
      }
    }
    let residual = random(shape, seed: 5)

    var attributes: [String: Attribute] = ["group": .int(Int64(row.groups))]
    func add(_ name: String, _ values: [Int]?) {
      if let values { attributes[name] = .ints(values.map(Int64.init)) }
    }
    add("strides", row.strides)
    add("dilations", row.dilations)
    add("pads", row.pads)
    var graph = ComputeGraph(opsets: ["": 17])
    graph.values = [
      Value(name: "x"), Value(name: "weights", constant: weights), Value(name: "bias", constant: bias),
      Value(name: "y"), Value(name: "residual", constant: residual),
    ]
    if let activation { attributes["activation"] = .string(activation) }
    graph.nodes = [
      Node(
        name: "conv",
        operatorName: isFused ? OperatorName(domain: "com.microsoft", type: "FusedConv") : OperatorName(type: "Conv"),
        inputs: [0, 1, 2] + (isFused ? [4] : []), outputs: [3], attributes: attributes)
    ]
    let plan = try Plan(
      graph, operators: .standard,
      request: PlanRequest(
        inputs: [0: ValueInfo(.float32, x.shape)], outputs: [3], taps: isDifferentiable ? [0] : [],
        target: isDifferentiable ? 3 : nil,
        kernels: KernelRequest(threadCount: 3, reusesWeights: reusesWeights)))
    let executor = try Executor(plan, pool: ThreadPool(threadCount: 3))
    try executor.set(0, to: x)
    let timings = try executor.profile(seed: nil)
    #expect(timings.map(\.kernel) == [row.algorithm])
    if isDifferentiable { try executor.backward(seed: dy) }

    func naive() -> (y: [Double], dx: [Double]) {
      naiveConvolution(x: x, weights: weights, bias: bias.floats, groups: row.groups, window: window, dy: dy)
    }
    var truth = naive()
    if isFused {
      truth.y = zip(truth.y, residual.floats).map {
        let sum = $0 + Double($1)
        return isDifferentiable ? max(0, sum) : sum * min(max(sum / 6 + 0.5, 0), 1)
      }
      dy = zip(dy, executor.contents(of: 3).floats).map { $1 > 0 ? $0 : 0 }
      truth.dx = naive().dx
    }
    #expect(executor.contents(of: 3).shape == shape)
    expectClose(
      executor.contents(of: 3).floats, truth.y.map { Float($0) }, within: row.tolerance, isRelative: true, "forward")
    guard isDifferentiable else { return }
    expectClose(
      executor.gradient(of: 0).floats, truth.dx.map { Float($0) }, within: row.tolerance, isRelative: channels != [],
      "backward")
  }
}
