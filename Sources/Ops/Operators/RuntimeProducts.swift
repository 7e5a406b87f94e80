import Graph

/// Matrix products and recurrent layers of ONNX Runtime's: with transposed operands, or with weights of few bits.
let runtimeProducts: [OperatorEntry] = [
  OperatorEntry("FusedMatMul", domain: microsoft, inputs: 2...2) { reader in try TransposedProduct(&reader) },
  OperatorEntry("TransposeMatMul", domain: microsoft, inputs: 2...2) { reader in try TransposedProduct(&reader) },
  OperatorEntry("MatMulNBits", domain: microsoft, inputs: 3...6) { reader in
    reader.ignore("accuracy_level", "weight_prepacked")  // how ONNX Runtime computes it
    return BlockQuantizedProduct(
      matrix: BlockQuantizedMatrix(
        depth: try reader.int("K", default: 0), columns: try reader.int("N", default: 0),
        bits: try reader.int("bits", default: 4), blockSize: try reader.int("block_size", default: 0)))
  },
  OperatorEntry("DynamicQuantizeLSTM", domain: microsoft, inputs: 11...12) { reader in
    let attributes = reader.node.attributes
    for name in attributes.keys { reader.ignore(name) }
    return Composite { inputs in
      var body = GraphBuilder(inputs)
      /// Weights of integers (directions, inputs, gates) as numbers (directions, gates, inputs).
      func weights(_ index: Int, scale: Int) throws -> ValueID {
        func factor(_ index: Int) throws -> ValueID {
          guard let shape = inputs[index]?.shape, shape.rank > 0, shape[0] > 0 else {
            throw GradCAMError(.badData, problem: "input \(index) is missing or empty")
          }
          return body.reshape(index, [shape[0], 1, shape.count / shape[0]])
        }
        var numbers = body.cast(index, to: .float32)
        if body.optional(scale + 1) != nil {
          numbers = body("Sub", numbers, body.cast(try factor(scale + 1), to: .float32))
        }
        return body.transpose(body("Mul", numbers, try factor(scale)), [0, 2, 1])
      }
      let parameters = [try weights(1, scale: 8), try weights(2, scale: 10)]
      let others = (3..<8).map { body.optional($0) }
      return body.returning(body.node("LSTM", [0] + parameters + others, attributes, outputCount: 3))
    }
  },
]

/// The axes of an operator that makes new features of its first input's last axis, one for each index along an axis of
/// the weights, its second input; whatever else it reads does not matter.
func axesOfNewFeatures(_ inputs: NodeInputs, weightAxis: Int) -> AxisMapping {
  guard inputs.count > 1, let rank = inputs[0]?.shape.rank, rank > 0, let weights = inputs[1]?.shape else {
    return .elementwise
  }
  let labels = (0..<weights.rank).map { $0 == weightAxis ? rank : rank + 1 + $0 }
  let others = inputs.count > 2 ? (2..<inputs.count).map { _ in [Int]() } : []
  return .labelled([Array(0..<rank), labels] + others, result: Array(0..<rank - 1) + [rank])
}

/// alpha · A' · B', where axes of A and B are moved before the batched product.
private struct TransposedProduct: CompositeOperator {
  /// Which axes of an operand are moved.
  private struct Turning {
    /// The last two change places.
    let isTransposed: Bool
    /// The first goes behind the batch's, before the last.
    let isBatchFirst: Bool

    /// The axes in their new order.
    func order(rank: Int) -> [Int] {
      guard rank > 1 else { return Array(0..<rank) }
      var axes = Array(0..<rank)
      if isBatchFirst { axes.insert(axes.removeFirst(), at: rank - 2) }
      if isTransposed { axes.swapAt(rank - 2, rank - 1) }
      return axes
    }
  }

  private let alpha: Float
  private let turnings: [Turning]

  init(_ reader: inout AttributeReader) throws {
    alpha = try reader.float("alpha", default: 1)
    turnings = try ["A", "B"].map {
      Turning(isTransposed: try reader.flag("trans\($0)"), isBatchFirst: try reader.flag("transBatch\($0)"))
    }
  }

  var role: OperatorRole { .product }

  func axes(_ inputs: NodeInputs) -> AxisMapping {
    let operands = (0..<2).compactMap { inputs[$0] }
    guard operands.count == 2 else { return .elementwise }
    let orders = zip(turnings, operands).map { $0.order(rank: $1.shape.rank) }
    let turned = zip(operands, orders).map { info, order in
      ValueInfo(info.elementType, Shape(order.map { info.shape[$0] }))
    }
    guard case .labelled(let labels, let result) = MatMul().axes(NodeInputs(turned)) else { return .elementwise }
    let own = zip(labels, orders).map { labels, order in
      order.indices.map { axis in labels[order.firstIndex(of: axis)!] }
    }
    return .labelled(own, result: result)
  }

