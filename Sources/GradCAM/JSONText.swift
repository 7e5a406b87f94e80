#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A value as one JSON document, without a line end.
package func jsonDocument(_ value: some Encodable) throws -> String { try jsonText(value, [.prettyPrinted]) }

/// A value as one line of JSON, without its end.
package func jsonLine(_ value: some Encodable) throws -> String { try jsonText(value, []) }

/// The value that a JSON document stands for; nil if it stands for no such value.
package func decodedJSON<Value: Decodable>(_ bytes: [UInt8]) -> Value? {
  try? parsedJSON(bytes)
}

/// The value that a JSON document stands for.
///
/// Throws `DecodingError` if it stands for no such value.
package func parsedJSON<Value: Decodable>(_ bytes: [UInt8]) throws -> Value {
  try JSONDecoder().decode(Value.self, from: Data(bytes))
}

/// A value as JSON, with the keys of objects in order.
package func jsonText(_ value: some Encodable, _ formatting: JSONEncoder.OutputFormatting) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = formatting.union([.sortedKeys, .withoutEscapingSlashes])
  encoder.nonConformingFloatEncodingStrategy = .convertToString(
    positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
  return String(decoding: try encoder.encode(value), as: UTF8.self).withVisibleJSONStrings
}
