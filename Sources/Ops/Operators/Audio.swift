import Graph

let audioOperators: [OperatorEntry] = [
  OperatorEntry("DFT", since: 17, inputs: 1...3) { reader in
    FourierTransform(
      axis: reader.opset < 20 ? try reader.int("axis", default: 1) : nil, isInverse: try reader.flag("inverse"),
      isOneSided: try reader.flag("onesided"))
  },
  OperatorEntry("STFT", since: 17, inputs: 2...4) { reader in
    ShortTimeFourierTransform(isOneSided: try reader.flag("onesided", default: true))
  },
  window("HannWindow", [0.5, -0.5]),
  window("HammingWindow", [25.0 / 46, -21.0 / 46]),
  window("BlackmanWindow", [0.42, -0.5, 0.08]),
  OperatorEntry("MelWeightMatrix", since: 17, inputs: 5...5) { reader in
    let type = try ElementType(onnx: try reader.int("output_datatype", default: 1))
    return KnownResult { inputs in [try melWeights(inputs, type: type)] }
  },
]

/// An operator that is computed during planning; all its inputs must be known then.
struct KnownResult: Operator {
  let results: @Sendable (NodeInputs) throws -> [Tensor]

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] { try results(inputs).map { ValueInfo($0) } }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    throw GradCAMError(.defect, problem: "the result is known and needs no kernel")
  }
}

extension Tensor {
  /// The same elements as numbers of a floating type, or truncated to integers.
  fileprivate init(_ values: [Float], shape: Shape, type: ElementType) throws {
    switch type.storage {
    case .float32: self.init(values, shape: shape, floatingType: type)
    case .int64: self.init(Tensor(values, shape: shape).integers, shape: shape, elementType: type)
    case .bool, .string: throw unsupportedType(type)
    }
  }
}

/// A sum of cosines: Σ weight[k]·cos(2πki / N).
private func window(_ type: String, _ weights: [Double]) -> OperatorEntry {
  OperatorEntry(type, since: 17, inputs: 1...1) { reader in
    let isPeriodic = try reader.flag("periodic", default: true)
    let element = try ElementType(onnx: try reader.int("output_datatype", default: 1))
    return KnownResult { inputs in
      let size = try inputs.requiredInteger(0)
      let shape = try Shape(constant: [size])
      let period = Double(isPeriodic ? size : size - 1)
      let values = (0..<size).map { index in
        weights.enumerated().reduce(0.0) { sum, term in
          sum + term.element * cos(2 * .pi * Double(term.offset * index) / period)
        }
      }
      return [try Tensor(values.map(Float.init), shape: shape, type: element)]
    }
  }
}

/// Triangular filters over the bins of a spectrum, evenly spaced on the mel scale.
private func melWeights(_ inputs: NodeInputs, type: ElementType) throws -> Tensor {
  let bandCount = try inputs.requiredInteger(0), length = try inputs.requiredInteger(1)
  let rate = try inputs.requiredInteger(2)
  func edge(_ index: Int) throws -> Double {
    _ = try inputs.required(index)
    guard let values = try inputs.contents(index)?.floats, values.count == 1, values[0] >= 0 else {
      throw GradCAMError(.badData, problem: "input \(index) is not a single frequency")
    }
    return Double(values[0])
  }
  guard bandCount >= 0, length >= 0, length < Shape.elementLimit, rate > 0 else {
    throw GradCAMError(.badData, problem: "\(bandCount) bands of \(length) samples at rate \(rate) are invalid")
  }
  let binCount = length / 2 + 1
  let shape = try Shape(constant: [binCount, bandCount])
  let low = 2595 * log10(1 + (try edge(3)) / 700), high = 2595 * log10(1 + (try edge(4)) / 700)
  let step = (high - low) / Double(bandCount + 2)
  let edges = (0..<bandCount + 2).map { index in
    let frequency = 700 * (pow(10, (low + Double(index) * step) / 2595) - 1)
    return truncated((Double(length + 1) * frequency / Double(rate)).rounded(.down))
  }.map { Int($0) }
  guard edges.allSatisfy({ (0...binCount).contains($0) }) else {
    throw GradCAMError(.badData, problem: "the bands lie outside the spectrum")
  }
  var weights = [Float](repeating: 0, count: shape.count)
  for band in 0..<bandCount {
    let (left, centre, right) = (edges[band], edges[band + 1], edges[band + 2])
    for bin in 0..<binCount {
      let rising = left == centre ? (bin == centre ? 1 : 0) : Float(bin - left) / Float(centre - left)
      if bin >= left, bin <= centre { weights[bin * bandCount + band] = rising }
      if bin >= centre, bin < right { weights[bin * bandCount + band] = Float(right - bin) / Float(right - centre) }
    }
  }
  return try Tensor(weights, shape: shape, type: type)
}

/// A discrete Fourier transform as a matrix over interleaved real and imaginary parts.
private struct FourierMatrix {
  /// The complex extent of the result, and whether it is real.
  let count, parts: Int
  let values: [Float]

