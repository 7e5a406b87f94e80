import Graph
import ONNXLoader
import Ops

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Runs backend-test cases and compares their outputs with the expected ones.
public struct ConformanceRunner: Sendable {
  private let relativeTolerance: Float
  private let absoluteTolerance: Float
  private let manifest: ConformanceManifest?
  private let operators: OperatorSet

  /// Creates a runner: |got − expected| ≤ absolute + relative × |expected| passes.
  ///
  /// - Parameter manifest: the tolerances of cases that have their own.
  public init(
    relativeTolerance: Float = 1e-3, absoluteTolerance: Float = 1e-5, manifest: ConformanceManifest? = nil,
    operators: OperatorSet = .standard
  ) {
    (self.relativeTolerance, self.absoluteTolerance) = (relativeTolerance, absoluteTolerance)
    (self.manifest, self.operators) = (manifest, operators)
  }

  /// Runs one case: it is skipped if something is `unsupported` and fails on any other error.
  public func run(_ each: ConformanceCase) -> ConformanceOutcome {
    do {
      let graph = try loadModel(at: each.folder + "/model.onnx")
      for id in graph.inputs + graph.outputs where graph.values[id].elementType == nil {
        throw GradCAMError(
          .unsupported, at: "'\(graph.values[id].name)'",
          problem: "is not a tensor of an element type that this program supports")
      }
      let entry = manifest?.entries[each.name]
      let tolerances = (entry?.relativeTolerance ?? relativeTolerance, entry?.absoluteTolerance ?? absoluteTolerance)
      for set in each.dataSets {
        if let difference = try compare(graph, set, within: tolerances) {
          return ConformanceOutcome(status: .failed, reason: Message(difference))
        }
      }
      guard !each.dataSets.isEmpty else { return ConformanceOutcome(status: .skipped, reason: "has no data set") }
      return ConformanceOutcome(status: .passed, reason: nil)
    } catch let error as GradCAMError {
      return ConformanceOutcome(status: error.kind == .unsupported ? .skipped : .failed, reason: "\(error)")
    } catch {
      return ConformanceOutcome(status: .failed, reason: "\(error)")
    }
  }

  /// The first difference between a model's outputs, in their declared types, and the expected ones; nil if none.
  private func compare(
    _ graph: ComputeGraph, _ folder: String, within tolerances: (relative: Float, absolute: Float)
  ) throws -> String? {
    var inputs: [ValueID: Tensor] = [:]
    for (position, id) in graph.inputs.enumerated() {
      let path = "\(folder)/input_\(position).pb"
      guard FileManager.default.fileExists(atPath: path) else { continue }
      inputs[id] = try loadTensor(at: path).tensor
    }
    let plan = try plan(graph, inputs)
    let executor = Executor(plan, pool: ThreadPool(threadCount: 1))
    for (id, tensor) in inputs { try executor.set(id, to: tensor) }
    try executor.forward()
    for (position, id) in graph.outputs.enumerated() {
      let path = "\(folder)/output_\(position).pb"
      guard FileManager.default.fileExists(atPath: path) else { return "output_\(position).pb is missing" }
      let expected = try loadTensor(at: path).tensor
      if let difference = difference(executor.contents(of: id), expected, within: tolerances) {
        return "output '\(graph.values[id].name)' \(difference)"
      }
    }
    return nil
  }

  /// A plan that knows only the extents of the inputs; if shapes depend on contents, also the contents of integer and
  /// Boolean inputs, or, if that is not enough, of all inputs.
  private func plan(_ graph: ComputeGraph, _ inputs: [ValueID: Tensor]) throws -> Plan {
    func plan(knowing isKnown: (Tensor) -> Bool) throws -> Plan {
      try Plan(
        graph, operators: operators,
        request: PlanRequest(
          inputs: inputs.mapValues { isKnown($0) ? ValueInfo($0) : ValueInfo($0.elementType, $0.shape) },
          outputs: graph.outputs, kernels: KernelRequest(threadCount: 1, reusesWeights: false)))
    }
    do {
      return try plan { _ in false }
    } catch let error as GradCAMError where error.kind == .unsupported {
      do {
        return try plan { !$0.elementType.isFloatingPoint }
      } catch let error as GradCAMError where error.kind == .unsupported {
        return try plan { _ in true }
      }
    }
  }

  private func difference(
    _ got: Tensor, _ expected: Tensor, within tolerances: (relative: Float, absolute: Float)
  ) -> String? {
    guard got.elementType == expected.elementType else {
      return "is \(got.elementType), expected \(expected.elementType)"
    }
    guard got.shape == expected.shape else { return "has shape \(got.shape), expected \(expected.shape)" }
    if got.elementType.isFloatingPoint {
      for (index, (a, b)) in zip(got.floats.map(got.elementType.nearest), expected.floats).enumerated() {
        if a == b || (a.isNaN && b.isNaN) { continue }
        if !(abs(a - b) <= tolerances.absolute + tolerances.relative * abs(b)) {
          return "is \(a) at \(index), expected \(b)"
        }
      }
    } else {
      for (index, (a, b)) in zip(got.integers, expected.integers).enumerated() where a != b {
        return "is \(a) at \(index), expected \(b)"
      }
    }
    return nil
  }
}
