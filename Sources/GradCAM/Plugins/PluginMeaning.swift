import CGradCAMPlugin
import Graph

extension PluginOperator {
  var role: OperatorRole { OperatorRole(plugin: table.functions.role) }

  func axes(_ inputs: NodeInputs) -> AxisMapping {
    meaning(of: inputs) { meaning in
      let rank = inputs[0]?.shape.rank ?? 0
      switch meaning.axes {
      case Int64(GRADCAM_AXES_CHANNELS_FIRST): return .channelsFirst
      case Int64(GRADCAM_AXES_RESHAPED): return .reshaped
      case Int64(GRADCAM_AXES_JOINED):
        let axis = Int(clamping: meaning.joined_axis)
        return (0..<rank).contains(axis) ? .joined(axis: axis) : .elementwise
      case Int64(GRADCAM_AXES_SLICED):
        guard let starts = meaning.starts, let steps = meaning.steps else { return .elementwise }
        return .sliced(starts: integers(starts, rank), steps: integers(steps, rank))
      case Int64(GRADCAM_AXES_LABELLED):
        guard let labels = meaning.input_labels, let result = meaning.result_labels else { return .elementwise }
        let ofInputs = (0..<inputs.count).map { index in
          labels[index].map { integers($0, inputs[index]?.shape.rank ?? 0) } ?? []
        }
        return .labelled(ofInputs, result: integers(result, meaning.result_rank))
      default: return .elementwise
      }
    } ?? .elementwise
  }

  func channelBias(_ inputs: NodeInputs) -> [Float]? {
    meaning(of: inputs) { meaning in meaning.channel_bias.map { floats($0, meaning.channel_count) } } ?? nil
  }

  func linearWeights(_ inputs: NodeInputs) -> LinearWeights? {
    meaning(of: inputs) { meaning in
      meaning.linear_weights.map {
        LinearWeights(
          floats($0, meaning.weight_result_count * meaning.weight_input_count), inputCount: meaning.weight_input_count)
      }
    } ?? nil
  }

  func averagedAxes(_ inputs: NodeInputs) -> Set<Int>? {
    meaning(of: inputs) { meaning in
      meaning.averaged_axes.map { Set(integers($0, meaning.averaged_axis_count)) }
    } ?? nil
  }

  /// What the plugin says about a node, read while its pointers are valid; nil if it says nothing or fails.
  private func meaning<Answer>(of inputs: NodeInputs, _ read: (gradcam_meaning) -> Answer) -> Answer? {
    guard let function = table.functions.meaning else { return nil }
    var meaning = gradcam_meaning()
    meaning.size = MemoryLayout<gradcam_meaning>.size
    let call = PluginCall(table.source)
    do {
      try ask("meaning", about: (0..<inputs.count).map { inputs[$0] }, call) { function(state.pointer, $0, &meaning) }
      return withExtendedLifetime(call) { read(meaning) }
    } catch {
      table.source.log("\(table.source.place): operator \(table.name): \(error)")
      return nil
    }
  }

  private func integers(_ numbers: UnsafePointer<Int64>, _ count: Int) -> [Int] {
    UnsafeBufferPointer(start: numbers, count: count).map { Int(clamping: $0) }
  }

  private func floats(_ numbers: UnsafePointer<Float>, _ count: Int) -> [Float] {
    Array(UnsafeBufferPointer(start: numbers, count: count))
  }
}

extension DifferentiablePluginOperator {
  var role: OperatorRole { base.role }
  func axes(_ inputs: NodeInputs) -> AxisMapping { base.axes(inputs) }
  func channelBias(_ inputs: NodeInputs) -> [Float]? { base.channelBias(inputs) }
  func linearWeights(_ inputs: NodeInputs) -> LinearWeights? { base.linearWeights(inputs) }
  func averagedAxes(_ inputs: NodeInputs) -> Set<Int>? { base.averagedAxes(inputs) }
  func rectifies(_ inputs: NodeInputs) -> Bool { base.table.functions.is_rectifier != 0 }
}

extension OperatorRole {
  /// The role with a number in the plugin's header; a number that this program does not know is `other`.
  fileprivate init(plugin number: Int64) {
    let roles: [Int32: OperatorRole] = [
      GRADCAM_ROLE_IDENTITY: .identity, GRADCAM_ROLE_CONVOLUTION: .convolution, GRADCAM_ROLE_PRODUCT: .product,
      GRADCAM_ROLE_SUM: .sum, GRADCAM_ROLE_NORMALIZATION: .normalization, GRADCAM_ROLE_SOFTMAX: .softmax,
      GRADCAM_ROLE_SIGMOID: .sigmoid, GRADCAM_ROLE_ATTENTION: .attention,
      GRADCAM_ROLE_CONCATENATION: .concatenation, GRADCAM_ROLE_SELECTION: .selection,
    ]
    self = Int32(exactly: number).flatMap { roles[$0] } ?? .other
  }
}
