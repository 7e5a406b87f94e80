import Graph
import Ops
import Testing

private func sample(_ mode: String, _ padding: String, aligned: Int64 = 0, opset: Int = 20) -> GradientCheck {
  let grid = Tensor(
    [-1.2, -0.9, -0.4, 0.1, 0.3, 0.6, 0.8, -0.2, 1.4, 1.1, 0, 0.5].map { Float($0) }, shape: [1, 2, 3, 2])
  return GradientCheck(
    type: "GridSample",
    attributes: ["mode": .string(mode), "padding_mode": .string(padding), "align_corners": .int(aligned)],
    inputs: [.uniform([1, 2, 4, 3]), .fixed(grid)], opset: opset)
}

private func col2Im(_ attributes: [String: [Int64]], x: Shape, image: Tensor, block: Tensor) -> GradientCheck {
  GradientCheck(
    type: "Col2Im", attributes: attributes.mapValues { .ints($0) },
    inputs: [.uniform(x), .fixed(image), .fixed(block)])
}

let samplingGradientChecks: [GradientCheck] = [
  sample("linear", "zeros"),
  sample("nearest", "border"),
  sample("cubic", "reflection"),
  sample("bilinear", "reflection", aligned: 1, opset: 16),
  GradientCheck(
    type: "GridSample",
    inputs: [.uniform([2, 1, 2, 3, 2]), .fixed(floats(0.1, -0.7, 0.4, 0.5, 0.2, -0.3, shape: [2, 1, 1, 1, 3]))]),
  GradientCheck(
    type: "RoiAlign", attributes: ["output_height": .int(2), "output_width": .int(3), "spatial_scale": .float(0.5)],
    inputs: [
      .uniform([2, 2, 5, 6]), .fixed(floats(1, 2, 9, 8, 0, 0, 4.5, 7, 3, 1, 12, 9, shape: [3, 4])),
      .fixed(integers(1, 0, 1)),
    ]),
  GradientCheck(
    type: "RoiAlign", attributes: ["sampling_ratio": .int(2)],
    inputs: [.uniform([1, 1, 4, 4]), .fixed(floats(0, 0, 3, 3, shape: [1, 4])), .fixed(integers(0))], opset: 10),
  GradientCheck(
    type: "RoiAlign",
    attributes: ["mode": .string("max"), "output_height": .int(2), "output_width": .int(2), "sampling_ratio": .int(2)],
    inputs: [
      .uniform([2, 2, 5, 6], 1...4, spread: true), .fixed(floats(0.6, 1.1, 4.2, 3.9, 2.3, 0.2, 9, 4.4, shape: [2, 4])),
      .fixed(integers(1, 0)),
    ]),
  GradientCheck(type: "AffineGrid", inputs: [.uniform([2, 2, 3]), .fixed(integers(2, 1, 3, 4))]),
  GradientCheck(
    type: "AffineGrid", attributes: ["align_corners": .int(1)],
    inputs: [.uniform([1, 3, 4]), .fixed(integers(1, 2, 2, 3, 1))]),
  col2Im([:], x: [2, 8, 6], image: integers(3, 4), block: integers(2, 2)),
  col2Im(
    ["strides": [2, 1], "pads": [1, 0, 1, 2], "dilations": [1, 2]], x: [1, 4, 15], image: integers(5, 5),
    block: integers(2, 2)),
  GradientCheck(type: "CenterCropPad", inputs: [.uniform([3, 4]), .fixed(integers(6, 1))]),
]

