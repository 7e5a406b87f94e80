import Graph
import TestSupport
import Testing

@testable import Ops

private func row(_ type: String, _ attributes: [String: Attribute], x: Shape, opset: Int = 20) -> GradientCheck {
  GradientCheck(
    type: type, attributes: attributes, inputs: [.uniform(x, -4...4, spread: type.hasSuffix("MaxPool"))], opset: opset)
}

let poolingGradientChecks: [GradientCheck] = [
  row("MaxPool", ["kernel_shape": .ints([2, 2]), "strides": .ints([2, 2])], x: [1, 2, 6, 7]),
  row(
    "MaxPool",
    ["kernel_shape": .ints([3, 3]), "strides": .ints([2, 2]), "pads": .ints([1, 1, 1, 1]), "ceil_mode": .int(1)],
    x: [1, 2, 8, 7]),
  row("MaxPool", ["kernel_shape": .ints([3, 2]), "dilations": .ints([2, 3])], x: [2, 2, 7, 6]),
  row("MaxPool", ["kernel_shape": .ints([3]), "pads": .ints([1, 1])], x: [2, 3, 9]),
  row(
    "AveragePool", ["kernel_shape": .ints([32, 32]), "strides": .ints([32, 32]), "ceil_mode": .int(1)], x: [1, 2, 5, 6]),
  row(
    "AveragePool",
    [
      "kernel_shape": .ints([9, 9]), "strides": .ints([9, 8]), "pads": .ints([1, 2, 0, 2]), "ceil_mode": .int(1),
      "count_include_pad": .int(1),
    ], x: [1, 2, 5, 20]),
  row(
    "MaxPool", ["kernel_shape": .ints([9, 9]), "strides": .ints([9, 9]), "ceil_mode": .int(1)], x: [1, 2, 5, 6],
    opset: 12),
  row("LpPool", ["kernel_shape": .ints([9, 9]), "strides": .ints([9, 9]), "ceil_mode": .int(1)], x: [1, 2, 5, 6]),
  row("MaxPool", ["kernel_shape": .ints([2, 2, 2]), "strides": .ints([2, 1, 2])], x: [1, 2, 4, 3, 4]),
  row(
    "AveragePool", ["kernel_shape": .ints([3, 3]), "strides": .ints([2, 2]), "pads": .ints([1, 1, 1, 1])],
    x: [2, 2, 7, 6]),
  row(
    "AveragePool",
    [
      "kernel_shape": .ints([3, 3]), "strides": .ints([2, 2]), "pads": .ints([1, 1, 1, 1]),
      "count_include_pad": .int(1), "ceil_mode": .int(1),
    ], x: [1, 2, 6, 6]),
  row(
    "AveragePool", ["kernel_shape": .ints([3]), "auto_pad": .string("SAME_LOWER"), "strides": .ints([2])],
    x: [2, 3, 9]),
  row("AveragePool", ["kernel_shape": .ints([2, 2]), "dilations": .ints([2, 2])], x: [1, 2, 6, 6]),
  row(
    "LpPool", ["kernel_shape": .ints([3, 2]), "strides": .ints([2, 1]), "pads": .ints([1, 0, 1, 1])], x: [1, 2, 5, 6]),
  row("LpPool", ["kernel_shape": .ints([2]), "dilations": .ints([2]), "p": .int(3)], x: [2, 2, 7]),
  row("LpPool", ["kernel_shape": .ints([2, 2]), "p": .int(1)], x: [1, 1, 3, 4]),
  GradientCheck(
    type: "LpPool", attributes: ["kernel_shape": .ints([2]), "p": .float(3)], inputs: [.uniform([2, 2, 7], 0.5...4)],
    opset: 1),
  row("GlobalLpPool", ["p": .int(3)], x: [2, 3, 4, 5]),
  row("GlobalLpPool", ["p": .float(3)], x: [2, 3, 4, 5], opset: 1),
  GradientCheck(
    type: "MaxUnpool", attributes: ["kernel_shape": .ints([2]), "strides": .ints([2])],
    inputs: [.uniform([1, 2, 2]), .fixed(integers(1, 2, 4, 7, shape: [1, 2, 2]))]),
  row("GlobalAveragePool", [:], x: [2, 3, 4, 5]),
  row("GlobalMaxPool", [:], x: [2, 3, 4, 5]),
]

struct PoolCase: Sendable, CustomStringConvertible {
  let x: Shape
  let kernel: [Int]
  var strides: [Int]?
  var dilations: [Int]?
  var pads: [Int]?
  var ceil = false

  var description: String {
    "\(x), window \(kernel), strides \(strides ?? []), dilations \(dilations ?? []), pads \(pads ?? [])"
      + (ceil ? ", ceil" : "")
  }