  func body(_ inputs: NodeInputs) throws -> ComputeGraph {
    var body = GraphBuilder(inputs)
    let operands = try (0..<2).map { index in
      let rank = try inputs.required(index).shape.rank, order = turnings[index].order(rank: rank)
      return order == Array(0..<rank) ? index : body.transpose(index, order)
    }
    let product = body("MatMul", operands[0], operands[1])
    guard alpha != 1 else { return body.returning(product) }
    return body.returning(body("Mul", product, body.number(alpha, type: try inputs.required(0).elementType)))
  }
}

/// A product with a matrix of few bits, then a number added to each column.
private struct BlockQuantizedProduct: CompositeOperator {
  let matrix: BlockQuantizedMatrix

  var role: OperatorRole { .product }
  func axes(_ inputs: NodeInputs) -> AxisMapping { axesOfNewFeatures(inputs, weightAxis: 0) }

  func body(_ inputs: NodeInputs) throws -> ComputeGraph {
    var body = GraphBuilder(inputs)
    let weights = body.node("BlockQuantizedMatrix", [1, 2, body.optional(3), body.optional(4)], operation: matrix)
    let product = body("MatMul", 0, weights)
    return body.returning(body.optional(5).map { body("Add", product, $0) } ?? product)
  }
}

/// The matrix depth × columns that blocks of integers of few bits stand for: (q − zero point) · scale.
///
/// Each column is stored as blocks along its depth, with the lowest bits of a byte first.
struct BlockQuantizedMatrix: Operator {
  let depth, columns, bits, blockSize: Int

  private var blocks: Int { (depth + blockSize - 1) / blockSize }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let limit = 1 << 24
    guard [2, 4, 8].contains(bits), (1...limit).contains(blockSize), (1...limit).contains(depth),
      (1...limit).contains(columns), (blockSize * bits).isMultiple(of: 8)
    else {
      throw GradCAMError(
        .unsupported, problem: "weights of \(columns) × \(depth) in blocks of \(blockSize) numbers of \(bits) bits")
    }
    let packed = try inputs.required(0), scales = try inputs.required(1)
    guard packed.elementType == .uint8, packed.shape.count == columns * blocks * blockSize * bits / 8,
      scales.elementType.isFloatingPoint, scales.shape.count == columns * blocks
    else {
      throw GradCAMError(
        .badData,
        problem: "packed weights \(packed.shape) and scales \(scales.shape) do not fit "
          + "\(columns) × \(depth) in blocks of \(blockSize)")
    }
    if let zeros = inputs[2] {
      let count = zeros.elementType.isFloatingPoint ? columns * blocks : columns * bytesOfZeros
      guard zeros.elementType.isFloatingPoint || zeros.elementType == .uint8, zeros.shape.count == count else {
        throw GradCAMError(.badData, problem: "zero points \(zeros.shape) of type \(zeros.elementType) do not fit")
      }
    }
    if let groups = inputs[3], groups.shape.count != depth || groups.elementType.storage != .int64 {
      throw GradCAMError(.badData, problem: "group indices \(groups.shape) do not fit \(depth) rows")
    }
    return [ValueInfo(scales.elementType, Shape([depth, columns]))]
  }

  /// The bytes that hold the zero points of one column.
  private var bytesOfZeros: Int { (blocks * bits + 7) / 8 }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let zerosAreFloats = inputs[2]?.elementType.isFloatingPoint == true
    let hasZeros = inputs[2] != nil, hasGroups = inputs[3] != nil
    let perByte = 8 / bits, mask = (1 << bits) - 1
    return Kernel("unpack") { run in
      let packed = run.input(0, as: Int64.self), scales = run.input(1), y = run.output(0)
      let groups = hasGroups ? run.input(3, as: Int64.self) : nil
      func number(_ bytes: UnsafePointer<Int64>, _ index: Int) -> Int {
        Int(bytes[index / perByte]) >> (index % perByte * bits) & mask
      }
      func zero(_ column: Int, _ block: Int) -> Float {
        guard hasZeros else { return Float(1 << (bits - 1)) }
        if zerosAreFloats { return run.input(2)[column * blocks + block] }
        return Float(number(run.input(2, as: Int64.self) + column * bytesOfZeros, block))
      }
      for column in 0..<columns {
        let bytes = packed + column * blocks * blockSize / perByte
        for row in 0..<depth {
          let block = groups.map { Int($0[row]) } ?? row / blockSize
          guard (0..<blocks).contains(block) else {
            throw GradCAMError(.badData, problem: "group index \(block) is not one of \(blocks) blocks")
          }
          y[row * columns + column] =
            (Float(number(bytes, row)) - zero(column, block)) * scales[column * blocks + block]
        }
      }
    }
  }
}
