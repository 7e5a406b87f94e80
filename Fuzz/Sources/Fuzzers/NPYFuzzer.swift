@testable import GradCAM
import Graph

/// Reads an array, as every element type of a model's input.
func fuzzNPY(_ input: [UInt8]) throws {
  let array = try NPYArray(decoding: input)
  for type in [ElementType.float32, .int64, .bool] { _ = array.tensor(of: type) }
  _ = try NPYArray(decoding: array.encoded)
}
