import ArgumentParser
import GradCAM
import Graph

struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Runs ONNX backend-test cases and compares their outputs.",
    discussion: """
      A case is a folder with model.onnx and test_data_set_*/input_*.pb and output_*.pb. Any other folder is \
      searched for cases. Every case that fails or is skipped gets a line with the reason; the last line is \
      'N passed, N failed, N skipped'. Cases that use an unsupported operator or type are skipped. \
      The exit code is 1 if a case failed or, with --manifest, if an outcome differs from the manifest. \
      With plugins, every case runs in its own process; if a plugin crashes, the case has failed.
      """)

  @Argument(help: "Folders of cases.", completion: .directory) var folders: [String]
  @Option(help: "Relative tolerance.") var rtol: Float = 1e-3
  @Option(help: "Absolute tolerance.") var atol: Float = 1e-5
  @Option(
    help: ArgumentHelp(
      "Expected outcomes: lines 'pass NAME [rtol=N] [atol=N]', 'skip NAME # reason', 'fail NAME # reason'.",
      valueName: "FILE"), completion: .file())
  var manifest: String?
  @Flag(help: "Print one JSON document.") var json = false
  @OptionGroup var memory: MemoryOptions
  @OptionGroup(title: "Plugins") var plugins: PluginOptions
  @OptionGroup var sandbox: SandboxOptions
  @Flag(help: .hidden) var inThisProcess = false

  private struct Row: Encodable {
    let `case`, status: String
    @Nullable var reason: String?
  }

  /// The function that runs one of some cases.
  private func runner(
    _ cases: [ConformanceCase], _ manifest: ConformanceManifest?
  ) throws -> (ConformanceCase) throws -> ConformanceOutcome {
    guard try inThisProcess || plugins.paths().isEmpty else {
      // Each case's process has its own sandbox.
      let options =
        ["--sandbox", sandbox.sandbox.rawValue, "--rtol=\(rtol)", "--atol=\(atol)"] + memory.arguments
        + (self.manifest.map { ["--manifest", $0] } ?? [])
      return CaseProcess(arguments: ["check", "--json", "--in-this-process"] + options + plugins.arguments).run
    }
    try sandbox.enter(NamedFiles(read: cases.map(\.folder)), plugins: try plugins.paths())
    return ConformanceRunner(
      relativeTolerance: rtol, absoluteTolerance: atol, manifest: manifest, operators: try plugins.registry().operators
    ).run
  }

  func run() throws {
    let cases = try folders.flatMap { try ConformanceCase.find(in: $0) }
    guard !cases.isEmpty else {
      throw GradCAMError(
        .unreadable, at: folders.joined(separator: ", "), problem: "holds no case",
        advice: "a case is a folder with model.onnx and test_data_set_0")
    }
    let manifest = try manifest.map { try ConformanceManifest(contentsOf: $0) }
    let run = try runner(cases, manifest)
    var surprises: [String] = [], rows: [Row] = []
    var counts: [ConformanceOutcome.Status: Int] = [:]
    for (index, each) in cases.enumerated() {
      Console.progress(index, of: cases.count, each.name)
      let outcome = try run(each)
      counts[outcome.status, default: 0] += 1
      rows.append(Row(case: each.name, status: outcome.status.rawValue, reason: outcome.reason?.asOptions))
      if let surprise = manifest?.surprise(each.name, outcome) { surprises.append("\(each.name) \(surprise)") }
      if !json, let reason = outcome.reason {
        Console.clearProgress()
        try Console.print("\(outcome.status.rawValue) \(each.name): \(reason.asOptions)")
      }
    }
    Console.clearProgress()
    if json { try printJSON(rows) }
    if inThisProcess { return }
    let summary = "\(counts[.passed] ?? 0) passed, \(counts[.failed] ?? 0) failed, \(counts[.skipped] ?? 0) skipped"
    if !json { try Console.print(summary) }
    for surprise in surprises { Console.warn("\(surprise); correct the program or the manifest") }
    if manifest == nil ? counts[.failed] ?? 0 > 0 : !surprises.isEmpty { throw ExitCode(1) }
  }
}