  /// - Parameters:
  ///   - inputCount: the number of elements; missing ones are zero, those beyond `length` are dropped.
  ///   - inputParts: 2 if they are complex, 1 if they are real.
  init(inputCount: Int, inputParts: Int, length: Int, isInverse: Bool, isOneSided: Bool) throws {
    count = isOneSided && !isInverse ? length / 2 + 1 : length
    parts = isOneSided && isInverse ? 1 : 2
    let rows = inputCount * inputParts, columns = count * parts
    _ = try Shape(constant: [rows, columns])
    var values = [Float](repeating: 0, count: rows * columns)
    let isHalf = isOneSided && isInverse
    for from in 0..<min(inputCount, isHalf ? length / 2 + 1 : length) {
      // In half a spectrum every frequency but the first and the middle one stands for its conjugate too.
      let weight = (isHalf && from != 0 && 2 * from != length ? 2.0 : 1) / (isInverse ? Double(length) : 1)
      for to in 0..<count {
        let angle = (isInverse ? 2 : -2) * Double.pi * Double(from * to % length) / Double(length)
        let real = Float(weight * cos(angle)), imaginary = Float(weight * sin(angle))
        let place = from * inputParts * columns + to * parts
        values[place] = real
        if parts == 2 { values[place + 1] = imaginary }
        guard inputParts == 2 else { continue }
        values[place + columns] = -imaginary
        if parts == 2 { values[place + columns + 1] = real }
      }
    }
    self.values = values
  }
}

/// The discrete Fourier transform along one axis; the last axis holds real and imaginary parts.
struct FourierTransform: CompositeOperator {
  func axes(_ inputs: NodeInputs) -> AxisMapping { .unknown }

  /// The axis if it is an attribute.
  let axis: Int?
  let isInverse, isOneSided: Bool

  func body(_ inputs: NodeInputs) throws -> ComputeGraph {
    var body = GraphBuilder(inputs)
    let x = try inputs.required(0), rank = x.shape.rank
    guard rank >= 2, let parts = x.shape.dimensions.last, parts == 1 || parts == 2 else {
      throw GradCAMError(.badData, problem: "a tensor of shape \(x.shape) holds neither real nor complex numbers")
    }
    let axis = try x.shape.axis(try axis ?? inputs.integer(2) ?? -2)
    guard axis < rank - 1 else { throw GradCAMError(.badData, problem: "axis \(axis) holds real and imaginary parts") }
    let extent = x.shape[axis]
    let length = try inputs.integer(1) ?? (isInverse && isOneSided ? 2 * (extent - 1) : extent)
    guard length > 0, length < Shape.elementLimit else {
      throw GradCAMError(.badData, problem: "a transform cannot have length \(length)")
    }
    let matrix = try FourierMatrix(
      inputCount: extent, inputParts: parts, length: length, isInverse: isInverse, isOneSided: isOneSided)
    let others = (0..<rank - 1).filter { $0 != axis }
    let order = others + [axis, rank - 1]
    let outer = others.map { x.shape[$0] }
    let rows = body.reshape(body.transpose(0, order), outer + [extent * parts])
    let table = body.numbers(matrix.values, shape: [extent * parts, matrix.count * matrix.parts], type: x.elementType)
    let product = body.reshape(body("MatMul", rows, table), outer + [matrix.count, matrix.parts])
    return body.returning(body.transpose(product, (0..<rank).map { order.firstIndex(of: $0)! }))
  }
}

/// Fourier transforms of windows that slide over a signal.
struct ShortTimeFourierTransform: CompositeOperator {
  func axes(_ inputs: NodeInputs) -> AxisMapping { .unknown }

  let isOneSided: Bool

  func body(_ inputs: NodeInputs) throws -> ComputeGraph {
    var body = GraphBuilder(inputs)
    let x = try inputs.required(0), step = try inputs.requiredInteger(1)
    guard x.shape.rank == 2 || (x.shape.rank == 3 && (x.shape[2] == 1 || x.shape[2] == 2)) else {
      throw GradCAMError(.badData, problem: "a signal of shape \(x.shape) is neither real nor complex")
    }
    let batch = x.shape[0], samples = x.shape[1], parts = x.shape.rank == 3 ? x.shape[2] : 1
    let length = try inputs.integer(3) ?? inputs[2]?.shape.count ?? samples
    guard step > 0, length > 0, length <= samples, inputs[2]?.shape ?? [length] == [length] else {
      throw GradCAMError(
        .badData, problem: "frames of \(length) with a step of \(step) do not fit a signal of \(samples)")
    }
    let frames = 1 + (samples - length) / step
    let shape = try Shape(constant: [frames, length])
    let places = (0..<frames).flatMap { frame in (0..<length).map { Int64(frame * step + $0) } }
    let signal = body.reshape(0, [batch, samples, parts])
    var cut = body("Gather", signal, body.constant(Tensor(places, shape: shape)), with: ["axis": .int(1)])
    if let window = body.optional(2) { cut = body("Mul", cut, body.reshape(window, [length, 1])) }
    let matrix = try FourierMatrix(
      inputCount: length, inputParts: parts, length: length, isInverse: false, isOneSided: isOneSided)
    let table = body.numbers(matrix.values, shape: [length * parts, matrix.count * 2], type: x.elementType)
    let product = body("MatMul", body.reshape(cut, [batch, frames, length * parts]), table)
    return body.returning(body.reshape(product, [batch, frames, matrix.count, 2]))
  }
}
