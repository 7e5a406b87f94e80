import Graph
import Testing

@testable import Ops

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
    PoolCase(
      x: [1, 2, 5, 6, 7], kernel: [2, 3, 2], strides: [2, 1, 2], dilations: [2, 1, 1], pads: [0, 1, 1, 1, 1, 0],
      ceil: true),
  ]
}

@Suite struct PoolingForwardTests {
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
    #expect(relativeError(found[0].floats, averages) <= 1e-6)
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

  @Test func aWindowLargerThanTheInputIsAnError() {
    let error = #expect(throws: GradCAMError.self) {
      try evaluate("MaxPool", [counting([1, 1, 3, 3])], ["kernel_shape": .ints([4, 4])])
    }
    #expect(error?.kind == .badData)
  }
}
