import CGradCAMPlugin
import Graph

/// An operator of a plugin.
struct PluginOperatorTable: @unchecked Sendable {
  let source: PluginSource
  let name: OperatorName
  let elementTypes: [ElementType]
  /// Never written; what it points to lives as long as the process.
  let functions: gradcam_operator

  func entry(provider: String) -> OperatorEntry {
    let since = Int(clamping: functions.since_version)
    return functions.vjp == nil
      ? OperatorEntry(name.type, domain: name.domain, since: since, inputs: 0...Int.max, provider: provider) {
        try PluginOperator(self, &$0)
      }
      : OperatorEntry(name.type, domain: name.domain, since: since, inputs: 0...Int.max, provider: provider) {
        DifferentiablePluginOperator(base: try PluginOperator(self, &$0))
      }
  }
}

/// A node of a plugin's operator.
struct PluginOperator: Operator {
  let table: PluginOperatorTable
  let state: State
  private let outputCount: Int

  /// What the plugin made of the node's attributes.
  final class State: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer?
    private let destroy: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?
    private let memory: PluginMemory

    init(
      _ pointer: UnsafeMutableRawPointer?, destroy: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?,
      memory: PluginMemory
    ) {
      self.pointer = pointer
      self.destroy = destroy
      self.memory = memory
    }

    deinit { destroy?(pointer) }
  }

  init(_ table: PluginOperatorTable, _ reader: inout AttributeReader) throws {
    self.table = table
    outputCount = reader.node.outputs.count
    let memory = PluginMemory()
    guard let create = table.functions.create else {
      state = State(nil, destroy: nil, memory: memory)
      return
    }
    let call = PluginCall(table.source, attributes: reader, attributeMemory: memory)
    var pointer: UnsafeMutableRawPointer?
    try call.perform("create") { create($0, &pointer) }
    state = State(pointer, destroy: table.functions.destroy, memory: memory)
    reader = call.attributes!
  }

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] {
    let infos = (0..<inputs.count).map { inputs[$0] }
    for (index, info) in infos.enumerated() {
      guard let info, !table.elementTypes.contains(info.elementType) else { continue }
      throw GradCAMError(
        .unsupported, at: table.source.place,
        problem: "input \(index) is \(info.elementType), which operator \(table.name) does not take",
        advice: "it takes \(table.elementTypes.map(\.rawValue).joined(separator: ", "))")
    }
    guard let shape = table.functions.shape else {
      let input = try located(table.source.place) { try inputs.required(0) }
      return [ValueInfo(input.elementType, input.shape)]
    }
    let declared = try outputs(of: infos, shape), again = try outputs(of: infos, shape)
    for (index, (declared, again)) in zip(declared, again).enumerated()
    where again.shape != declared.shape || again.elementType != declared.elementType {
      throw GradCAMError(
        .badData, at: table.source.place,
        problem: "its shape function declares \(declared.elementType) \(declared.shape) for output \(index) first, "
          + "then \(again.elementType) \(again.shape) for the same inputs", advice: "correct the plugin")
    }
    return declared
  }

  /// The outputs that the shape function declares.
  private func outputs(
    of infos: [ValueInfo?],
    _ shape: @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<gradcam_shape_arguments>?) -> gradcam_status
  ) throws -> [ValueInfo] {
    let call = PluginCall(table.source, outputs: [ValueInfo?](repeating: nil, count: outputCount))
    try ask("shape", about: infos, call) { shape(state.pointer, $0) }
    return try call.outputs!.enumerated().map { index, info in
      guard let info else { throw call.error(GRADCAM_FAILED, "its shape function does not set output \(index)") }
      return info
    }
  }

  /// Calls a function of the plugin with a node's inputs.
  func ask(
    _ function: String, about infos: [ValueInfo?], _ call: PluginCall,
    _ body: (UnsafePointer<gradcam_shape_arguments>) -> gradcam_status
  ) throws {
    let constants = infos.map { $0?.constant.map { $0.realigned ?? $0 } }
    try PluginTensors(infos).lend(contents: { constants[$0].map { UnsafeRawPointer($0.storage.base) } }) { lent in
      try call.perform(function) { call in
        var arguments = gradcam_shape_arguments(
          size: MemoryLayout<gradcam_shape_arguments>.size, call: call, input_count: infos.count, inputs: lent,
          output_count: outputCount)
        return body(&arguments)
      }
    }
  }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    let infos = (0..<inputs.count).map { inputs[$0] }, constants = infos.map { $0?.constant?.realigned }
    let lentInputs = PluginTensors(infos), lentOutputs = PluginTensors(outputs)
    let counts = outputs.map(\.shape.count)
    let byteCounts = outputs.map { $0.shape.count * $0.elementType.storage.byteCount }
    let isFloat = outputs.map { $0.elementType.storage == .float32 }
    let table = table, state = state
    return Kernel("plugin", guardByteCount: GuardZone.byteCount) { run in
      for (index, output) in run.outputs.enumerated() where output != nil {
        // NaN shows what the plugin does not write.
        if isFloat[index] { output!.assumingMemoryBound(to: Float.self).update(repeating: .nan, count: counts[index]) }
        GuardZone.set(at: output! + byteCounts[index])
      }
      try lentInputs.lend(contents: { index in
        constants[index].map { UnsafeRawPointer($0.storage.base) } ?? run.inputs[index]
      }) { inputs in
        try lentOutputs.lend(leavingOutEmpty: true, contents: { UnsafeRawPointer(run.outputs[$0]) }) { outputs in
          try PluginCall(table.source, pool: run.pool).perform("forward") { call in
            var arguments = gradcam_forward_arguments(
              size: MemoryLayout<gradcam_forward_arguments>.size, call: call, input_count: lentInputs.count,
              inputs: inputs, output_count: lentOutputs.count, outputs: outputs)
            return table.functions.forward(state.pointer, &arguments)
          }
        }
      }
      for (index, (output, byteCount)) in zip(run.outputs, byteCounts).enumerated() {
        guard let output, !GuardZone.isIntact(at: output + byteCount) else { continue }
        throw GradCAMError(
          .badData, at: table.source.place,
          problem: "its forward function wrote past the end of output \(index), for which its shape function declared "
            + "\(counts[index]) elements",
          advice: "correct the plugin")
      }
    }
  }
}

