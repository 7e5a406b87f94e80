import CGradCAMPlugin
import Graph

/// A CAM method of a plugin.
struct PluginMethod: TapMethod {
  fileprivate let table: PluginMethodTable

  /// The method of a table, in the form that its functions have.
  static func made(of functions: gradcam_method, name: String, _ source: PluginSource) -> any CAMMethod {
    let table = PluginMethodTable(source: source, name: name, functions: functions)
    return functions.weights == nil ? PluginMethod(table: table) : PluginWeightingMethod(table: table)
  }

  var isRectified: Bool { table.isRectified }

  func passCount(at tap: Tap) -> Int { 1 }

  func map(of tap: Tap) throws -> HeatMap { try map(of: tap, in: nil) }

  func map(of tap: Tap, probe: Probe) throws -> HeatMap { try map(of: tap, in: probe) }

  private func map(of tap: Tap, in probe: Probe?) throws -> HeatMap {
    let map = try table.numbers(tap.plane, of: tap, in: probe, table.functions.map)
    return tap.map(map)
  }
}

/// A CAM method of a plugin that weights channels.
private struct PluginWeightingMethod: TapMethod, WeightingMethod {
  let table: PluginMethodTable

  var isRectified: Bool { table.isRectified }

  func passCount(at tap: Tap) -> Int { 1 }

  func map(of tap: Tap) throws -> HeatMap { try weighting(of: tap, in: nil).sum() }

  func map(of tap: Tap, probe: Probe) throws -> HeatMap { try weighting(of: tap, probe: probe).sum() }

  func weighting(of tap: Tap, probe: Probe) throws -> Weighting { try weighting(of: tap, in: probe) }

  private func weighting(of tap: Tap, in probe: Probe?) throws -> Weighting {
    Weighting(tap, weights: try table.numbers(tap.channels, of: tap, in: probe, table.functions.weights))
  }
}

/// The functions are never written, and live as long as the process.
private struct PluginMethodTable: @unchecked Sendable {
  let source: PluginSource
  let name: String
  let functions: gradcam_method

  var isRectified: Bool { functions.keeps_negative == 0 }

  /// The numbers that one of the functions writes for a node.
  func numbers(
    _ count: Int, of tap: Tap, in probe: Probe?,
    _ function: (@convention(c) (UnsafePointer<gradcam_feature_map>?, UnsafeMutablePointer<Float>?) -> gradcam_status)?
  ) throws -> [Float] {
    guard tap.size.rank < 3 else {
      throw GradCAMError(
        .unsupported, at: "\(.method, name)", problem: "is a plugin's, and plugins know height and width alone",
        advice: "choose a built-in method")
    }
    return try tap.activation.withUnsafeBufferPointer { activation in
      try tap.gradient.withUnsafeBufferPointer { gradient in
        try source.floats(count, of: "method '\(name)'", pool: probe?.observation.planner.pool) { call, numbers in
          var node = gradcam_feature_map(
            size: MemoryLayout<gradcam_feature_map>.size, call: call, channels: tap.channels, height: tap.height,
            width: tap.width, activation: activation.baseAddress, gradient: gradient.baseAddress)
          return function!(&node, numbers)
        }
      }
    }
  }
}
