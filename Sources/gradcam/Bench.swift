import ArgumentParser
import GradCAM
import Graph

struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Times loading, forward pass, backward pass, map and whole explanation.",
    discussion: """
      The input is a fixed pseudo-random image. The target is chosen once, by default the top class. Times are in \
      milliseconds. Weights are packed beforehand, as explain does for more than 8 images.
      """)

  @Argument(help: "The exported network: a file, or a name in the models folder.", completion: .model)
  var model: String
  @Option(help: ArgumentHelp("Target layer, as explain takes it.", valueName: "NAME"), completion: .node) var node =
    "auto"
  @OptionGroup var threads: ThreadOptions
  @Option(help: ArgumentHelp("Measured runs, after two warm-up runs.", valueName: "N")) var runs = 10
  @Flag(help: "Also report the time of every operator and node, with the kernel chosen.") var profile = false
  @Flag(help: "Print one JSON document.") var json = false
  @OptionGroup(title: "Target") var target: TargetOptions
  @OptionGroup(title: "Feature map") var featureMap: FeatureMapOptions
  @OptionGroup(title: "Input and labels") var image: ImageOptions
  @OptionGroup(title: "Models and plugins") var host: HostOptions

  mutating func validate() throws {
    if target.classes.count > 1 { throw ValidationError("Give one --class.") }
    if runs < 1 { throw ValidationError("--runs must be at least 1.") }
  }

  private struct Times: Encodable {
    let min, median: Double

    init(_ milliseconds: [Double]) {
      min = milliseconds.min()!
      median = milliseconds.median
    }
  }

  private struct Step: Encodable {
    let node, `operator`, kernel: String
    let backward: Bool
    let ms, gflop: Double

    /// - Parameter timings: those of all runs.
    init(_ timings: [Executor.StepTiming]) {
      let timing = timings[0]
      node = timing.node
      `operator` = "\(timing.operatorName)"
      kernel = timing.kernel
      backward = timing.isBackward
      ms = timings.map(\.duration.milliseconds).median
      gflop = timing.operationCount / 1e9
    }
  }

  private struct Report: Encodable {
    let model, node: String
    let threads, runs: Int
    let load_ms: Double
    let forward_ms, backward_ms, map_ms, whole_ms: Times
    let peak_mb, gflop: Double
    let profile: [Step]?
  }

  func run() throws {
    let clock = ContinuousClock()
    try host.enterSandbox(models: [self.model], read: image.paths, target.request.paths)
    let start = clock.now
    let opened = try OpenedModel(self.model, host, image, target.request), model = opened.model
    let (explainer, choice) = try opened.explainer(
      nodes: [node], hint: featureMap.hint, of: nil, threadCount: threads.count, reusesWeights: true)
    let load = clock.now - start
    let planner = explainer.planner
    let focus = explainer.focus
    let input = try explainer.prepare(explainer.noise.merging(opened.tensors.images) { $1 })
    let method = try model.registry.method(named: "gradcam") as! any TapMethod

    var forward: [Double] = [], backward: [Double] = [], map: [Double] = [], whole: [Double] = []
    let explained = try choice.targets(explainer, of: explainer.observe(input))[0]
    for run in -2..<runs {
      let start = clock.now
      let observation = try explainer.observe(input)
      let forwardDone = clock.now
      let tap = try observation.taps(of: explained)[0]
      let backwardDone = clock.now
      _ = Compatibility.pytorchGradCAM.drawnMap(try method.map(of: tap), geometry: input.geometry)
      let end = clock.now
      guard run >= 0 else { continue }
      forward.append((forwardDone - start).milliseconds)
      backward.append((backwardDone - forwardDone).milliseconds)
      map.append((end - backwardDone).milliseconds)
      whole.append((end - start).milliseconds)
    }
    let steps = profile ? try profile(explained, of: explainer.observe(input)) : nil
    let report = Report(
      model: model.path, node: focus.taps[0].label, threads: planner.pool.threadCount, runs: runs,
      load_ms: load.milliseconds, forward_ms: Times(forward), backward_ms: Times(backward), map_ms: Times(map),
      whole_ms: Times(whole), peak_mb: peakMegabytes, gflop: try planner.operationCount(focus) / 1e9,
      profile: steps)
    if json { return try printJSON(report) }
    try describe(report)
    if let steps { try describe(steps) }
  }

  /// The median of every step, after two warm-up runs.
  private func profile(_ target: any Target, of observation: Observation) throws -> [Step] {
    let all = try (-2..<runs).map { _ in try observation.profile(target) }.suffix(runs)
    return all[all.startIndex].indices.map { step in Step(all.map { $0[step] }) }
  }

  private func describe(_ report: Report) throws {
    try Console.print("\(report.model) at \(report.node), \(report.threads) threads, \(report.runs) runs")
    var table = Table(["", " min ms", " median ms"])
    table.add("load", decimal(report.load_ms, 2), decimal(report.load_ms, 2))
    for (name, times) in [
      ("forward", report.forward_ms), ("backward", report.backward_ms), ("map", report.map_ms),
      ("whole", report.whole_ms),
    ] { table.add(name, decimal(times.min, 2), decimal(times.median, 2)) }
    try Console.print(table)
    let rate = report.gflop / report.forward_ms.median * 1e3
    try Console.print(
      "peak memory \(decimal(report.peak_mb, 0)) MB, \(decimal(report.gflop, 2)) GFLOP forward, "
        + "\(decimal(rate, 0)) effective GFLOP/s")
  }

  private func describe(_ steps: [Step]) throws {
    var byOperator: [String: (count: Int, milliseconds: Double)] = [:]
    for step in steps {
      let key = "\(step.operator)\(step.backward ? " backward" : "") [\(step.kernel)]"
      byOperator[key, default: (0, 0)].count += 1
      byOperator[key]!.milliseconds += step.ms
    }
    var operators = Table(["operator [kernel]", " calls", " ms"])
    for (key, value) in byOperator.sorted(by: { $0.value.milliseconds > $1.value.milliseconds }) {
      operators.add(key, "\(value.count)", decimal(value.milliseconds, 3))
    }
    try Console.print("")
    try Console.print(operators)
    var nodes = Table(["node", "kernel", " ms", " GFLOP/s"])
    for step in steps {
      nodes.add(
        step.node + (step.backward ? " backward" : ""), step.kernel, decimal(step.ms, 3),
        step.gflop > 0 ? decimal(step.gflop / step.ms * 1e3, 0) : "")
    }
    try Console.print("")
    try Console.print(nodes)
  }

  /// The largest resident set of this process so far.
  private var peakMegabytes: Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return Double(usage.ru_maxrss) / 1024
  }
}