/// A node of a plugin's operator that has a gradient.
struct DifferentiablePluginOperator: DifferentiableOperator {
  let base: PluginOperator

  func infer(_ inputs: NodeInputs) throws -> [ValueInfo] { try base.infer(inputs) }

  func kernel(_ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest) throws -> Kernel {
    try base.kernel(inputs, outputs, request)
  }

  func gradient(
    _ wanted: Set<Int>, _ inputs: NodeInputs, _ outputs: [ValueInfo], _ request: KernelRequest
  ) throws -> GradientRule {
    let table = base.table, state = base.state, vjp = table.functions.vjp!
    let infos = (0..<inputs.count).map { inputs[$0] }, constants = infos.map { $0?.constant?.realigned }
    for input in wanted.sorted() where infos[input]?.elementType.isFloatingPoint != true {
      throw GradCAMError(
        .unsupported, at: table.source.place,
        problem: "operator \(table.name) has no gradient with respect to input \(input), which holds no "
          + "floating-point numbers")
    }
    let lentInputs = PluginTensors(infos), lentOutputs = PluginTensors(outputs)
    let counts = infos.map { $0?.shape.count ?? 0 }
    return GradientRule(
      "plugin", readsInputs: indices(table.functions.vjp_reads_inputs, below: inputs.count),
      readsOutputs: indices(table.functions.vjp_reads_outputs, below: outputs.count),
      guardByteCount: GuardZone.byteCount
    ) { run in
      let inputGradients = run.inputGradients, outputGradients = run.outputGradients
      let givenInputs = run.inputs, givenOutputs = run.outputs
      for (gradient, count) in zip(inputGradients, counts) where gradient != nil {
        gradient!.update(repeating: .nan, count: count)
        GuardZone.set(at: UnsafeMutableRawPointer(gradient! + count))
      }
      try lentInputs.lend(contents: { index in
        givenInputs[index].map { given in constants[index].map { UnsafeRawPointer($0.storage.base) } ?? given }
      }) { inputs in
        try lentOutputs.lend(contents: { givenOutputs[$0] }) { outputs in
          try outputGradients.withUnsafeBufferPointer { outputGradients in
            try inputGradients.withUnsafeBufferPointer { inputGradients in
              try PluginCall(table.source, pool: run.pool).perform("vjp") { call in
                var arguments = gradcam_vjp_arguments(
                  size: MemoryLayout<gradcam_vjp_arguments>.size, call: call, input_count: lentInputs.count,
                  inputs: inputs, output_count: lentOutputs.count, outputs: outputs,
                  output_gradients: outputGradients.baseAddress, input_gradients: inputGradients.baseAddress)
                return vjp(state.pointer, &arguments)
              }
            }
          }
        }
      }
      for (index, (gradient, count)) in zip(inputGradients, counts).enumerated() {
        guard let gradient, !GuardZone.isIntact(at: UnsafeMutableRawPointer(gradient + count)) else { continue }
        throw GradCAMError(
          .badData, at: table.source.place,
          problem: "its vjp function wrote past the end of the gradient of input \(index), which has \(count) elements",
          advice: "correct the plugin")
      }
    }
  }

  /// The indices that are set in a mask.
  private func indices(_ mask: UInt64, below count: Int) -> Set<Int> {
    Set((0..<count).filter { mask >> UInt64(min($0, 63)) & 1 == 1 })
  }
}

extension Tensor {
  /// The same contents at a multiple of the element's size; nil if they already are.
  fileprivate var realigned: Tensor? {
    let size = elementType.storage.byteCount
    guard UInt(bitPattern: storage.base) % UInt(size) != 0 else { return nil }
    let copy = Tensor(uninitialized: elementType, shape: shape)
    copy.storage.base.copyMemory(from: storage.base, byteCount: shape.count * size)
    return copy
  }
}
