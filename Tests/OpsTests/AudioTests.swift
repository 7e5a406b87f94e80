import Graph
import Ops
import TestSupport
import Testing

let audioGradientChecks: [GradientCheck] = [
  .composite("DFT", [.uniform([2, 5, 2])]),
  .composite("DFT", [.uniform([2, 4, 3, 1]), .fixed(integer(6)), .fixed(integer(1))], ["onesided": .int(1)]),
  .composite("DFT", [.uniform([3, 2])], ["inverse": .int(1), "onesided": .int(1)]),
  .composite("DFT", [.uniform([2, 4, 3, 2])], ["axis": .int(2)], opset: 17),
  .composite("STFT", [.uniform([1, 8, 1]), .fixed(integer(2)), .uniform([4])]),
]

@Suite struct AudioTests {
  @Test func transforms() throws {
    let x = floats(1, 2, 3, 4, shape: [1, 4, 1])
    expectClose(try evaluate("DFT", [x])[0].floats, [10, 0, -2, 2, -2, 0, -2, -2])
    let half = try evaluate("DFT", [x], ["onesided": .int(1), "axis": .int(1)], opset: 17)[0]
    expectClose(half.floats, [10, 0, -2, 2, -2, 0])
    #expect(half.shape == [1, 3, 2])
    expectClose(try evaluate("DFT", [half], ["onesided": .int(1), "inverse": .int(1)])[0].floats, [1, 2, 3, 4])
    expectClose(try evaluate("DFT", [x, integer(2)])[0].floats, [3, 0, -1, 0])
    expectClose(try evaluate("STFT", [x, integer(2), nil, integer(2)])[0].floats, [3, 0, -1, 0, 7, 0, -1, 0])
    expectClose(try evaluate("STFT", [x, integer(2), floats(1, 0)])[0].floats, [1, 0, 1, 0, 3, 0, 3, 0])
  }

  @Test func windows() throws {
    expectClose(try evaluate("HannWindow", [integer(4)], free: [])[0].floats, [0, 0.5, 1, 0.5], within: 1e-6)
    expectClose(
      try evaluate("HannWindow", [integer(3)], ["periodic": .int(0)], free: [])[0].floats, [0, 1, 0], within: 1e-6)
    expectClose(try evaluate("HammingWindow", [integer(2)], free: [])[0].floats, [4.0 / 46, 1], within: 1e-6)
    expectClose(try evaluate("BlackmanWindow", [integer(2)], free: [])[0].floats, [0, 1], within: 1e-6)
  }
}
