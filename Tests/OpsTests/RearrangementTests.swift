import Graph
import Ops
import TestSupport
import Testing

let rearrangementGradientChecks: [GradientCheck] = [
  GradientCheck(type: "Transpose", attributes: ["perm": .ints([2, 0, 1])], inputs: [.uniform([2, 3, 4])]),
  GradientCheck(type: "Transpose", inputs: [.uniform([70, 90])]),
  GradientCheck(type: "Transpose", attributes: ["perm": .ints([0, 2, 1])], inputs: [.uniform([2, 1, 4])]),
  GradientCheck(type: "Concat", attributes: ["axis": .int(1)], inputs: [.uniform([2, 3, 2]), .uniform([2, 1, 2])]),
  GradientCheck(type: "Concat", inputs: [.uniform([2, 3]), .uniform([2, 4]), .uniform([2, 1])], opset: 1),
  GradientCheck(type: "Split", attributes: ["axis": .int(-1)], inputs: [.uniform([2, 6])], outputCount: 3),
  GradientCheck(
    type: "Split", inputs: [.uniform([5, 2]), .fixed(integers(2, 3))], outputCount: 2, opset: 13),
  GradientCheck(
    type: "Split", attributes: ["split": .ints([1, 3]), "axis": .int(1)], inputs: [.uniform([2, 4])], outputCount: 2,
    opset: 2),
  GradientCheck(
    type: "Slice", attributes: ["starts": .ints([1]), "ends": .ints([3]), "axes": .ints([1])],
    inputs: [.uniform([2, 4])], opset: 9),
  GradientCheck(
    type: "Slice",
    inputs: [
      .uniform([4, 5]), .fixed(integers(-1, 1)), .fixed(integers(.min, .max)), .fixed(integers(0, 1)),
      .fixed(integers(-1, 2)),
    ]),
  GradientCheck(type: "Expand", inputs: [.uniform([3, 1]), .fixed(integers(2, 1, 4))]),
  GradientCheck(type: "Expand", inputs: [.uniform([1, 3]), .fixed(integers(2, 2, 1))]),
  GradientCheck(type: "Expand", inputs: [.uniform([]), .fixed(integers(3))]),
  GradientCheck(type: "Tile", inputs: [.uniform([2, 3]), .fixed(integers(3, 2))]),
  GradientCheck(type: "Tile", inputs: [.uniform([2, 3]), .fixed(integer(2)), .fixed(integer(1))], opset: 1),
  GradientCheck(type: "DepthToSpace", attributes: ["blocksize": .int(2)], inputs: [.uniform([2, 8, 2, 3])]),
  GradientCheck(
    type: "DepthToSpace", attributes: ["blocksize": .int(2), "mode": .string("CRD")],
    inputs: [.uniform([1, 8, 2, 3])]),
  GradientCheck(type: "SpaceToDepth", attributes: ["blocksize": .int(2)], inputs: [.uniform([1, 2, 4, 6])]),
  GradientCheck(type: "Trilu", inputs: [.uniform([2, 3, 4]), .fixed(integer(1))]),
  GradientCheck(type: "Trilu", attributes: ["upper": .int(0)], inputs: [.uniform([3, 4])]),
  GradientCheck(type: "Crop", attributes: ["border": .ints([1, 0, 0, 2])], inputs: [.uniform([1, 2, 5, 4])]),
  GradientCheck(type: "CenterCropPad", inputs: [.uniform([3, 4]), .fixed(integers(6, 1))]),
]

@Suite struct RearrangementTests {
  @Test func transpose() throws {
    let x = counting([2, 3, 4])
    let y = try evaluate("Transpose", [x], ["perm": .ints([2, 0, 1])])[0]
    #expect(y.shape == [4, 2, 3])
    #expect(y.floats.prefix(8) == [0, 4, 8, 12, 16, 20, 1, 5])
    #expect(try evaluate("Transpose", [counting([2, 3])])[0].floats == [0, 3, 1, 4, 2, 5])
    expectError(.badData, saying: "[0, 1, 1]") { _ = try evaluate("Transpose", [x], ["perm": .ints([0, 1, 1])]) }
    expectError(.badData, saying: "[0, 1]", "2×3×4") { _ = try evaluate("Transpose", [x], ["perm": .ints([0, 1])]) }
  }

