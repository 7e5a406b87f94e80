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
  try Console.output(text: try jsonText(value, formatting))
}
