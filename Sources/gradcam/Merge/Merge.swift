import ArgumentParser
import GradCAM
import Graph

struct Merge: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Joins the rows of shards into one table, in which every image stands once.",
    discussion: """
      Rows are those of explain --rows and evaluate --output, all of one configuration. They are sorted by their images' \
      names. Rows that are there twice are counted and dropped; rows that contradict each other, and images that --expect \
      lists and no file has, end the program with exit code 65, and nothing is written.
      """)

  @Argument(
    help: "Files of rows: .jsonl or .csv.", completion: .file(extensions: ["jsonl", "csv"])) var files: [String]
  @Option(
    help: ArgumentHelp("The table: JSON lines (.jsonl) or .csv. It replaces an earlier one.", valueName: "FILE"),
    completion: .file())
  var output: String
  @Option(
    help: ArgumentHelp(
      "The images that must have rows, and no others: a list of their names, - for standard input; or the folder or tar "
        + "archive that they are in.", valueName: "LIST|DIR|TAR"), completion: .file())
  var expect: String?
  @Option(
    name: .customLong("fail-if"),
    help: ArgumentHelp(
      "End with exit code 1 if a mean of the table is as it should not be, as in 'pointing-game<0.8'. Repeatable.",
      valueName: "METRIC<NUMBER"))
  var conditions: [String] = []
  @Flag(help: "Print one JSON document.") var json = false
  @OptionGroup var console: ConsoleOptions
  @OptionGroup var sandbox: SandboxOptions

  func run() throws {
    let gates = try conditions.map { try Gate(onMetric: $0) }
    let format = try RowFormat(ofOutput: output)
    let expected = try expect.map { path in
      try isFolder(path) || ImageArchive.isOne(path) ? NamedImages([path]) : NamedImages([], list: path)
    }
    try sandbox.enter(
      NamedFiles(read: files + (expected?.readPaths() ?? []), written: OutputFiles.folders ?? [output]), plugins: [])
    var claimed = ClaimedPaths(inputs: files)
    try claimed.claim(output)
    OutputFiles.areDurable = true
    let folder = enclosingFolder(of: output)
    let table = try RowTable(files, sortedIn: folder)
    let writer = try RowWriter(output, format, table)
    let wanted = try expected.map { try ExpectedImages($0, sortedIn: folder) }
    var summary = EvaluationSummary(table.metrics.compactMap { try? Metrics.named($0) })
    var report = MergeReport(output: output)
    try table.forEachImage { image, rows, doubled in
      try wanted?.has(image)
      report.images += 1
      report.failed += rows.contains { $0.row.error != nil } ? 1 : 0
      report.repeated += doubled
      report.rows += rows.count
      for row in rows {
        try writer.write(row)
        if row.row.method != nil { summary.add(row.row) }
      }
    }
    try wanted?.finish()
    try writer.finish()
    let evaluation = summary.report(model: "", node: "", images: report.images, output: output)
    report.metrics = evaluation.metrics
    if json { try printJSON(report) } else { try report.describe(evaluation) }
    try check(gates, evaluation.means)
  }
}

/// What `merge` prints.
struct MergeReport: Encodable {
  /// How many images there are, and how many of them failed.
  var images = 0, failed = 0
  var rows = 0
  /// How many rows were there more than once.
  var repeated = 0
  let output: String
  var metrics: [EvaluationReport.Metric] = []

  init(output: String) { self.output = output }

  func describe(_ evaluation: EvaluationReport) throws {
    if !metrics.isEmpty { try evaluation.describeMeans() }
    let bad = failed == 0 ? "" : ", \(failed) failed"
    let again = repeated == 0 ? "" : "; \(counted(repeated, "row")) that stood there twice, dropped"
    try Console.print("\(counted(images, "image"))\(bad), \(counted(rows, "row")) → \(output)\(again)")
  }
}