  @Test(arguments: [[1, 2, 0], [2, 1, 0], [0, 2, 1], [2, 0, 1], [1, 0, 2]])
  func transposeOfEverySize(_ permutation: [Int]) throws {
    let shape: Shape = [37, 50, 61]
    let strides = permutation.map { shape.strides[$0] }, extents = permutation.map { shape[$0] }
    let expected = (0..<shape.count).map { index in
      index / (extents[1] * extents[2]) * strides[0] + index / extents[2] % extents[1] * strides[1]
        + index % extents[2] * strides[2]
    }
    let attributes = ["perm": Attribute.ints(permutation.map(Int64.init))]
    #expect(try evaluate("Transpose", [counting(shape)], attributes)[0].floats == expected.map(Float.init))
    let numbers = Tensor((0..<Int64(shape.count)).map { $0 }, shape: shape)
    #expect(try evaluate("Transpose", [numbers], attributes)[0].integers == expected.map(Int64.init))
    let flags = Tensor((0..<shape.count).map { $0 % 7 == 0 }, shape: shape)
    #expect(try evaluate("Transpose", [flags], attributes)[0].integers == expected.map { $0 % 7 == 0 ? 1 : 0 })
  }

  @Test func concat() throws {
    let a = counting([2, 1]), b = floats(7, 8, 9, 10, shape: [2, 2])
    #expect(try evaluate("Concat", [a, b], ["axis": .int(-1)], free: [0, 1])[0].floats == [0, 7, 8, 1, 9, 10])
    #expect(try evaluate("Concat", [a, b], opset: 1)[0].floats == [0, 7, 8, 1, 9, 10])
    expectError(.badData, saying: "2×1", "2×2") { _ = try evaluate("Concat", [a, b], ["axis": .int(0)]) }
    expectError(.badData, saying: "2×1") { _ = try evaluate("Concat", [a, integers(1)], ["axis": .int(0)]) }
    expectError(.badData, saying: "'axis'") { _ = try evaluate("Concat", [a, b]) }
  }

  @Test func shapeArithmeticFolds() throws {
    let parts = try evaluate("Concat", [integers(1), integers(2, 3)], ["axis": .int(0)], free: [])
    #expect(parts[0].integers == [1, 2, 3])
    let picked = try evaluate("Gather", [integers(4, 5, 6), integer(-1)], free: [])[0]
    #expect(picked.shape == [])
    #expect(picked.integers == [6])
    #expect(try evaluate("Unsqueeze", [picked, integers(0)], free: [])[0].shape == [1])
    #expect(try evaluate("Slice", [integers(4, 5, 6), integers(1), integers(.max)], free: [])[0].integers == [5, 6])
  }

  @Test func split() throws {
    let x = counting([1, 5])
    func parts(_ attributes: [String: Attribute], _ extents: Tensor? = nil, count: Int, opset: Int) throws -> [[Float]]
    {
      let inputs = extents == nil ? [x] : [x, extents]
      return try evaluate(
        "Split", inputs, attributes.merging(["axis": .int(1)]) { $1 }, opset: opset, outputCount: count
      ).map(\.floats)
    }
    #expect(try parts(["num_outputs": .int(2)], count: 2, opset: 18) == [[0, 1, 2], [3, 4]])
    #expect(try parts([:], integers(1, 4), count: 2, opset: 13) == [[0], [1, 2, 3, 4]])
    #expect(try parts(["split": .ints([2, 0, 3])], count: 3, opset: 2) == [[0, 1], [], [2, 3, 4]])
    #expect(try parts([:], count: 5, opset: 11) == [[0], [1], [2], [3], [4]])
    expectError(.badData, saying: "[1, 3]") { _ = try parts([:], integers(1, 3), count: 2, opset: 13) }
    expectError(.badData, saying: "9223372036854775807") {
      _ = try parts([:], integers(.max, 2, .min, 1), count: 4, opset: 13)
    }
    expectError(.badData, saying: "0 parts") { _ = try parts(["num_outputs": .int(0)], count: 1, opset: 18) }
  }

