import ArgumentParser
import GradCAM
import Graph

/// Ends the program with exit code 1 if conditions of `--fail-if` are met, after a line about each value that meets
/// one.
///
/// - Parameter values: gives what has a value of a figure, and the value; nil if it was not measured.
///
/// Throws `badData` for a figure that was not measured.
func check(_ gates: [Gate], _ values: (_ figure: String) -> [(subject: String, value: Double?)]) throws {
  let failures = try gates.flatMap { gate in try gate.failures(values(gate.figure)).map { (gate, $0) } }
  Console.clearProgress()
  for (gate, failure) in failures { Console.note("gradcam: failed: \(failure) (--fail-if '\(gate.text)')") }
  if !failures.isEmpty { throw ExitCode(1) }
}