  var window: NaiveWindow {
    NaiveWindow(
      input: Array(x.dimensions[2...]), kernel: kernel, strides: strides, dilations: dilations, pads: pads, ceil: ceil)
  }

  func attributes(_ more: [String: Attribute] = [:]) -> [String: Attribute] {
    var attributes = more
    for (name, values) in [("kernel_shape", kernel), ("strides", strides), ("dilations", dilations), ("pads", pads)] {
      if let values { attributes[name] = .ints(values.map(Int64.init)) }
    }
    if ceil { attributes["ceil_mode"] = .int(1) }
    return attributes
  }

  static let all: [PoolCase] = [
    PoolCase(x: [2, 3, 8, 9], kernel: [2, 2], strides: [2, 2]),
    PoolCase(x: [1, 2, 9, 7], kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1]),
    PoolCase(x: [1, 2, 8, 8], kernel: [3, 3], strides: [2, 2], ceil: true),
    PoolCase(x: [1, 2, 7, 8], kernel: [3, 3], strides: [3, 2], pads: [1, 1, 1, 1], ceil: true),
    PoolCase(x: [1, 2, 6, 40], kernel: [3, 3], pads: [1, 1, 1, 1], ceil: true),
    PoolCase(x: [1, 2, 9, 11], kernel: [2, 3], strides: [1, 2], dilations: [3, 2], pads: [1, 0, 2, 1]),
    PoolCase(x: [1, 1, 5, 4], kernel: [5, 4]),
    PoolCase(x: [2, 3, 11], kernel: [4], strides: [3], pads: [1, 2], ceil: true),
    // Windows larger than the input, of which one is left.
    PoolCase(x: [1, 2, 5, 6], kernel: [32, 32], strides: [32, 32], ceil: true),
    PoolCase(x: [1, 2, 5, 40], kernel: [9, 9], strides: [9, 8], pads: [1, 2, 0, 2], ceil: true),
    PoolCase(x: [2, 1, 4], kernel: [4], strides: [5], dilations: [2], ceil: true),
    PoolCase(
      x: [1, 2, 5, 6, 7], kernel: [2, 3, 2], strides: [2, 1, 2], dilations: [2, 1, 1], pads: [0, 1, 1, 1, 1, 0],
      ceil: true),
  ]
}

@Suite struct PoolingTests {
  /// The cells of each window that lie inside the input, as offsets in its plane.
  private func cells(_ window: NaiveWindow, _ place: [Int]) -> [Int] {
    NaiveWindow.positions(window.kernel).map { window.coordinate(place, $0) }.filter(window.isInside)
      .map { NaiveWindow.offset($0, in: window.input) }
  }

  @Test(arguments: PoolCase.all, [false, true])
  func maximaAndIndicesEqualTheNaiveLoop(_ row: PoolCase, columnMajor: Bool) throws {
    let window = row.window, x = random(row.x, seed: 5), values = x.floats
    let plane = window.input.reduce(1, *)
    var maxima: [Float] = [], indices: [Int64] = []
    for start in stride(from: 0, to: values.count, by: plane) {
      for place in NaiveWindow.positions(window.output) {
        let best = cells(window, place).max { values[start + $0] < values[start + $1] }!
        maxima.append(values[start + best])
        let position = NaiveWindow.positions(window.input)[best]
        let offset =
          columnMajor
          ? NaiveWindow.offset(position.reversed(), in: window.input.reversed()) : best
        indices.append(Int64(start + offset))
      }
    }
    let found = try evaluate(
      "MaxPool", [x], row.attributes(columnMajor ? ["storage_order": .int(1)] : [:]), outputCount: 2)
    #expect(found[0].shape == Shape([row.x[0], row.x[1]] + window.output))
    #expect(found[0].floats == maxima)
    #expect(found[1].integers == indices)
  }

  @Test(arguments: PoolCase.all, [false, true])
  func averagesEqualTheNaiveLoop(_ row: PoolCase, includesPad: Bool) throws {
    let window = row.window, x = random(row.x, seed: 6), values = x.floats
    let plane = window.input.reduce(1, *)
    var averages: [Double] = []
    for start in stride(from: 0, to: values.count, by: plane) {
      for place in NaiveWindow.positions(window.output) {
        let cells = cells(window, place)
        let padded = NaiveWindow.positions(window.kernel).map { window.coordinate(place, $0) }
          .filter(window.isInsidePadding)
        let count = includesPad ? padded.count : cells.count
        averages.append(cells.reduce(0) { $0 + Double(values[start + $1]) } / Double(count))
      }
    }
    let found = try evaluate("AveragePool", [x], row.attributes(["count_include_pad": .int(includesPad ? 1 : 0)]))
    #expect(found[0].shape == Shape([row.x[0], row.x[1]] + window.output))
    expectClose(found[0].floats, averages.map { Float($0) }, within: 1e-6, isRelative: true)
  }