  @Test func slice() throws {
    let x = counting([3, 4])
    func slice(_ starts: Tensor, _ ends: Tensor, _ axes: Tensor? = nil, _ steps: Tensor? = nil) throws -> [Float] {
      try evaluate("Slice", [x, starts, ends, axes, steps])[0].floats
    }
    #expect(try slice(integers(1, 0), integers(3, 2)) == [4, 5, 8, 9])
    #expect(try slice(integers(-2), integers(100), integers(-1)) == [2, 3, 6, 7, 10, 11])
    #expect(
      try slice(integers(-1), integers(.min), integers(0), integers(-1)) == [8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3])
    #expect(try slice(integers(.max), integers(.min), integers(1), integers(-3)) == [3, 0, 7, 4, 11, 8])
    #expect(try slice(integers(0), integers(.max), integers(1), integers(.max)) == [0, 4, 8])
    #expect(try slice(integers(0), integers(.min), integers(1), integers(.min)) == [0, 4, 8])
    #expect(try slice(integers(2), integers(1), integers(0)) == [])
    let old = try evaluate("Slice", [x], ["starts": .ints([1]), "ends": .ints([-1]), "axes": .ints([1])], opset: 1)
    #expect(old[0].floats == [1, 2, 5, 6, 9, 10])
    expectError(.badData, saying: "step") { _ = try slice(integers(0), integers(1), integers(0), integers(0)) }
    expectError(.badData, saying: "axis 2") { _ = try slice(integers(0), integers(1), integers(2)) }
    expectError(.badData, saying: "ends") { _ = try slice(integers(0, 0), integers(1)) }
    expectError(.badData, saying: "[1, -1]") { _ = try slice(integers(0, 0), integers(1, 1), integers(1, -1)) }
  }

  @Test func expandAndTile() throws {
    let x = floats(1, 2, shape: [2, 1])
    let expanded = try evaluate("Expand", [x, integers(2, 1, 2)])[0]
    #expect(expanded.shape == [2, 2, 2])
    #expect(expanded.floats == [1, 1, 2, 2, 1, 1, 2, 2])
    #expect(try evaluate("Tile", [counting([2, 2]), integers(1, 2)])[0].floats == [0, 1, 0, 1, 2, 3, 2, 3])
    #expect(try evaluate("Tile", [counting([2]), integer(2), integer(0)], opset: 1)[0].floats == [0, 1, 0, 1])
    expectError(.badData, saying: "2×1", "3×1") { _ = try evaluate("Expand", [x, integers(3, 1)]) }
    expectError(.badData, saying: "2×2147483648") { _ = try evaluate("Expand", [x, integers(2, 1 << 31)]) }
    expectError(.badData, saying: "2×1", "[1]") { _ = try evaluate("Tile", [x, integers(1)]) }
    expectError(.badData, saying: "9223372036854775807") { _ = try evaluate("Tile", [x, integers(.max, .max)]) }
  }

  @Test func depthAndSpace() throws {
    let x = counting([1, 8, 1, 1])
    let depthFirst = try evaluate("DepthToSpace", [x], ["blocksize": .int(2)])[0]
    #expect(depthFirst.shape == [1, 2, 2, 2])
    #expect(depthFirst.floats == [0, 2, 4, 6, 1, 3, 5, 7])
    let columnFirst = try evaluate("DepthToSpace", [x], ["blocksize": .int(2), "mode": .string("CRD")])[0]
    #expect(columnFirst.floats == [0, 1, 2, 3, 4, 5, 6, 7])
    #expect(try evaluate("SpaceToDepth", [depthFirst], ["blocksize": .int(2)])[0].floats == x.floats)
    expectError(.badData, saying: "1×8×1×1", "3×3") { _ = try evaluate("DepthToSpace", [x], ["blocksize": .int(3)]) }
    expectError(.badData, saying: "'blocksize'", "9223372036854775807") {
      _ = try evaluate("DepthToSpace", [x], ["blocksize": .int(.max)])
    }
    expectError(.badData, saying: "2×2") {
      _ = try evaluate("SpaceToDepth", [counting([2, 2])], ["blocksize": .int(2)])
    }
  }

  @Test func triangles() throws {
    let x = Tensor((1...6).map(Float.init), shape: [2, 3])
    #expect(try evaluate("Trilu", [x])[0].floats == [1, 2, 3, 0, 5, 6])
    #expect(try evaluate("Trilu", [x, integer(1)])[0].floats == [0, 2, 3, 0, 0, 6])
    #expect(try evaluate("Trilu", [x, integer(-1)], ["upper": .int(0)])[0].floats == [0, 0, 0, 4, 0, 0])
    #expect(try evaluate("Trilu", [x, integer(.max)], ["upper": .int(0)])[0].floats == x.floats)
    expectError(.badData, saying: "shape 3") { _ = try evaluate("Trilu", [counting([3])]) }
  }

  @Test func gradientOfALargeExpand() throws {
    let check = GradientCheck(
      type: "Expand", inputs: [.uniform([1, 40, 1]), .fixed(integers(30, 40, 50))], tolerance: 5e-3)
    for comparison in try check.compare() { #expect(comparison.agrees(within: check.tolerance)) }
  }

  @Test func croppingCutsBordersOrAnExtentOut() throws {
    let x = counting([1, 1, 3, 4])
    #expect(try evaluate("Crop", [x], ["border": .ints([1, 0, 2, 1])], opset: 7)[0].floats == [1, 5])
    #expect(
      try evaluate("Crop", [x], ["border": .ints([1, 1, 0, 0]), "scale": .ints([2, 2])], opset: 7)[0].floats
        == [5, 6, 9, 10])
  }

  @Test func centerCropPad() throws {
    #expect(try evaluate("CenterCropPad", [counting([5]), integers(2)])[0].floats == [1, 2])
    #expect(try evaluate("CenterCropPad", [counting([2]), integers(5)])[0].floats == [0, 0, 1, 0, 0])
    let y = try evaluate("CenterCropPad", [counting([2, 3]), integers(1)], ["axes": .ints([-1])])[0]
    #expect(y.floats == [1, 4])
    expectError(.badData, saying: "-1") { _ = try evaluate("CenterCropPad", [counting([2]), integers(-1)]) }
  }
}
