import Graph
import TestSupport
import Testing

@testable import Ops

private func gemm(_ attributes: [String: Attribute] = [:], a: Shape, b: Shape, c: Shape? = nil) -> GradientCheck {
  GradientCheck(
    type: "Gemm", attributes: attributes, inputs: [.uniform(a), .uniform(b)] + (c.map { [.uniform($0)] } ?? []))
}

private func matMul(_ a: Shape, _ b: Shape) -> GradientCheck {
  GradientCheck(type: "MatMul", inputs: [.uniform(a), .uniform(b)])
}

let matMulGradientChecks: [GradientCheck] = [
  gemm(a: [3, 4], b: [4, 5], c: [3, 5]),
  gemm(["transA": .int(1), "alpha": .float(0.5), "beta": .float(2)], a: [4, 3], b: [4, 5], c: [5]),
  gemm(["transB": .int(1)], a: [3, 4], b: [5, 4], c: [3, 1]),
  gemm(["transA": .int(1), "transB": .int(1)], a: [4, 3], b: [5, 4], c: []),
  gemm(["transB": .int(1)], a: [1, 70], b: [80, 70], c: [80]),
  gemm(["transA": .int(1)], a: [70, 1], b: [70, 80]),
  gemm(a: [6, 70], b: [70, 1]),
  matMul([3, 4], [4, 5]),
  matMul([4], [4]),
  matMul([4], [2, 4, 3]),
  matMul([2, 3, 4], [4]),
  matMul([2, 3, 3, 4], [4, 5]),
  matMul([2, 1, 3, 4], [3, 4, 2]),
  matMul([3, 4], [2, 4, 2]),
  // With a bias, which a rewrite gives it.
  GradientCheck(
    type: "BiasedMatMul", domain: "test", inputs: [.uniform([2, 3, 4]), .uniform([4, 5]), .uniform([1, 5])]),
]

struct GemmCase: Sendable, CustomStringConvertible {
  let rows, columns, depth: Int
  var transA = false
  var transB = false
  var alpha: Float = 1
  var beta: Float = 1
  var c: Shape?

  var description: String {
    "\(rows)×\(depth) by \(depth)×\(columns)\(transA ? ", A transposed" : "")\(transB ? ", B transposed" : "")"
      + ", alpha \(alpha), beta \(beta), C \(c?.description ?? "none")"
  }

  static let all: [GemmCase] =
    [
      GemmCase(rows: 3, columns: 5, depth: 4),
      GemmCase(rows: 3, columns: 5, depth: 4, transA: true, alpha: 0.5, beta: -2, c: [3, 5]),
      GemmCase(rows: 3, columns: 5, depth: 4, transB: true, alpha: 3, c: [5]),
      GemmCase(rows: 3, columns: 5, depth: 4, transA: true, transB: true, beta: 0.25, c: [3, 1]),
      GemmCase(rows: 3, columns: 5, depth: 4, beta: 0, c: [1]),
      GemmCase(rows: 3, columns: 5, depth: 4, alpha: 0, c: []),
      GemmCase(rows: 1, columns: 300, depth: 200, transB: true, alpha: 2, beta: 3, c: [300]),
      GemmCase(rows: 1, columns: 300, depth: 200, c: [1, 300]),
      GemmCase(rows: 1, columns: 129, depth: 70, transA: true, transB: true, c: [1, 1]),
      GemmCase(rows: 150, columns: 1, depth: 200, c: [150, 1]),
      GemmCase(rows: 70, columns: 600, depth: 90, transA: true, c: [600]),
      GemmCase(rows: 300, columns: 200, depth: 150, transB: true, c: [300, 1]),
      GemmCase(rows: 300, columns: 200, depth: 150, alpha: 2, c: [200]),
    ]
    // Every number of rows and vectors left over of a tile, in more than one block of the depth.
    + (16..<24).map { GemmCase(rows: $0, columns: 48 + 7 * ($0 - 16), depth: 2100) }
}

