import Graph

let topKOperators: [OperatorEntry] = [OperatorEntry("TopK", inputs: 1...2, make: TopK.make)]

struct TopK: DifferentiableOperator {
  let axis: Int
  /// The number of elements if it is an attribute, before opset 10.
  let count: Int?
  let takesLargest: Bool
  /// The indices that it gives, whatever the input holds; nil if it ranks the input.
  var held: Tensor?

  var role: OperatorRole { takesLargest ? .ranking : .other }

  func axes(_ inputs: NodeInputs) -> AxisMapping {
    guard let shape = inputs[0]?.shape, let axis = try? shape.axis(axis) else { return .unknown }
    return .kept(rank: shape.rank, except: [axis])
  }

  static func make(_ reader: inout AttributeReader) throws -> Self {
    // If the order does not matter, the sorted one will do.
    reader.ignore("sorted")
    return TopK(
      axis: try reader.int("axis", default: -1), count: try reader.int("k"),
      takesLargest: try reader.flag("largest", default: true))
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.required(0)
    let axis = try x.shape.axis(axis)
    let count = try count ?? inputs.requiredInteger(1)
    guard (0...x.shape[axis]).contains(count) else {
      throw GradCAMError(.badData, problem: "there are no \(count) elements along an axis of \(x.shape[axis])")
    }
    var shape = x.shape
    shape.dimensions[axis] = count
    guard held.map({ $0.shape == shape }) ?? true else {
      throw GradCAMError(.defect, problem: "what is selected was ranked for results of another shape than \(shape)")
    }
    return [ValueInfo(x.elementType, shape), ValueInfo(.int64, shape, constant: held)]
  }

  func holding(_ contents: (Int) throws -> Tensor) throws -> (any Operator)? {
    guard held == nil else { return self }
    let x = try contents(0), count = try count == nil ? contents(1) : nil
    let inputs = NodeInputs([ValueInfo(x), count.map { ValueInfo($0) }]), outputs = try infer(inputs)
    let ranked = outputs.map { Tensor(uninitialized: $0.elementType, shape: $0.shape) }
    try withExtendedLifetime((x, ranked)) {
      try kernel(inputs, outputs, KernelRequest(threadCount: 1, reusesWeights: false)).run(
        KernelArguments(
          inputs: [UnsafeRawPointer(x.storage.base)], outputs: ranked.map(\.storage.base),
          scratch: TensorStorage(byteCount: 0).base, pool: ThreadPool(threadCount: 1)))
    }
    var other = self
    other.held = ranked[1]
    return other
  }

  /// The lanes, each sorted independently.
  private struct Lanes {
    let length, inner, kept, count: Int

    init(_ x: Shape, axis: Int, kept: Int) {
      length = x[axis]
      inner = x.count(axis + 1..<x.rank)
      count = x.count(0..<axis) * inner
      self.kept = kept
    }

    func input(_ lane: Int, _ place: Int) -> Int { (lane / inner * length + place) * inner + lane % inner }
    func output(_ lane: Int, _ place: Int) -> Int { (lane / inner * kept + place) * inner + lane % inner }
  }

  private func lanes(_ inputs: NodeInputs, _ outputs: [ValueInfo]) throws -> Lanes {
    let shape = try inputs.required(0).shape
    let axis = try shape.axis(axis)
    return Lanes(shape, axis: axis, kept: outputs[0].shape[axis])
  }

  /// Calls `body` with every lane and the positions of its first elements in order, which are those held if there are
  /// any; equal ones keep their order, and NaN counts as the largest.
  private func forEachLane<Element: Comparable>(
    of x: UnsafePointer<Element>, _ lanes: Lanes, pool: ThreadPool,
    _ body: (_ lane: Int, _ order: ArraySlice<Int>) -> Void
  ) {
    pool.parallelRanges(lanes.count, grain: max(1, 4096 / max(1, lanes.length))) { range in
      for lane in range {
        if let held {
          let indices = held.storage.base.assumingMemoryBound(to: Int64.self)
          body(lane, (0..<lanes.kept).map { Int(indices[lanes.output(lane, $0)]) }[...])
          continue
        }
        let values = (0..<lanes.length).map { x[lanes.input(lane, $0)] }
        let order = values.indices.sorted { first, second in
          let (a, b) = takesLargest ? (values[second], values[first]) : (values[first], values[second])
          if a < b || (a == a && b != b) { return true }
          if b < a || (b == b && a != a) { return false }
          return first < second
        }
        body(lane, order.prefix(lanes.kept))
      }
    }
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let lanes = try lanes(inputs, outputs)
    let storage = outputs[0].elementType.storage
    return Kernel("top-k") { run in
      func select<Element: Comparable>(_ type: Element.Type) {
        let x = run.input(0, as: type)
        let values = run.outputs[0]?.assumingMemoryBound(to: type)
        let indices = run.outputs.count > 1 ? run.outputs[1]?.assumingMemoryBound(to: Int64.self) : nil
        forEachLane(of: x, lanes, pool: run.pool) { lane, order in
          for (place, index) in order.enumerated() {
            values?[lanes.output(lane, place)] = x[lanes.input(lane, index)]
            indices?[lanes.output(lane, place)] = Int64(index)
          }
        }
      }
      switch storage {
      case .float32: select(Float.self)
      case .int64: select(Int64.self)
      case .bool: select(UInt8.self)
      case .string: throw unsupportedType(.string)
      }
    }
  }

  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? { wanted == [0] ? .chosen : nil }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let lanes = try lanes(inputs, outputs)
    let byteCount = try inputs.required(0).shape.count * MemoryLayout<Float>.size
    return GradientRule("top-k", readsInputs: [0]) { run in
      let dy = run.outputGradient, dx = run.inputGradient(0)
      clear(dx, byteCount: byteCount, pool: run.pool)
      forEachLane(of: run.input(0), lanes, pool: run.pool) { lane, order in
        for (place, index) in order.enumerated() { dx[lanes.input(lane, index)] = dy[lanes.output(lane, place)] }
      }
    }
  }
}
