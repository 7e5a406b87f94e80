@testable import GradCAM
import Graph
import ONNXLoader
import Ops

/// The largest number of elements of an input that a user would give a small model.
private let inputLimit = 1 << 16

/// The file beside the models: their external data.
private let weights = FuzzFolder.write((0..<4096).map { UInt8(truncatingIfNeeded: $0) }, to: "weights.bin")
private let pool = ThreadPool(threadCount: 1)

/// What `models`, `explain` and `check` do with a model's file, with inputs of zeros.
func fuzzModel(_ input: [UInt8]) throws {
  _ = weights
  MemoryLimit.set(128 << 20)
  let path = FuzzFolder.write(input, to: "model.onnx")
  _ = ModelSummary(contentsOf: path)
  var failure: (any Error)?
  for use in [explain, runBackAndForth] {
    do { try use(path) } catch { failure = error }
  }
  if let failure { throw failure }
}

/// A map at the node that `auto` finds, of the most probable class.
private func explain(_ path: String) throws {
  let model = try Model(contentsOf: path)
  let shape = model.imageShape, small = shape.completing(PixelSize(width: 16, height: 16))
  let size = shape.fixing(small)
  guard shape.shape(for: size).isSmall else { return }
  let images = Set(model.imageInputs.map(\.value))
  var others: [String: Tensor] = [:]
  for id in model.graph.inputs where !images.contains(id) {
    others[model.graph.values[id].name] = zeros(model.graph.values[id])
  }
  let explainer = try Explainer(model, inputSize: size == small ? small : nil, inputs: others, threadCount: 1)
  let picture = Picture(width: 8, height: 8, pixels: [UInt8](repeating: 0, count: 192))
  let given = Dictionary(
    model.imageInputs.map { ($0.name, ImageContents.picture(picture)) }, uniquingKeysWith: { first, _ in first })
  let observation = try explainer.observe(explainer.prepare(given))
  let best = try explainer.classes(of: observation, count: 1)
  guard let best = best.first else { return }
  for explanation in try explainer.explain(classIndex: best.index, of: observation, methods: ["gradcam", "layercam"]) {
    _ = explanation.drawnMap()
  }
}

/// A forward pass to all outputs, and a backward pass to whatever has a gradient.
private func runBackAndForth(_ path: String) throws {
  let graph = OperatorSet.standard.resolving(try loadModel(at: path))
  var given: [ValueID: Tensor] = [:]
  for id in graph.inputs { given[id] = zeros(graph.values[id]) }
  let outputs = graph.outputs.filter { graph.values[$0].kind == .tensor }
  guard !outputs.isEmpty else { return }

  func plan(knowing isKnown: (Tensor) -> Bool, taps: [ValueID], target: ValueID?) throws -> Plan {
    try Plan(
      graph, operators: .standard,
      request: PlanRequest(
        inputs: given.mapValues { isKnown($0) ? ValueInfo($0) : ValueInfo($0.elementType, $0.shape) },
        outputs: outputs, taps: taps, target: target,
        kernels: KernelRequest(threadCount: 1, reusesWeights: false)))
  }
  func run(_ plan: Plan) throws {
    let executor = try Executor(plan, pool: pool)
    for (id, tensor) in given { try executor.set(id, to: tensor) }
    try executor.forward()
    for output in outputs { _ = executor.contents(of: output).floats.first }
    guard let target = plan.request.target else { return }
    try executor.backward(seed: [Float](repeating: 1, count: plan.infos[target]!.shape.count))
    for tap in plan.request.taps { _ = executor.gradient(of: tap).floats.first }
  }

  // Shapes may depend on contents.
  let ways: [(Tensor) -> Bool] = [{ _ in false }, { !$0.elementType.isFloatingPoint }, { _ in true }]
  var failure: (any Error)?
  for isKnown in ways {
    do {
      let forward = try plan(knowing: isKnown, taps: [], target: nil)
      try run(forward)
      let floating = outputs.filter { forward.infos[$0]?.elementType.isFloatingPoint == true }
      let sources = given.filter { $0.value.elementType.isFloatingPoint && !isKnown($0.value) }.keys.sorted()
      for target in floating.prefix(2) {
        // A tap that the target does not depend on is an error, of which the others shall not suffer.
        for tap in sources.prefix(6) {
          guard let plan = try? plan(knowing: isKnown, taps: [tap], target: target) else { continue }
          try run(plan)
        }
      }
      return
    } catch let error as GradCAMError where error.kind == .unsupported {
      failure = error
    }
  }
  if let failure { throw failure }
}

/// Zeros for a value, with extents of 2 where its file leaves them open; nil if it is not a tensor of a reasonable size.
private func zeros(_ value: Value) -> Tensor? {
  guard value.kind == .tensor, let type = value.elementType else { return nil }
  let extents = (value.dimensions ?? []).map { dimension in
    switch dimension {
    case .fixed(let extent): extent
    case .symbolic: 2
    }
  }
  guard let shape = try? Shape(checked: extents), shape.count <= inputLimit else { return nil }
  switch type.storage {
  case .string: return Tensor([String](repeating: "", count: shape.count), shape: shape)
  case .float32: return Tensor([Float](repeating: 0, count: shape.count), shape: shape, floatingType: type)
  case .int64: return Tensor([Int64](repeating: 0, count: shape.count), shape: shape, elementType: type)
  case .bool: return Tensor([Bool](repeating: false, count: shape.count), shape: shape)
  }
}

extension Shape {
  fileprivate var isSmall: Bool { ((try? Shape(checked: dimensions).count) ?? .max) <= inputLimit }
}