@Suite struct SamplingTests {
  private func near(_ a: [Float], _ b: [Float]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < 1e-5 }
  }

  /// Samples the row 0, 10, 20, 30 at horizontal coordinates.
  private func row(_ positions: [Float], _ attributes: [String: Attribute]) throws -> [Float] {
    let x = floats(0, 10, 20, 30, shape: [1, 1, 1, 4])
    let grid = Tensor(positions.flatMap { [$0, 0] }, shape: [1, 1, positions.count, 2])
    return try evaluate("GridSample", [x, grid], attributes, free: [0, 1])[0].floats
  }

  @Test func gridSample() throws {
    // Without aligned corners, −1 and 1 are the outer edges of the outer elements: −0.5 and 3.5.
    #expect(near(try row([-0.75, -0.5, 0, 1], [:]), [0, 5, 15, 15]))
    #expect(near(try row([-1, 0, 1], ["align_corners": .int(1)]), [0, 15, 30]))
    #expect(near(try row([1, 3], ["padding_mode": .string("border")]), [30, 30]))
    #expect(near(try row([1.25, 1.5, -1.25], ["padding_mode": .string("reflection")]), [30, 25, 0]))
    #expect(
      near(
        try row([4 / 3, -5 / 3], ["padding_mode": .string("reflection"), "align_corners": .int(1)]), [25, 10]))
    // Halves go to the even element.
    #expect(near(try row([-0.5, 0, 2], ["mode": .string("nearest")]), [0, 20, 0]))
    #expect(near(try row([.nan, .infinity], [:]), [0, 0]))
    let cubic = try row([0], ["mode": .string("cubic"), "padding_mode": .string("border")])
    #expect(near(cubic, [15]))
    #expect(throws: GradCAMError.self) { try row([0], ["mode": .string("area")]) }
    #expect(throws: GradCAMError.self) { try evaluate("GridSample", [counting([1, 1, 2]), counting([1, 2, 2])]) }
  }

  @Test func roiAlign() throws {
    let x = counting([1, 1, 4, 4])
    func align(_ region: Tensor, _ attributes: [String: Attribute] = [:], opset: Int = 16) throws -> [Float] {
      try evaluate("RoiAlign", [x, region, integers(0)], attributes, opset: opset)[0].floats
    }
    let region = floats(0, 0, 2, 2, shape: [1, 4])
    // Samples at 0 and 1 along either axis; without the half-pixel shift at 0.5 and 1.5.
    #expect(near(try align(region, ["sampling_ratio": .int(2)]), [2.5]))
    #expect(near(try align(region, ["sampling_ratio": .int(2)], opset: 10), [5]))
    let bins = try align(region, ["output_height": .int(2), "output_width": .int(2)])
    #expect(near(bins, [0, 1, 4, 5]))
    // The sample at 0.5, 0.5 of 0, 1, 4 and 5 gives each a quarter, and the maximum is that of the last.
    let middle = floats(0, 0, 1, 1, shape: [1, 4])
    #expect(near(try align(middle, ["mode": .string("max")], opset: 10), [1.25]))
    #expect(near(try align(middle, opset: 10), [2.5]))
    let outside = floats(-9, -9, -7, -7, shape: [1, 4])
    #expect(near(try align(outside, ["mode": .string("max")]), [0]))
    #expect(throws: GradCAMError.self) { try align(region, ["mode": .string("median")]) }
    #expect(throws: GradCAMError.self) { try evaluate("RoiAlign", [x, region, integers(1)]) }
    #expect(throws: GradCAMError.self) { try align(floats(0, 0, .infinity, 1, shape: [1, 4])) }
  }

  @Test func affineGrid() throws {
    let identity = floats(1, 0, 0, 0, 1, 0, shape: [1, 2, 3])
    let grid = try evaluate("AffineGrid", [identity, integers(1, 1, 1, 2)])[0]
    #expect(grid.shape == [1, 1, 2, 2])
    #expect(near(grid.floats, [-0.5, 0, 0.5, 0]))
    let corners = try evaluate("AffineGrid", [identity, integers(1, 1, 2, 2)], ["align_corners": .int(1)])[0]
    #expect(near(corners.floats, [-1, -1, 1, -1, -1, 1, 1, 1]))
    #expect(throws: GradCAMError.self) { try evaluate("AffineGrid", [identity, integers(1, 1, 2)]) }
  }

  @Test func col2Im() throws {
    let ones = Tensor([Float](repeating: 1, count: 16), shape: [1, 4, 4])
    let y = try evaluate("Col2Im", [ones, integers(3, 3), integers(2, 2)])[0]
    #expect(y.shape == [1, 1, 3, 3])
    #expect(y.floats == [1, 2, 1, 2, 4, 2, 1, 2, 1])
    #expect(throws: GradCAMError.self) { try evaluate("Col2Im", [ones, integers(4, 4), integers(2, 2)]) }
    #expect(throws: GradCAMError.self) {
      try evaluate("Col2Im", [ones, integers(3, 3), integers(2, 2)], ["strides": .ints([0, 1])])
    }
  }

  @Test func centerCropPad() throws {
    #expect(try evaluate("CenterCropPad", [counting([5]), integers(2)])[0].floats == [1, 2])
    #expect(try evaluate("CenterCropPad", [counting([2]), integers(5)])[0].floats == [0, 0, 1, 0, 0])
    let y = try evaluate("CenterCropPad", [counting([2, 3]), integers(1)], ["axes": .ints([-1])])[0]
    #expect(y.floats == [1, 4])
    #expect(throws: GradCAMError.self) { try evaluate("CenterCropPad", [counting([2]), integers(-1)]) }
  }
}
