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
      for id in graph.inputs + graph.outputs {
        let value = graph.values[id]
        guard value.kind == .other || value.kind == .tensor && value.elementType == nil else { continue }
        throw GradCAMError(
          .unsupported, at: "'\(value.name)'",
          problem: "is not made of tensors of an element type that this program supports")
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
    var harness = Harness(graph)
    for (position, id) in graph.inputs.enumerated() {
      let path = "\(folder)/input_\(position).pb"
      guard FileManager.default.fileExists(atPath: path) else { continue }
      harness.give(id, try loadTensors(at: path, of: graph.values[id].kind))
    }
    for (position, id) in graph.outputs.enumerated() {
      let path = "\(folder)/output_\(position).pb"
      guard FileManager.default.fileExists(atPath: path) else { return "output_\(position).pb is missing" }
      harness.expect(id, try loadTensors(at: path, of: graph.values[id].kind))
    }
    let pool = ThreadPool(threadCount: 1)
    let request = PlanRequest(
      inputs: harness.given.mapValues { ValueInfo($0.elementType, $0.shape) }, outputs: harness.expected.map(\.value),
      kernels: KernelRequest(threadCount: 1, reusesWeights: false))
    let plan = try Plan(
      harness.graph, operators: operators, request: request, contents: harness.given, pool: pool)
    let executor = try Executor(plan, pool: pool)
    for (id, tensor) in harness.given { try executor.set(id, to: tensor) }
    try executor.forward()
    for each in harness.expected {
      if let difference = difference(executor.contents(of: each.value), each.tensor, within: tolerances) {
        return "output '\(each.name)' \(difference)"
      }
    }
    return nil
  }

  private func difference(
    _ got: Tensor, _ expected: Tensor, within tolerances: (relative: Float, absolute: Float)
  ) -> String? {
    guard got.elementType == expected.elementType else {
      return "is \(got.elementType), expected \(expected.elementType)"
    }
    guard got.shape == expected.shape else { return "has shape \(got.shape), expected \(expected.shape)" }
    if got.elementType == .string {
      for (index, (a, b)) in zip(got.texts, expected.texts).enumerated() where a != b {
        return "is '\(a)' at \(index), expected '\(b)'"
      }
    } else if got.elementType.isFloatingPoint {
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

/// A model whose sequences and optionals are made of inputs that are tensors, and taken apart into tensors.
private struct Harness {
  private var builder: GraphBuilder
  /// The inputs by value.
  private(set) var given: [ValueID: Tensor] = [:]
  /// What is expected of values, with the names of the outputs that they belong to.
  private(set) var expected: [(name: String, value: ValueID, tensor: Tensor)] = []
  private let inner: ComputeGraph

  init(_ graph: ComputeGraph) {
    inner = graph
    builder = GraphBuilder(graph)
  }

  /// The model, between the nodes that make its inputs and those that read its outputs.
  var graph: ComputeGraph {
    var graph = builder.graph
    let added = graph.nodes[inner.nodes.count...]
    graph.nodes =
      added.filter { $0.outputs.contains { inner.inputs.contains($0!) } } + inner.nodes
      + added.filter { !$0.outputs.contains { inner.inputs.contains($0!) } }
    return graph
  }

  mutating func give(_ input: ValueID, _ tensors: [Tensor]?) {
    let kind = inner.values[input].kind
    if let tensors, kind == .tensor || kind == .optionalTensor {
      given[input] = tensors[0]
      return
    }
    let elements = (tensors ?? []).map { tensor in
      let element = builder.input(inner.values[input].name)
      given[element] = tensor
      return element
    }
    let type = tensors == nil ? "Optional" : "SequenceConstruct"
    builder.add(
      Node(name: "", operatorName: OperatorName(type: type), inputs: elements, outputs: [input]))
  }

  mutating func expect(_ output: ValueID, _ tensors: [Tensor]?) {
    let value = inner.values[output]
    func expect(_ value: ValueID, _ tensor: Tensor) {
      expected.append((inner.values[output].name, value, tensor))
    }
    guard let tensors else { return expect(builder("OptionalHasElement", output), Tensor([false], shape: [])) }
    if value.kind == .tensor || value.kind == .optionalTensor { return expect(output, tensors[0]) }
    expect(builder("SequenceLength", output), Tensor([Int64(tensors.count)], shape: []))
    for (index, tensor) in tensors.enumerated() {
      let place = builder.constant(Tensor([Int64(index)], shape: []))
      expect(builder("SequenceAt", output, place), tensor)
    }
  }
}