  @Test func automaticPaddingCentresTheWindows() throws {
    let x = counting([1, 1, 1, 6])
    func pool(_ mode: String) throws -> [Float] {
      try evaluate(
        "MaxPool", [x],
        ["kernel_shape": .ints([1, 4]), "strides": .ints([1, 2]), "auto_pad": .string(mode)])[0].floats
    }
    #expect(try pool("SAME_UPPER") == [2, 4, 5])
    #expect(try pool("SAME_LOWER") == [2, 4, 5])
    #expect(try pool("VALID") == [3, 5])
    let odd = try evaluate(
      "AveragePool", [x], ["kernel_shape": .ints([1, 2]), "auto_pad": .string("SAME_LOWER")])[0].floats
    #expect(odd == [0, 0.5, 1.5, 2.5, 3.5, 4.5])
  }

  @Test func normsFollowP() throws {
    let x = floats(3, -4, 0, 12, shape: [1, 1, 4])
    func pool(_ type: String, _ attributes: [String: Attribute], opset: Int = 20) throws -> [Float] {
      try evaluate(type, [x], attributes, opset: opset)[0].floats
    }
    #expect(try pool("LpPool", ["kernel_shape": .ints([2])]) == [5, 4, 12])
    #expect(try pool("LpPool", ["kernel_shape": .ints([2]), "pads": .ints([1, 0]), "p": .int(1)]) == [3, 7, 4, 12])
    #expect(try pool("LpPool", ["kernel_shape": .ints([3]), "p": .float(1)], opset: 1) == [7, 16])
    #expect(try pool("GlobalLpPool", [:]) == [13])
  }

  @Test func maximaOfIntegersAreIntegers() throws {
    let x = Tensor([3, -7, 5, 1], shape: [1, 1, 4], elementType: .int8)
    let y = try evaluate("MaxPool", [x], ["kernel_shape": .ints([2]), "strides": .ints([2])], outputCount: 2)
    #expect(y[0].elementType == .int8)
    #expect(y[0].integers == [3, 5])
    #expect(y[1].integers == [0, 2])
  }

  @Test func unpoolingPutsMaximaBack() throws {
    let attributes: [String: Attribute] = ["kernel_shape": .ints([2]), "strides": .ints([2])]
    let x = floats(3, 5, shape: [1, 1, 2]), indices = integers(0, 2, shape: [1, 1, 2])
    #expect(try evaluate("MaxUnpool", [x, indices], attributes)[0].floats == [3, 0, 5, 0])
    #expect(try evaluate("MaxUnpool", [x, indices, integers(1, 1, 5)], attributes)[0].floats == [3, 0, 5, 0, 0])
    expectError(.badData, saying: "index 4") {
      _ = try evaluate("MaxUnpool", [x, integers(0, 4, shape: [1, 1, 2])], attributes)
    }
  }

  @Test func aWindowLargerThanTheInputIsAnError() {
    expectError(.badData, saying: "window of 4", "1×1×3×3") {
      _ = try evaluate("MaxPool", [counting([1, 1, 3, 3])], ["kernel_shape": .ints([4, 4])])
    }
    // Rounded up, the number of windows is still below one.
    expectError(.badData, saying: "window of 9") {
      _ = try evaluate(
        "MaxPool", [counting([1, 1, 3, 3])],
        ["kernel_shape": .ints([9, 9]), "strides": .ints([2, 2]), "ceil_mode": .int(1)])
    }
  }

  @Test func oneWindowOverTheWholeInputIsAMean() throws {
    func axes(_ kernel: [Int64], _ more: [String: Attribute] = [:]) throws -> Set<Int>? {
      let attributes = more.merging(["kernel_shape": .ints(kernel), "strides": .ints([9, 9])]) { $1 }
      let node = Node(
        name: "", operatorName: OperatorName(type: "AveragePool"), inputs: [0], outputs: [1], attributes: attributes)
      let pool = try OperatorSet.standard.resolve(node, opsets: ["": 20])
      return pool.averagedAxes(NodeInputs([ValueInfo(.float32, [1, 8, 4, 5])]))
    }
    #expect(try axes([4, 5]) == [2, 3])
    #expect(try axes([9, 9], ["ceil_mode": .int(1)]) == [2, 3])
    #expect(try axes([9, 9], ["ceil_mode": .int(1), "pads": .ints([1, 1, 1, 1])]) == nil)
    #expect(try axes([3, 5]) == nil)
  }
}
