import Graph
import Ops

private func gemm(_ attributes: [String: Attribute] = [:], a: Shape, b: Shape, c: Shape? = nil) -> GradientCheck {
  GradientCheck(
    type: "Gemm", attributes: attributes, inputs: [.uniform(a), .uniform(b)] + (c.map { [.uniform($0)] } ?? []))
}

private func matMul(_ a: Shape, _ b: Shape) -> GradientCheck {
  GradientCheck(type: "MatMul", inputs: [.uniform(a), .uniform(b)])
}

let matrixProductGradientChecks: [GradientCheck] = [
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
  GradientCheck(
    type: "FusedMatMul", domain: "gradcam", inputs: [.uniform([2, 3, 4]), .uniform([4, 5]), .uniform([1, 5])]),
]
