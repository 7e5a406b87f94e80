import CKernels
import Graph

let softmaxOperators: [OperatorEntry] = [
  OperatorEntry("Softmax", inputs: 1...1) { reader in
    Softmax(name: "softmax", forward: softmax_row, backward: softmax_gradient_row, extent: try SoftmaxExtent(&reader))
  },
  OperatorEntry("LogSoftmax", inputs: 1...1) { reader in
    Softmax(
      name: "log softmax", isLogarithm: true, forward: log_softmax_row, backward: log_softmax_gradient_row,
      extent: try SoftmaxExtent(&reader))
  },
  OperatorEntry("Hardmax", inputs: 1...1) { reader in Hardmax(extent: try SoftmaxExtent(&reader)) },
]

/// The elements that are normalised together: those along an axis, or before opset 13 all from the axis on.
struct SoftmaxExtent: Sendable {
  private let axis: Int
  private let isFlattening: Bool

  init(_ reader: inout AttributeReader) throws {
    isFlattening = reader.opset < 13
    axis = try reader.int("axis", default: isFlattening ? 1 : -1)
  }

  /// The axes along which elements are normalised together.
  func axes(of shape: Shape) -> Set<Int>? {
    guard let axis = try? shape.axis(axis) else { return nil }
    return isFlattening ? Set(axis..<shape.rank) : [axis]
  }

  func rows(of shape: Shape) throws -> StridedRows {
    // The axis of the flattening form may also equal the rank, and a scalar is one row of one element.
    if isFlattening, axis == shape.rank { return StridedRows(outer: shape.count, count: 1, inner: 1) }
    if shape.rank == 0 { return StridedRows(outer: 1, count: 1, inner: 1) }
    let (outer, count, inner) = shape.split(at: try shape.axis(axis))
    return isFlattening
      ? StridedRows(outer: outer, count: count * inner, inner: 1)
      : StridedRows(outer: outer, count: count, inner: inner)
  }
}

/// The rows along one axis of a tensor; if the axis is not the last, rows are gathered before they are used.
struct StridedRows: Sendable {
  let outer: Int
  /// The number of elements per row.
  let count: Int
  let inner: Int

  /// The number of rows gathered at once: as many as fill a cache line.
  private static let group = 16

  /// The scratch memory that each worker needs for rows of this many tensors, in floats.
  func workerScratchCount(tensors: Int) -> Int { inner == 1 ? 0 : tensors * Self.group * count }

  /// Calls `body` with the rows of the sources to read and the row of the result to write.
  func forEachRow(
    _ sources: [FloatInput], into y: FloatOutput, scratch: WorkerScratch, on pool: ThreadPool,
    _ body: ([FloatInput], FloatOutput) -> Void
  ) {
    if inner == 1 {
      pool.parallelRanges(outer, grain: max(1, elementwiseGrain / max(count, 1))) { rows in
        var own = sources.map { $0 + rows.lowerBound * count }
        for row in rows {
          body(own, y + row * count)
          for index in own.indices { own[index] += count }
        }
      }
      return
    }
    let groups = (inner + Self.group - 1) / Self.group, area = Self.group * count
    pool.parallelFor(outer * groups) { index, worker in
      let (block, group) = index.quotientAndRemainder(dividingBy: groups)
      let width = min(Self.group, inner - group * Self.group)
      let start = block * count * inner + group * Self.group
      let own = scratch[worker]
      let copies = sources.indices.map { own + $0 * area }, result = own + sources.count * area
      for (source, copy) in zip(sources, copies) {
        for position in 0..<count {
          for row in 0..<width { copy[row * count + position] = source[start + position * inner + row] }
        }
      }
      var rows = copies.map { UnsafePointer($0) }
      for row in 0..<width {
        body(rows, result + row * count)
        for index in rows.indices { rows[index] += count }
      }
      for position in 0..<count {
        for row in 0..<width { y[start + position * inner + row] = result[row * count + position] }
      }
    }
  }
}

extension SoftmaxExtent {
  /// The result of an operator that maps rows to rows of equal length.
  fileprivate func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let x = try inputs.onlyFloats()
    _ = try rows(of: x.shape)
    return [ValueInfo(x.elementType, x.shape)]
  }
}

/// Softmax or its logarithm.
struct Softmax: DifferentiableOperator {
  var role: OperatorRole { .softmax }

  func mixedAxes(of shape: Shape) -> Set<Int>? { extent.axes(of: shape) }
  func dependence(on wanted: Set<Int>, _ inputs: NodeInputs) -> Dependence? { isLogarithm ? nil : .competing }

  let name: String
  var isLogarithm = false
  let forward: @Sendable @convention(c) (FloatInput?, FloatOutput?, Int) -> Void
  let backward: @Sendable @convention(c) (FloatInput?, FloatInput?, FloatOutput?, Int) -> Void
  let extent: SoftmaxExtent

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] { try extent.infer(inputs) }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let rows = try extent.rows(of: outputs[0].shape)
    return Kernel(name, placement: .inPlace([0]), workerScratchByteCount: rows.workerScratchCount(tensors: 2) * 4) {
      run in
      rows.forEachRow([run.input(0)], into: run.output(0), scratch: run.workerScratch, on: run.pool) {
        forward($0[0], $1, rows.count)
      }
    }
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let rows = try extent.rows(of: outputs[0].shape)
    return GradientRule(
      name, readsOutputs: [0], inPlace: true, workerScratchByteCount: rows.workerScratchCount(tensors: 3) * 4
    ) { run in
      rows.forEachRow(
        [run.output(0), run.outputGradient], into: run.inputGradient(0), scratch: run.workerScratch, on: run.pool
      ) { backward($0[0], $0[1], $1, rows.count) }
    }
  }
}

/// 1 at the first largest element of each row, 0 elsewhere.
struct Hardmax: Operator {
  let extent: SoftmaxExtent

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] { try extent.infer(inputs) }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let rows = try extent.rows(of: outputs[0].shape)
    return Kernel("hardmax", workerScratchByteCount: rows.workerScratchCount(tensors: 2) * 4) { run in
      rows.forEachRow([run.input(0)], into: run.output(0), scratch: run.workerScratch, on: run.pool) { x, y in
        var best = 0
        for index in 0..<rows.count {
          y[index] = 0
          if x[0][index] > x[0][best] { best = index }
        }
        if rows.count > 0 { y[best] = 1 }
      }
    }
  }
}
