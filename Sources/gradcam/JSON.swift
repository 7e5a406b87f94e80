import GradCAM

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Prints a value as one JSON document on standard output.
///
/// Throws `unwritable` if it cannot be written.
func printJSON(_ value: some Encodable) throws { try printJSON(value, [.prettyPrinted]) }

/// Prints a value as one line of JSON on standard output.
///
/// Throws `unwritable` if it cannot be written.
func printJSONLine(_ value: some Encodable) throws { try printJSON(value, []) }

/// A value as one JSON document, without a line end.
func jsonDocument(_ value: some Encodable) throws -> String { try json(value, [.prettyPrinted]) }

/// A value as one line of JSON, without its end.
func jsonLine(_ value: some Encodable) throws -> String { try json(value, []) }

/// The value that a JSON document stands for; nil if it stands for no such value.
func decodedJSON<Value: Decodable>(_ bytes: [UInt8]) -> Value? {
  try? parsedJSON(bytes)
}

/// The value that a JSON document stands for.
///
/// Throws `DecodingError` if it stands for no such value.
func parsedJSON<Value: Decodable>(_ bytes: [UInt8]) throws -> Value {
  try JSONDecoder().decode(Value.self, from: Data(bytes))
}

private func printJSON(_ value: some Encodable, _ formatting: JSONEncoder.OutputFormatting) throws {
  try Console.output(text: try json(value, formatting))
}

private func json(_ value: some Encodable, _ formatting: JSONEncoder.OutputFormatting) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = formatting.union([.sortedKeys, .withoutEscapingSlashes])
  encoder.nonConformingFloatEncodingStrategy = .convertToString(
    positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
  return String(decoding: try encoder.encode(value), as: UTF8.self).withVisibleJSONStrings
}
