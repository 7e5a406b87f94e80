import ArgumentParser
import GradCAM
import Graph

/// The classes that maps of many images explain, and the metrics that measure them.
struct MeasuringOptions: ParsableArguments {
  @Option(
    name: .customLong("class"),
    help: ArgumentHelp("Class explained in every image, by number or label. Repeatable.", valueName: "N|LABEL"),
    completion: .label)
  var classes: [String] = []
  @Option(
    name: .customLong("metric"),
    help: ArgumentHelp(
      "Metric: \(Metrics.names), or none. Repeatable. Default: \(Metrics.usualNames); those that need boxes only with "
        + "--boxes.",
      valueName: "NAME"), completion: .metric)
  var metrics: [String] = []
  @Flag(name: .customLong("no-random"), help: "Leave out the maps by chance, which others are compared with.")
  var leavesOutRandom = false
  @Option(
    name: .customLong("fail-if"),
    help: ArgumentHelp(
      "End with exit code 1 if a mean is as it should not be, as in 'pointing-game<0.8'. Repeatable.",
      valueName: "METRIC<NUMBER"))
  var conditions: [String] = []
  @OptionGroup var boxes: BoxOptions

  /// The conditions of `--fail-if`.
  ///
  /// Throws `usage` for what is none.
  func gates() throws -> [Gate] { try conditions.map { try Gate(onMetric: $0) } }

  /// The metrics asked for, and those of conditions; by default, all usual ones that can be measured.
  ///
  /// - Parameter hasBoxes: whether boxes are known, though none were given.
  ///
  /// Throws `usage` for an unknown metric, or for one that needs boxes if there are none.
  func chosenMetrics(hasBoxes: Bool = false) throws -> [any Metric] {
    var chosen =
      metrics.isEmpty
      ? Metrics.all.filter { $0.isUsual && (hasBoxes || boxes.path != nil || !$0.needsBoxes) }
      : try metrics.compactMap { try boxes.metric(named: $0, hasBoxes: hasBoxes) }
    chosen += try gates().compactMap { try boxes.metric(named: $0.figure, hasBoxes: hasBoxes) }
    var seen: Set<String> = []
    return chosen.filter { seen.insert($0.name).inserted }
  }
}

/// Where objects are in pictures.
struct BoxOptions: ParsableArguments {
  @Option(
    name: .customLong("boxes"),
    help: ArgumentHelp(
      "Boxes of the objects: a file of JSON, COCO, CSV, YOLO or Pascal VOC, or a folder of the last two.",
      valueName: "FILE|DIR"), completion: .file())
  var path: String?
  @Option(
    name: .customLong("label-map"),
    help: ArgumentHelp(
      "The class that a label of the boxes means; LABEL= leaves its boxes out, and * is any label that is no class. "
        + "Repeatable.",
      valueName: "LABEL=CLASS"), completion: .label)
  var labelMap: [String] = []

  /// The files that may be read: the file or folder named, and the names of YOLO's classes near it.
  var paths: [String] { path.map { [$0] + ObjectBoxes.filesRead(near: $0) } ?? [] }

  /// The files of boxes that there are.
  var files: [String] { path.map(ObjectBoxes.files) ?? [] }

  mutating func validate() throws {
    if path == nil, !labelMap.isEmpty { throw ValidationError("--label-map needs --boxes.") }
  }

  /// The boxes in pictures, after warnings about them; nil if none were given.
  ///
  /// Throws what `ObjectBoxes.init` throws.
  func read(of pictures: [String]) throws -> ObjectBoxes? {
    try read { try ObjectBoxes(contentsOf: $0, of: pictures, labelMap: $1) }
  }

  /// The same of pictures of which only some may be explained.
  ///
  /// Throws what going through them throws, too.
  func read(of images: NamedImages) throws -> ObjectBoxes? {
    guard path != nil else { return nil }
    var paths: [String] = [], sizes: [String: PixelSize] = [:]
    let stream = images.ofAllShards.stream()
    while let image = try stream.next() {
      paths.append(image.path)
      // Boxes of pictures without a known size are left out.
      if images.contains(image) { sizes[image.path] = try? image.pictureSize }
    }
    return try read { try ObjectBoxes(contentsOf: $0, of: paths, labelMap: $1) { sizes[$0] } }
  }

  /// The boxes in an image of a known size.
  func read(of image: String, size: PixelSize) throws -> ObjectBoxes? {
    try read { try ObjectBoxes(contentsOf: $0, of: [image], labelMap: $1) { _ in size } }
  }

  private func read(_ boxes: (String, LabelMap) throws -> ObjectBoxes) throws -> ObjectBoxes? {
    guard let path else { return nil }
    let boxes = try boxes(path, LabelMap(labelMap))
    for warning in boxes.warnings { Console.warn(warning) }
    for note in boxes.notes { Console.say("note: \(note.asOptions)") }
    return boxes
  }

  /// The metric with a name; nil for `none`.
  ///
  /// - Parameter hasBoxes: whether boxes are known, though none were given.
  ///
  /// Throws `usage` if it is unknown, or needs boxes and there are none.
  func metric(named name: String, hasBoxes: Bool = false) throws -> (any Metric)? {
    guard name != "none" else { return nil }
    let metric = try Metrics.named(name)
    guard hasBoxes || path != nil || !metric.needsBoxes else {
      throw GradCAMError(
        .usage, at: "--metric \(name)", problem: "needs the boxes of objects", advice: "give --boxes FILE")
    }
    return metric
  }
}

extension Metrics {
  /// The names of all metrics, for help texts.
  static var names: String { all.map(\.name).joined(separator: ", ") }

  /// The names of those that are measured unless others are asked for.
  static var usualNames: String { all.filter(\.isUsual).map(\.name).joined(separator: ", ") }
}

/// The direction of a metric, in words.
func directionText(higherIsBetter: Bool) -> String { higherIsBetter ? "higher is better" : "lower is better" }
