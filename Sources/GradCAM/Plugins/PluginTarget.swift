import CGradCAMPlugin
import Graph

/// A target of a plugin, with the user's argument.
///
/// The functions are never written, and live as long as the process.
struct PluginTarget: TargetFunction, @unchecked Sendable {
  let source: PluginSource
  let name, argument: String
  let functions: gradcam_target

  func score(_ elements: [Float], shape: Shape) throws -> Float { try numbers(1, elements, shape, functions.score)[0] }

  func gradient(_ elements: [Float], shape: Shape) throws -> [Float] {
    try numbers(elements.count, elements, shape, functions.gradient)
  }

  private func numbers(
    _ count: Int, _ elements: [Float], _ shape: Shape,
    _ function:
      @convention(c) (UnsafePointer<gradcam_target_arguments>?, UnsafeMutablePointer<Float>?) -> gradcam_status
  ) throws -> [Float] {
    try elements.withUnsafeBufferPointer { elements in
      try PluginTensors([ValueInfo(.float32, shape)]).lend(contents: { _ in
        UnsafeRawPointer(elements.baseAddress)
      }) { lent in
        try argument.withCString { argument in
          try source.floats(count, of: "target '\(name)'") { call, numbers in
            var arguments = gradcam_target_arguments(
              size: MemoryLayout<gradcam_target_arguments>.size, call: call, elements: lent[0], argument: argument)
            return function(&arguments, numbers)
          }
        }
      }
    }
  }
}
