import Graph
import Ops
import TestSupport
import Testing

private func resize(
  _ mode: String, _ coordinates: String, x: Shape, scales: Tensor? = nil, sizes: Tensor? = nil, roi: Tensor? = nil,
  _ more: [String: Attribute] = [:]
) -> GradientCheck {
  let attributes: [String: Attribute] = ["mode": .string(mode), "coordinate_transformation_mode": .string(coordinates)]
  return GradientCheck(
    type: "Resize", attributes: attributes.merging(more) { $1 },
    inputs: [.uniform(x)] + [roi, scales, sizes].map { $0.map { .fixed($0) } ?? .none })
}

let resizeGradientChecks: [GradientCheck] = [
  resize("nearest", "asymmetric", x: [1, 2, 3, 4], scales: floats(1, 1, 2, 2)),
  resize("nearest", "half_pixel", x: [1, 1, 5, 4], sizes: integers(1, 1, 3, 7)),
  resize("linear", "half_pixel", x: [2, 2, 4, 3], sizes: integers(2, 2, 7, 5)),
  resize("linear", "align_corners", x: [1, 2, 4, 3], sizes: integers(1, 2, 2, 6)),
  resize("linear", "pytorch_half_pixel", x: [1, 1, 4, 4], scales: floats(1, 1, 0.5, 0.3)),
  resize("linear", "half_pixel_symmetric", x: [1, 1, 5, 4], scales: floats(1, 1, 1.3, 0.7)),
  resize("linear", "half_pixel", x: [1, 1, 7, 8], scales: floats(1, 1, 0.4, 0.5), ["antialias": .int(1)]),
  resize("linear", "half_pixel", x: [2, 3, 2, 2], sizes: integers(3, 2, 5, 3)),
  resize("cubic", "half_pixel", x: [1, 1, 5, 4], sizes: integers(1, 1, 8, 3)),
  resize("cubic", "asymmetric", x: [1, 1, 5, 4], sizes: integers(1, 1, 8, 3), ["exclude_outside": .int(1)]),
  resize(
    "linear", "tf_crop_and_resize", x: [1, 1, 4, 4], sizes: integers(1, 1, 3, 3),
    roi: floats(0, 0, 0.2, -0.2, 1, 1, 0.7, 1.3), ["extrapolation_value": .float(10)]),
  GradientCheck(
    type: "Resize", attributes: ["mode": .string("linear"), "axes": .ints([-1])],
    inputs: [.uniform([2, 3]), .none, .none, .fixed(integers(5))]),
  GradientCheck(type: "Resize", inputs: [.uniform([1, 1, 3, 3]), .fixed(floats(1, 1, 2, 0.5))], opset: 10),
  GradientCheck(
    type: "Upsample", attributes: ["mode": .string("linear")],
    inputs: [.uniform([1, 2, 2, 3]), .fixed(floats(1, 1, 2, 3))], opset: 9),
  GradientCheck(
    type: "Upsample", attributes: ["scales": .floats([1, 1, 2, 1])], inputs: [.uniform([1, 2, 2, 3])], opset: 7),
  GradientCheck(
    type: "Upsample", attributes: ["height_scale": .float(2), "width_scale": .float(3)],
    inputs: [.uniform([1, 2, 2, 3])], opset: 1),
]

@Suite struct ResizeTests {
  private func line(
    _ x: [Float], scale: Float? = nil, size: Int64? = nil, roi: Tensor? = nil, opset: Int = 19,
    _ attributes: [String: Attribute] = [:]
  ) throws -> [Float] {
    let scales = scale.map { floats($0) }, sizes = size.map { integers($0) }
    return try evaluate("Resize", [Tensor(x, shape: [x.count]), roi, scales, sizes], attributes, opset: opset)[0].floats
  }

  @Test func coordinates() throws {
    func linear(_ coordinates: String, scale: Float? = nil, size: Int64? = nil) throws -> [Float] {
      try line(
        [0, 10, 20, 30], scale: scale, size: size,
        ["mode": .string("linear"), "coordinate_transformation_mode": .string(coordinates)])
    }
    expectClose(try linear("half_pixel", scale: 2), [0, 2.5, 7.5, 12.5, 17.5, 22.5, 27.5, 30])
    expectClose(try linear("asymmetric", scale: 2), [0, 5, 10, 15, 20, 25, 30, 30])
    expectClose(try linear("align_corners", size: 7), [0, 5, 10, 15, 20, 25, 30])
    expectClose(try linear("align_corners", size: 1), [0])
    expectClose(try linear("pytorch_half_pixel", size: 1), [0])
    expectClose(try linear("half_pixel", size: 1), [15])
    // 4 · 0.6 = 2.4 becomes 2: the row of two is centred on the input.
    expectClose(try linear("half_pixel_symmetric", scale: 0.6), [6.666_667, 23.333_334])
    expectError(.unsupported, saying: "'centred'") { _ = try linear("centred", size: 2) }
  }

  @Test func nearestModes() throws {
    func nearest(_ rounding: String, _ coordinates: String = "asymmetric", size: Int64) throws -> [Float] {
      try line(
        [0, 1, 2, 3], size: size,
        ["nearest_mode": .string(rounding), "coordinate_transformation_mode": .string(coordinates)])
    }
    // Positions 0, 0.5, 1, 1.5 …
    #expect(try nearest("round_prefer_floor", size: 8) == [0, 0, 1, 1, 2, 2, 3, 3])
    #expect(try nearest("round_prefer_ceil", size: 8) == [0, 1, 1, 2, 2, 3, 3, 3])
    #expect(try nearest("floor", size: 8) == [0, 0, 1, 1, 2, 2, 3, 3])
    #expect(try nearest("ceil", size: 8) == [0, 1, 1, 2, 2, 3, 3, 3])
    // Thirds: positions 0, 1/3, 2/3, 1 …
    #expect(try nearest("floor", size: 12) == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3])
    #expect(try nearest("round_prefer_floor", "half_pixel", size: 2) == [0, 2])
    #expect(try nearest("floor", "tf_half_pixel_for_nn", size: 2) == [1, 3])
  }

