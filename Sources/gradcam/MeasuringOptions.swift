import ArgumentParser
import GradCAM
import Graph

/// What maps of many images are about, and what they are measured by.
struct MeasuringOptions: ParsableArguments {
  @Option(
    name: .customLong("class"),
    help: ArgumentHelp("Class explained of every image, by number or label. Repeatable.", valueName: "N|LABEL"))
  var classes: [String] = []
  @Option(
    name: .customLong("metric"),
    help: ArgumentHelp(
      "Metric: \(Metrics.names), or none. Repeatable; all by default, those that need boxes where --boxes are given.",
      valueName: "NAME"))
  var metrics: [String] = []
  @OptionGroup var boxes: BoxOptions

  /// The metrics asked for; where none is, all that can be told.
  ///
  /// Throws `usage` for a name that is no metric, or that needs boxes where there are none.
  var chosenMetrics: [any Metric] {
    get throws {
      metrics.isEmpty
        ? Metrics.all.filter { boxes.path != nil || !$0.needsBoxes }
        : try metrics.withoutRepeats.compactMap(boxes.metric(named:))
    }
  }
}

/// Where objects are in pictures.
struct BoxOptions: ParsableArguments {
  @Option(
    name: .customLong("boxes"),
    help: ArgumentHelp(
      #"Boxes of the objects: {"PICTURE": [{"label": "NAME", "box": [left, top, right, bottom]}]}."#,
      valueName: "FILE.json"))
  var path: String?

  /// The boxes.
  func read() throws -> ObjectBoxes? { try path.map { try ObjectBoxes(contentsOf: $0) } }

  /// The metric of a name; nil for `none`.
  ///
  /// Throws `usage` where it is no metric, or needs boxes and there are none.
  func metric(named name: String) throws -> (any Metric)? {
    guard name != "none" else { return nil }
    let metric = try Metrics.named(name)
    guard path != nil || !metric.needsBoxes else {
      throw GradCAMError(
        .usage, at: "--metric \(name)", problem: "needs the boxes of objects", advice: "give --boxes FILE.json")
    }
    return metric
  }
}

extension Metrics {
  /// The names of all metrics, for help texts.
  static var names: String { all.map(\.name).joined(separator: ", ") }
}

/// What is better, in words.
func directionText(higherIsBetter: Bool) -> String { higherIsBetter ? "higher is better" : "lower is better" }
