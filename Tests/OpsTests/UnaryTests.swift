import Graph
import Ops

let unaryGradientChecks: [GradientCheck] = [
  GradientCheck(type: "Relu", inputs: [.away(from: [0], [2, 3, 4])])
]
