import Graph
import Ops
import TestSupport
import Testing

private func sample(_ mode: String, _ padding: String, aligned: Int64 = 0, opset: Int = 20) -> GradientCheck {
  let grid = Tensor(
    [-1.2, -0.9, -0.4, 0.1, 0.3, 0.6, 0.8, -0.2, 1.4, 1.1, 0, 0.5].map { Float($0) }, shape: [1, 2, 3, 2])
  return GradientCheck(
    type: "GridSample",
    attributes: ["mode": .string(mode), "padding_mode": .string(padding), "align_corners": .int(aligned)],
    inputs: [.uniform([1, 2, 4, 3]), .fixed(grid)], opset: opset)
}

/// Points of a plane of height 4 and width 3 away from the places where the gradient jumps.
private func sampleGrid(_ mode: String, _ padding: String, aligned: Int64, domain: String = "") -> GradientCheck {
  let grid = Tensor(
    [-1.21, -0.93, -0.41, 0.12, 0.31, 0.61, 0.83, -0.21, 1.42, 1.13, 0.07, 0.55].map { Float($0) }, shape: [1, 2, 3, 2])
  return GradientCheck(
    type: "GridSample", domain: domain,
    attributes: ["mode": .string(mode), "padding_mode": .string(padding), "align_corners": .int(aligned)],
    inputs: [.uniform([1, 2, 4, 3]), .near(grid)], step: 1e-3, tolerance: 5e-3)
}

private let gridGradientChecks = ["linear", "nearest", "cubic"].flatMap { mode in
  ["zeros", "border", "reflection"].flatMap { padding in
    [0, 1].map { sampleGrid(mode, padding, aligned: $0) }
  }
}

let samplingGradientChecks: [GradientCheck] =
  gridGradientChecks + [
    sampleGrid("bilinear", "border", aligned: 0, domain: "com.microsoft"),
    GradientCheck(
      type: "GridSample", attributes: ["align_corners": .int(1)],
      inputs: [
        .uniform([2, 3, 2, 3, 2]),
        .near(floats(0.11, -0.71, 0.42, 0.53, 0.24, -0.31, shape: [2, 1, 1, 1, 3])),
      ], step: 1e-3, tolerance: 5e-3),
    GradientCheck(
      type: "GridSample", inputs: [.fixed(counting([1, 2, 7])), .near(floats(0.12, -0.66, 0.43, shape: [1, 3, 1]))],
      step: 1e-3, tolerance: 5e-3),
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
      attributes: [
        "mode": .string("max"), "output_height": .int(2), "output_width": .int(2), "sampling_ratio": .int(2),
      ],
      inputs: [
        .uniform([2, 2, 5, 6], 1...4, spread: true),
        .fixed(floats(0.6, 1.1, 4.2, 3.9, 2.3, 0.2, 9, 4.4, shape: [2, 4])),
        .fixed(integers(1, 0)),
      ]),
    GradientCheck(type: "AffineGrid", inputs: [.uniform([2, 2, 3]), .fixed(integers(2, 1, 3, 4))]),
    GradientCheck(
      type: "AffineGrid", attributes: ["align_corners": .int(1)],
      inputs: [.uniform([1, 3, 4]), .fixed(integers(1, 2, 2, 3, 1))]),
  ]

@Suite struct SamplingTests {
  /// Samples the row 0, 10, 20, 30 at horizontal coordinates.
  private func row(_ positions: [Float], _ attributes: [String: Attribute]) throws -> [Float] {
    let x = floats(0, 10, 20, 30, shape: [1, 1, 1, 4])
    let grid = Tensor(positions.flatMap { [$0, 0] }, shape: [1, 1, positions.count, 2])
    return try evaluate("GridSample", [x, grid], attributes, free: [0, 1])[0].floats
  }

  @Test func gridSample() throws {
    // Without aligned corners, −1 and 1 are the outer edges of the outer elements: −0.5 and 3.5.
    expectClose(try row([-0.75, -0.5, 0, 1], [:]), [0, 5, 15, 15])
    expectClose(try row([-1, 0, 1], ["align_corners": .int(1)]), [0, 15, 30])
    expectClose(try row([1, 3], ["padding_mode": .string("border")]), [30, 30])
    expectClose(try row([1.25, 1.5, -1.25], ["padding_mode": .string("reflection")]), [30, 25, 0])
    expectClose(
      try row([4 / 3, -5 / 3], ["padding_mode": .string("reflection"), "align_corners": .int(1)]), [25, 10])
    // Halves go to the even element.
    expectClose(try row([-0.5, 0, 2], ["mode": .string("nearest")]), [0, 20, 0])
    expectClose(try row([.nan, .infinity], [:]), [0, 0])
    let cubic = try row([0], ["mode": .string("cubic"), "padding_mode": .string("border")])
    expectClose(cubic, [15])
    expectError(.unsupported, saying: "'area'") { _ = try row([0], ["mode": .string("area")]) }
    expectError(.badData, saying: "1×2×2", "1×1×2") {
      _ = try evaluate("GridSample", [counting([1, 1, 2]), counting([1, 2, 2])])
    }
  }

  @Test func roiAlign() throws {
    let x = counting([1, 1, 4, 4])
    func align(_ region: Tensor, _ attributes: [String: Attribute] = [:], opset: Int = 16) throws -> [Float] {
      try evaluate("RoiAlign", [x, region, integers(0)], attributes, opset: opset)[0].floats
    }
    let region = floats(0, 0, 2, 2, shape: [1, 4])
    // Samples at 0 and 1 along either axis; without the half-pixel shift at 0.5 and 1.5.
    expectClose(try align(region, ["sampling_ratio": .int(2)]), [2.5])
    expectClose(try align(region, ["sampling_ratio": .int(2)], opset: 10), [5])
    let bins = try align(region, ["output_height": .int(2), "output_width": .int(2)])
    expectClose(bins, [0, 1, 4, 5])
    // The sample at 0.5, 0.5 of 0, 1, 4 and 5 gives each a quarter, and the maximum is that of the last.
    let middle = floats(0, 0, 1, 1, shape: [1, 4])
    expectClose(try align(middle, ["mode": .string("max")], opset: 10), [1.25])
    expectClose(try align(middle, opset: 10), [2.5])
    let outside = floats(-9, -9, -7, -7, shape: [1, 4])
    expectClose(try align(outside, ["mode": .string("max")]), [0])
    expectError(.unsupported, saying: "'median'") { _ = try align(region, ["mode": .string("median")]) }
    expectError(.badData, saying: "item 1") { _ = try evaluate("RoiAlign", [x, region, integers(1)]) }
    expectError(.badData, saying: "inf") { _ = try align(floats(0, 0, .infinity, 1, shape: [1, 4])) }
  }

  @Test func affineGrid() throws {
    let identity = floats(1, 0, 0, 0, 1, 0, shape: [1, 2, 3])
    let grid = try evaluate("AffineGrid", [identity, integers(1, 1, 1, 2)])[0]
    #expect(grid.shape == [1, 1, 2, 2])
    expectClose(grid.floats, [-0.5, 0, 0.5, 0])
    let corners = try evaluate("AffineGrid", [identity, integers(1, 1, 2, 2)], ["align_corners": .int(1)])[0]
    expectClose(corners.floats, [-1, -1, 1, -1, -1, 1, 1, 1])
    expectError(.badData, saying: "1×2×3", "1×1×2") { _ = try evaluate("AffineGrid", [identity, integers(1, 1, 2)]) }
  }
}
