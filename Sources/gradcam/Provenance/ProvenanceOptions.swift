import ArgumentParser
import GradCAM

/// The option that commands share which can say how their results came about.
struct ProvenanceOptions: ParsableArguments {
  @Option(
    name: .customLong("provenance"),
    help: ArgumentHelp(
      "Write how the results came about, as JSON: version, arguments, nodes and classes as resolved, processor, and "
        + "SHA-256 of all files. 'gradcam rerun FILE' repeats the run.", valueName: "FILE"),
    completion: .file(extensions: ["json"]))
  var path: String?

  mutating func validate() throws {
    if path == "" { throw ValidationError("--provenance is empty; name a file.") }
  }

  /// Whether the whole provenance of the run is wanted.
  var isAsked: Bool { path != nil || ThisRun.receiver != nil }

  /// Hands over the whole provenance of the run, which is complete.
  ///
  /// Throws `unwritable` if its file cannot be written.
  func write(_ provenance: Provenance) throws {
    if let path { try writeAtomically(Array((try jsonDocument(provenance) + "\n").utf8), to: path) }
    ThisRun.receiver?(provenance)
  }
}

/// What is known of the run of the program from outside; set before any thread starts.
enum ThisRun {
  /// The arguments that it was given.
  nonisolated(unsafe) static var arguments = Array(CommandLine.arguments.dropFirst())
  /// The directory that it was started in.
  nonisolated(unsafe) static var directory = workingDirectory
  /// What takes the provenance of its results; nil if nothing does.
  nonisolated(unsafe) static var receiver: ((Provenance) -> Void)?
}