@Suite struct MatMulTests {
  @Test(arguments: GemmCase.all) func gemmEqualsTheNaiveLoop(_ row: GemmCase) throws {
    let a = random(row.transA ? [row.depth, row.rows] : [row.rows, row.depth], seed: 1)
    let b = random(row.transB ? [row.columns, row.depth] : [row.depth, row.columns], seed: 2)
    let c = row.c.map { random($0, seed: 3) }
    let (x, y, z) = (a.floats, b.floats, c?.floats ?? [])
    var truth: [Double] = []
    for i in 0..<row.rows {
      for j in 0..<row.columns {
        let product = (0..<row.depth).reduce(0.0) { sum, k in
          sum + Double(x[row.transA ? k * row.rows + i : i * row.depth + k])
            * Double(y[row.transB ? j * row.depth + k : k * row.columns + j])
        }
        let shape = [1, 1] + (row.c?.dimensions ?? [])
        let (height, width) = (shape[shape.count - 2], shape[shape.count - 1])
        let addend = z.isEmpty ? 0 : Double(z[(height == 1 ? 0 : i) * width + (width == 1 ? 0 : j)])
        truth.append(Double(row.alpha) * product + Double(row.beta) * addend)
      }
    }
    for free in [Set([0]), [0, 1, 2]] {
      let found = try evaluate(
        "Gemm", [a, b] + (c.map { [$0] } ?? []),
        [
          "transA": .int(row.transA ? 1 : 0), "transB": .int(row.transB ? 1 : 0), "alpha": .float(row.alpha),
          "beta": .float(row.beta),
        ], free: free)[0]
      #expect(found.shape == [row.rows, row.columns])
      expectClose(found.floats, truth.map { Float($0) }, within: 2e-6, isRelative: true)
    }
  }

  @Test(
    arguments: [
      ([3, 4], [4, 5], [3, 5]), ([4], [4], []), ([4], [4, 3], [3]), ([3, 4], [4], [3]), ([4], [2, 4, 3], [2, 3]),
      ([2, 3, 4], [4], [2, 3]), ([2, 3, 3, 4], [4, 5], [2, 3, 3, 5]), ([2, 1, 3, 4], [3, 4, 2], [2, 3, 3, 2]),
      ([3, 4], [2, 4, 2], [2, 3, 2]), ([2, 3, 4], [1, 4, 5], [2, 3, 5]), ([1, 130], [130, 520], [1, 520]),
      ([2, 60, 130], [2, 130, 70], [2, 60, 70]),
    ] as [(Shape, Shape, Shape)])
  func matMulEqualsTheNaiveLoop(a: Shape, b: Shape, result: Shape) throws {
    let left = random(a, seed: 1), right = random(b, seed: 2), (x, y) = (left.floats, right.floats)
    let matrixA = a.rank == 1 ? [1] + a.dimensions : a.dimensions
    let matrixB = b.rank == 1 ? b.dimensions + [1] : b.dimensions
    let (rows, depth, columns) = (matrixA[matrixA.count - 2], matrixA.last!, matrixB.last!)
    let batchA = Array(matrixA.dropLast(2)), batchB = Array(matrixB.dropLast(2))
    let rank = max(batchA.count, batchB.count)
    func padded(_ batch: [Int]) -> [Int] { Array(repeating: 1, count: rank - batch.count) + batch }
    let batch = zip(padded(batchA), padded(batchB)).map { max($0, $1) }
    var truth: [Double] = []
    for place in NaiveWindow.positions(batch) {
      func matrix(_ batch: [Int], _ size: Int) -> Int {
        NaiveWindow.offset(zip(place, padded(batch)).map { $1 == 1 ? 0 : $0 }, in: padded(batch)) * size
      }
      let (startA, startB) = (matrix(batchA, rows * depth), matrix(batchB, depth * columns))
      for i in 0..<rows {
        for j in 0..<columns {
          truth.append(
            (0..<depth).reduce(0) { sum, k in
              sum + Double(x[startA + i * depth + k]) * Double(y[startB + k * columns + j])
            })
        }
      }
    }
    let found = try evaluate("MatMul", [left, right], free: [0, 1])[0]
    #expect(found.shape == result)
    expectClose(found.floats, truth.map { Float($0) }, within: 2e-6, isRelative: true)
  }
}
