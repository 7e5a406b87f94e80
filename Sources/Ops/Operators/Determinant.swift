import Graph

let determinantOperators: [OperatorEntry] = [OperatorEntry("Det", since: 11, inputs: 1...1) { _ in Determinant() }]

/// The determinant of every matrix in a stack.
struct Determinant: DifferentiableOperator {
  func axes(_ inputs: NodeInputs) -> AxisMapping { .unknown }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.onlyFloats()
    guard x.shape.rank >= 2, x.shape[x.shape.rank - 1] == x.shape[x.shape.rank - 2] else {
      throw GradCAMError(.badData, problem: "a tensor of shape \(x.shape) holds no square matrices")
    }
    return [ValueInfo(x.elementType, Shape(x.shape.dimensions.dropLast(2)))]
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let size = try inputs.required(0).shape.dimensions.last!, count = outputs[0].shape.count
    return Kernel("determinant") { run in
      let x = run.input(0), y = run.output(0)
      run.pool.parallelRanges(count, grain: 1) { range in
        for index in range {
          let matrix = x + index * size * size
          y[index] = Float(Self.determinant((0..<size * size).map { Double(matrix[$0]) }, size: size))
        }
      }
    }
  }

  /// Gaussian elimination with row pivots.
  private static func determinant(_ elements: [Double], size: Int) -> Double {
    var rows = elements, result = 1.0
    for column in 0..<size {
      let pivot = (column..<size).max { abs(rows[$0 * size + column]) < abs(rows[$1 * size + column]) }!
      let value = rows[pivot * size + column]
      if value == 0 { return 0 }
      if pivot != column {
        for index in 0..<size { rows.swapAt(pivot * size + index, column * size + index) }
        result = -result
      }
      result *= value
      for row in column + 1..<max(size, column + 1) {
        let factor = rows[row * size + column] / value
        if factor == 0 { continue }
        for index in column..<size { rows[row * size + index] -= factor * rows[column * size + index] }
      }
    }
    return result
  }

  /// The derivative with respect to an element is its cofactor, even if the matrix is singular.
  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let size = try inputs.required(0).shape.dimensions.last!, count = outputs[0].shape.count
    return GradientRule("cofactors", readsInputs: [0]) { run in
      let x = run.input(0), dy = run.outputGradient, dx = run.inputGradient(0)
      run.pool.parallelRanges(count * size, grain: 1) { range in
        for line in range {
          let (index, row) = line.quotientAndRemainder(dividingBy: size)
          let matrix = x + index * size * size
          for column in 0..<size {
            var minor: [Double] = []
            minor.reserveCapacity((size - 1) * (size - 1))
            for r in 0..<size where r != row {
              for c in 0..<size where c != column { minor.append(Double(matrix[r * size + c])) }
            }
            let cofactor = Self.determinant(minor, size: size - 1) * ((row + column) % 2 == 0 ? 1 : -1)
            dx[line * size + column] = dy[index] * Float(cofactor)
          }
        }
      }
    }
  }
}
