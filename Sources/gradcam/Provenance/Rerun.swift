import ArgumentParser
import GradCAM
import Graph

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

struct Rerun: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rerun",
    abstract: "Repeats the run that a file of --provenance tells of, and says whether it makes the same bytes.",
    discussion: """
      First, the files that were read must be what they were. Then the run is repeated with the same arguments from the \
      same directory, and what it would write is compared with what was written then. Nothing is written, unless \
      --output names a folder for it.

      The file is not trusted: options by which a run may do more (--plugin, --plugin-dir, --memory-limit, --max-pixels) \
      count only if they are given to rerun, too.
      """)

  @Argument(help: "A file that --provenance wrote.", completion: .file(extensions: ["json"])) var file: String
  @Option(
    help: ArgumentHelp("Write what the run makes into a folder, which is new or empty.", valueName: "DIR"),
    completion: .directory)
  var output: String?
  @Option(
    help: ArgumentHelp("The directory to run in, instead of the one of the file.", valueName: "DIR"),
    completion: .directory)
  var directory: String?
  @Flag(help: "Print one JSON document.") var json = false
  @OptionGroup var console: ConsoleOptions
  @OptionGroup(title: "What the run may do") var limits: PictureLimitOptions
  @OptionGroup(title: "What the run may do") var memory: MemoryOptions
  @OptionGroup(title: "What the run may do") var plugins: PluginOptions
  @OptionGroup(title: "What the run may do") var sandbox: SandboxOptions

  /// The commands that can be repeated.
  private static let repeatable = [Explain.self, Sweep.self, Compare.self, Evaluate.self as any RepeatableCommand.Type]
    .map { $0.configuration.commandName ?? "" }

  func run() throws {
    let before = try Provenance(contentsOf: file)
    var command = try located(file) { try self.command(of: before) }
    let folder = output.map(Self.absolute), libraries = try plugins.paths().map(Self.absolute)
    // Relative paths of plugins would mean others in another directory.
    unsetenv("GRADCAM_PLUGINS")
    let place = directory ?? before.directory
    guard chdir(place) == 0 else {
      throw GradCAMError(
        .unreadable, at: file, problem: "was made in \(place), which is no directory here",
        advice: "give --directory DIR")
    }
    let changes = before.inputs.data.compactMap(InputChange.init) + pluginChanges(before.inputs.plugins, libraries)
    guard changes.isEmpty else { return try report(RerunReport(file: file, inputs: changes)) }

    command.host.models = command.host.models ?? before.model_folder
    command.host.sandbox = sandbox
    (command.host.plugins.libraries, command.host.plugins.folders) = (libraries, [])
    if !plugins.preferred.isEmpty { command.host.plugins.preferred = plugins.preferred }
    if let folder { try Self.createEmpty(folder) }
    let after = try repeated(command, before, to: folder.map { .folder($0) } ?? .nowhere)
    try report(RerunReport(file: file, before, after, folder: output))
  }

  /// The command that made the results, with the options that a file may give.
  ///
  /// Throws `badData` if they are no arguments of a command that can be repeated, and `usage` for options that must be
  /// given to this command, too.
  private func command(of provenance: Provenance) throws -> any RepeatableCommand {
    let arguments = provenance.arguments
    // Nothing else is even parsed: the parser has commands of its own.
    guard let name = arguments.first, Self.repeatable.contains(name) else {
      throw GradCAMError(
        .badData, problem: "tells of the command '\(arguments.first ?? "")', which cannot be repeated",
        advice: "\(Self.repeatable.joined(separator: ", ")) can")
    }
    // Options set limits and what is printed as soon as they are parsed.
    defer { Console.isQuiet = console.quiet }
    guard !arguments.contains(where: { $0.contains("\0") }),
      let command = try? GradCAMCommand.parseAsRoot(arguments) as? any RepeatableCommand
    else {
      throw GradCAMError(
        .badData,
        problem: "tells of arguments that gradcam \(programVersion) does not take: "
          + arguments.prefix(8).joined(separator: " "),
        advice: "use the version that wrote it, \(provenance.version)")
    }
    func check(_ option: String, _ asked: String?, _ given: String?) throws {
      guard let asked, asked != given else { return }
      throw GradCAMError(
        .usage, problem: "the run had \(option) \(asked), which a file cannot allow",
        advice: "give \(option) \(asked) to rerun, too, if you trust the file")
    }
    try check("--memory-limit", command.host.memory.limit, memory.limit)
    try check("--max-pixels", command.pictureLimits.maxPixels.map(String.init), limits.maxPixels.map(String.init))
    let loaded = provenance.inputs.plugins.map(\.path)
    if let first = loaded.first, try plugins.paths().isEmpty {
      throw GradCAMError(
        .usage, problem: "the run had the plugin \(first), which is a program that a file cannot start",
        advice: "give --plugin \(first) to rerun, too, if you trust it")
    }
    return command
  }

  /// The plugins that are not what they were, wherever they lie.
  private func pluginChanges(_ before: [Provenance.File], _ libraries: [String]) -> [InputChange] {
    let now = libraries.map { Provenance.File($0) }
    return before.filter { plugin in !now.contains { $0.sha256 == plugin.sha256 } }
      .map { InputChange(path: $0.path, change: .differs) }
  }

  /// Repeats a run in the working directory.
  private func repeated(
    _ command: any RepeatableCommand, _ before: Provenance, to destination: OutputFiles.Destination
  ) throws -> Provenance {
    var command = command, after: Provenance?
    ThisRun.arguments = before.arguments
    ThisRun.directory = before.directory
    ThisRun.receiver = { after = $0 }
    OutputFiles.destination = destination
    Console.isMuted = true
    Console.isQuiet = true
    defer { (Console.isMuted, Console.isQuiet) = (false, console.quiet) }
    do {
      try command.run()
    } catch let error as GradCAMError where after != nil && error.isAboutFile {
      // Some pictures could not be explained, then as now.
    }
    guard let after else {
      throw GradCAMError(
        .badData, at: file, problem: "tells of a run that says nothing of its results",
        advice: "give a file that --provenance wrote")
    }
    return after
  }

  private func report(_ report: RerunReport) throws {
    if json { try printJSON(report) } else { try report.describe() }
    if let missing = report.inputs.first(where: { $0.change == .missing }) {
      throw GradCAMError(
        .unreadable, at: missing.path, problem: "cannot be read", advice: "put it back, or give --directory DIR")
    }
    guard report.same else { throw ExitCode(1) }
  }

  private static func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : "\(ThisRun.directory)/\(path)"
  }

  /// Creates a folder, unless it is there and empty.
  private static func createEmpty(_ path: String) throws {
    try createFolder(at: path)
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
      throw GradCAMError(.unwritable, at: path, problem: "is not a folder", advice: "give the name of a new one")
    }
    guard names.isEmpty else {
      throw GradCAMError(.usage, at: "--output \(path)", problem: "is not empty", advice: "name a new folder")
    }
  }
}

/// A command that can say how its results came about, and therefore be repeated.
protocol RepeatableCommand: ParsableCommand {
  var host: HostOptions { get set }
  var pictureLimits: PictureLimitOptions { get }
}

extension Explain: RepeatableCommand { var pictureLimits: PictureLimitOptions { image.limits } }
extension Sweep: RepeatableCommand { var pictureLimits: PictureLimitOptions { image.limits } }
extension Compare: RepeatableCommand { var pictureLimits: PictureLimitOptions { image.limits } }
extension Evaluate: RepeatableCommand { var pictureLimits: PictureLimitOptions { image.limits } }

extension Provenance {
  /// Reads a file that `--provenance` wrote.
  ///
  /// Throws `unreadable`, or `badData` if it is none.
  init(contentsOf path: String) throws {
    let bytes = try contentsOfFile(at: path)
    guard let provenance: Provenance = decodedJSON(bytes) else {
      throw GradCAMError(
        .badData, at: path, problem: "does not tell how results came about",
        advice: "give a file that --provenance wrote")
    }
    self = provenance
  }
}
