import ArgumentParser
import GradCAM
import Graph

/// What maps are measured by.
struct MetricOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      #"Boxes of the objects: {"PICTURE": [{"label": "NAME", "box": [left, top, right, bottom]}]}."#,
      valueName: "FILE.json"))
  var boxes: String?

  /// The boxes, read.
  func readBoxes() throws -> ObjectBoxes? { try boxes.map { try ObjectBoxes(contentsOf: $0) } }

  /// The metrics of some names; of none, all that can be told.
  ///
  /// Throws `usage` for a name that is no metric, or that needs boxes where there are none.
  static func chosen(_ names: [String], hasBoxes: Bool) throws -> [any Metric] {
    guard !names.isEmpty else { return Metrics.all.filter { hasBoxes || !$0.needsBoxes } }
    return try names.withoutRepeats.filter { $0 != "none" }.map { name in
      let metric = try Metrics.named(name)
      guard hasBoxes || !metric.needsBoxes else {
        throw GradCAMError(
          .usage, at: "--metric \(name)", problem: "needs the boxes of objects", advice: "give --boxes FILE.json")
      }
      return metric
    }
  }

  /// The names of all metrics, for help texts.
  static var names: String { Metrics.all.map(\.name).joined(separator: ", ") }
}
