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

private func printJSON(_ value: some Encodable, _ formatting: JSONEncoder.OutputFormatting) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting = formatting.union([.sortedKeys, .withoutEscapingSlashes])
  encoder.nonConformingFloatEncodingStrategy = .convertToString(
    positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
  try Console.output(text: String(decoding: try encoder.encode(value), as: UTF8.self).withVisibleJSONStrings)
}