  @Test func cubic() throws {
    // Keys' kernel with a = −0.75 halfway between elements weighs −3/32, 19/32, 19/32, −3/32.
    let half: Float = 68 / 32
    let y = try line(
      [0, 1, 4, 9], scale: 2, ["mode": .string("cubic"), "coordinate_transformation_mode": .string("asymmetric")])
    expectClose([y[0], y[2], y[3], y[4]], [0, 1, half, 4])
    // At the edge the outer elements repeat, or are left out and the rest weighs more.
    expectClose([y[1]], [7 / 32])
    let excluded = try line(
      [0, 1, 4, 9], scale: 2,
      [
        "mode": .string("cubic"), "coordinate_transformation_mode": .string("asymmetric"), "exclude_outside": .int(1),
      ])
    expectClose([excluded[1]], [7 / 35])
  }

  @Test func antialiasing() throws {
    // The triangle of width 4 around 0.5 weighs elements 0 … 2 as 3/4, 3/4, 1/4, and element −1 (edge) as 1/4.
    let y = try line([0, 8, 16, 24], scale: 0.5, ["mode": .string("linear"), "antialias": .int(1)])
    expectClose(y, [5, 19])
    expectError(.badData, saying: "'antialias'") { _ = try line([1, 2], scale: 2, ["antialias": .int(1)]) }
  }

  @Test func crop() throws {
    let y = try line(
      [0, 10, 20, 30], size: 3, roi: floats(0.5, 1.5),
      [
        "mode": .string("linear"), "coordinate_transformation_mode": .string("tf_crop_and_resize"),
        "extrapolation_value": .float(-7),
      ])
    expectClose(y, [15, 30, -7])
    expectError(.badData, saying: "region") {
      _ = try line([0, 1], size: 3, ["coordinate_transformation_mode": .string("tf_crop_and_resize")])
    }
  }

  @Test func aspectRatioAndAxes() throws {
    func shape(_ policy: String) throws -> Shape {
      try evaluate(
        "Resize", [counting([1, 2, 4]), nil, nil, integers(4, 6)],
        ["axes": .ints([1, 2]), "keep_aspect_ratio_policy": .string(policy)])[0].shape
    }
    #expect(try shape("stretch") == [1, 4, 6])
    #expect(try shape("not_larger") == [1, 3, 6])
    #expect(try shape("not_smaller") == [1, 4, 8])
  }

  @Test func oldForms() throws {
    let x = counting([1, 1, 1, 4])
    let scales = floats(1, 1, 1, 0.6)
    // Before opset 11 a shrinking axis takes the element above: positions 0 and 1.67.
    #expect(try evaluate("Resize", [x, scales], opset: 10)[0].floats == [0, 2])
    let up = try evaluate(
      "Upsample", [counting([1, 1, 1, 2]), floats(1, 1, 2, 2)], ["mode": .string("linear")], opset: 9)
    expectClose(up[0].floats, [0, 0.5, 1, 1, 0, 0.5, 1, 1])
    let older = try evaluate("Upsample", [counting([1, 1, 1, 2])], ["scales": .floats([1, 1, 1, 2])], opset: 7)
    #expect(older[0].floats == [0, 0, 1, 1])
    let oldest = try evaluate(
      "Upsample", [counting([1, 1, 1, 2])], ["height_scale": .float(2), "width_scale": .float(1)], opset: 1)
    #expect(oldest[0].floats == [0, 1, 0, 1])
    expectError(.badData, saying: "1×1×1×4") {
      _ = try evaluate("Upsample", [x], ["mode": .string("nearest")], opset: 7)
    }
  }

  @Test func sizesInOpset11StandBehindEmptyScales() throws {
    let y = try evaluate("Resize", [counting([2]), floats(), floats(), integers(4)], opset: 11)
    #expect(y[0].floats == [0, 0, 1, 1])
  }

  @Test func refusals() {
    expectError(.badData, saying: "[0.0]") { _ = try line([1, 2], scale: 0) }
    expectError(.badData, saying: "[-inf]") { _ = try line([1, 2], scale: -.infinity) }
    expectError(.badData, saying: "[nan]") { _ = try line([1, 2], scale: .nan) }
    expectError(.badData, saying: "1e+30") { _ = try line([1, 2], scale: 1e30) }
    expectError(.badData, saying: "[-1]") { _ = try line([1, 2], size: -1) }
    expectError(.badData, saying: "9223372036854775807") { _ = try line([1, 2], size: .max) }
    expectError(.badData, saying: "shape 0") { _ = try line([], size: 2) }
    expectError(.badData, saying: "[]") { _ = try line([1, 2]) }
    expectError(.badData, saying: "[nan, 1.0]") {
      _ = try line(
        [1, 2], size: 2, roi: floats(.nan, 1), ["coordinate_transformation_mode": .string("tf_crop_and_resize")])
    }
    expectError(.unsupported, saying: "int64") { _ = try evaluate("Resize", [integers(1), nil, floats(2)]) }
  }
}
