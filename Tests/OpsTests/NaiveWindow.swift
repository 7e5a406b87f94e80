import Graph

@testable import Ops

/// A window slid by the plainest loop there is, in double precision, over one to three spatial dimensions.
struct NaiveWindow {
  let input, kernel, strides, dilations, pads, output: [Int]

  /// - Parameter pads: as ONNX writes them, all beginnings first; the output as large as they allow.
  init(
    input: [Int], kernel: [Int], strides: [Int]? = nil, dilations: [Int]? = nil, pads: [Int]? = nil, ceil: Bool = false
  ) {
    let rank = input.count
    self.input = input
    self.kernel = kernel
    self.strides = strides ?? Array(repeating: 1, count: rank)
    self.dilations = dilations ?? Array(repeating: 1, count: rank)
    self.pads = pads ?? Array(repeating: 0, count: 2 * rank)
    output = (0..<rank).map { [s = self.strides, d = self.dilations, p = self.pads] axis in
      let span = input[axis] + p[axis] + p[axis + rank] - d[axis] * (kernel[axis] - 1) - 1
      let steps = Double(span) / Double(s[axis])
      let count = Int(ceil ? steps.rounded(.up) : steps.rounded(.down)) + 1
      return ceil && (count - 1) * s[axis] >= input[axis] + p[axis] ? count - 1 : count
    }
  }

  /// Every position of a box, in row-major order.
  static func positions(_ extents: [Int]) -> [[Int]] {
    extents.reduce([[]]) { prefixes, extent in prefixes.flatMap { prefix in (0..<extent).map { prefix + [$0] } } }
  }

  static func offset(_ position: [Int], in extents: [Int]) -> Int {
    zip(position, extents).reduce(0) { $0 * $1.1 + $1.0 }
  }

  /// The coordinate under a cell of the window; it may lie outside the input.
  func coordinate(_ output: [Int], _ cell: [Int]) -> [Int] {
    output.indices.map { output[$0] * strides[$0] - pads[$0] + cell[$0] * dilations[$0] }
  }

  func isInside(_ coordinate: [Int]) -> Bool { zip(coordinate, input).allSatisfy { (0..<$1).contains($0) } }

  func isInsidePadding(_ coordinate: [Int]) -> Bool {
    coordinate.indices.allSatisfy { axis in
      (-pads[axis]..<input[axis] + pads[axis + input.count]).contains(coordinate[axis])
    }
  }
}

/// The gradients of x and what y is, of a convolution.
func naiveConvolution(
  x: Tensor, weights: Tensor, bias: [Float]?, groups: Int, window: NaiveWindow, dy: [Float]?
) -> (y: [Double], dx: [Double]) {
  let xs = x.floats, ws = weights.floats
  let batch = x.shape[0], inputs = x.shape[1], outputs = weights.shape[0], perGroup = weights.shape[1]
  let inputCount = window.input.reduce(1, *), outputCount = window.output.reduce(1, *)
  let cells = NaiveWindow.positions(window.kernel), places = NaiveWindow.positions(window.output)
  var y = [Double](repeating: 0, count: batch * outputs * outputCount)
  var dx = [Double](repeating: 0, count: xs.count)
  for image in 0..<batch {
    for filter in 0..<outputs {
      let firstChannel = filter / (outputs / groups) * perGroup
      for (position, place) in places.enumerated() {
        let target = (image * outputs + filter) * outputCount + position
        var sum = Double(bias?[filter] ?? 0)
        for (cell, k) in cells.enumerated() {
          let coordinate = window.coordinate(place, k)
          guard window.isInside(coordinate) else { continue }
          let source = NaiveWindow.offset(coordinate, in: window.input)
          for channel in 0..<perGroup {
            let from = (image * inputs + firstChannel + channel) * inputCount + source
            let weight = Double(ws[(filter * perGroup + channel) * cells.count + cell])
            sum += weight * Double(xs[from])
            if let dy { dx[from] += weight * Double(dy[target]) }
          }
        }
        y[target] = sum
      }
    }
  }
  return (y, dx)
}

func random(_ shape: Shape, seed: UInt64, _ range: ClosedRange<Float> = -1...1) -> Tensor {
  var generator = SplitMix64(seed: seed)
  return Tensor((0..<shape.count).map { _ in .random(in: range, using: &generator) }, shape: shape)
}
