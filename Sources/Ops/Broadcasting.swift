import Graph

/// The offset in a tensor of shape `operand` of each element of `result`, which it broadcasts to, in row-major order.
func broadcastOffsets(of operand: Shape, in result: Shape) -> [Int] {
  let missing = result.rank - operand.rank
  let strides = operand.strides
  var offsets = [0]
  for axis in 0..<result.rank {
    let stride = axis < missing || operand[axis - missing] == 1 ? 0 : strides[axis - missing]
    offsets = offsets.flatMap { base in (0..<result[axis]).map { base + $0 * stride } }
  }
  return offsets
}

/// The gradient of a broadcast: sums `dy`, of shape `result`, over the dimensions along which `operand` was repeated.
func reduceBroadcast(
  _ dy: UnsafePointer<Float>, _ result: Shape, into dx: UnsafeMutablePointer<Float>, _ operand: Shape
) {
  dx.update(repeating: 0, count: operand.count)
  for (index, offset) in broadcastOffsets(of: operand, in: result).enumerated() { dx[offset] += dy[index] }
}
