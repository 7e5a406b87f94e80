import Graph

/// A number that says how good a map is.
public protocol Metric: Sendable {
  /// The name in requests, tables and files, such as `average-drop`.
  var name: String { get }
  /// Further names by which it may be requested.
  var aliases: [String] { get }
  /// What it is, in a sentence without a full stop.
  var summary: String { get }
  /// Whether more is better.
  var isBetterHigher: Bool { get }
  /// Whether it needs boxes of the objects explained.
  var needsBoxes: Bool { get }
  /// Whether it is defined for pictures alone, not for signals and volumes.
  var isOfPictures: Bool { get }
  /// Whether it is defined for maps of classes alone, not of boxes or other targets.
  var isOfClasses: Bool { get }
  /// Whether it is measured unless others are asked for.
  var isUsual: Bool { get }

  /// The changed images whose probabilities the number is computed from.
  func changes(of map: MeasuredMap) -> [ImageChange]

  /// The further maps that the number is computed from.
  func remakes(of map: MeasuredMap) -> [Remake]

  /// The number; nil if it is not defined for the map.
  func value(of map: MeasuredMap, _ answers: MetricAnswers) -> Double?
}

/// What the network answers to a metric's questions about a map.
public struct MetricAnswers: Sendable {
  /// The probabilities of the class explained, for each of the changed images.
  public let probabilities: [Double]
  /// The further maps, in 0 … 1 and without padding, like `MeasuredMap.contentMap` or `unrectifiedMap`.
  public let maps: [HeatMap]
}

extension Metric {
  /// None.
  public var aliases: [String] { [] }
  /// No.
  public var needsBoxes: Bool { false }
  /// That of boxes.
  public var isOfPictures: Bool { needsBoxes }
  /// No.
  public var isOfClasses: Bool { false }
  /// Yes.
  public var isUsual: Bool { true }
  /// None.
  public func changes(of map: MeasuredMap) -> [ImageChange] { [] }
  /// None.
  public func remakes(of map: MeasuredMap) -> [Remake] { [] }
}

/// A changed image that a metric asks the network about.
public struct ImageChange: Sendable {
  /// Its name; two changes of one map with the same name are the same.
  public let name: String
  /// Makes the planes for the network to see, channel by channel.
  public let planes: @Sendable () -> [[Float]]

  /// Describes a change.
  public init(_ name: String, planes: @escaping @Sendable () -> [[Float]]) {
    self.name = name
    self.planes = planes
  }
}

/// The table of metrics.
public enum Metrics {
  /// Every metric, in the order of reports.
  public static let all: [any Metric] = [
    AverageDrop(), ConfidenceIncrease(), Insertion(), Deletion(), RemoveAndDebias(),
    PointingGame(), EnergyInside(), BoxOverlap(), InsertionLessDeletion(),
    Complexity(),
    Sparseness(),
    BorderMass(),
    RelevanceRank(),
    TopIntersection(),
    Coherency(),
    ADCC(),
    ARCC(),
    FaithfulnessCorrelation(),
    Infidelity(),
    Sensitivity(.largest),
    Sensitivity(.mean),
    RandomLogit(),
    ParameterRandomisation(.cascading, .spearman),
    ParameterRandomisation(.cascading, .structural),
    ParameterRandomisation(.independent, .spearman),
    ParameterRandomisation(.independent, .structural),
    EfficientRandomisation(),
  ]

  /// Throws `unsupported` naming the first of some metrics that is not defined for maps of a number of axes, or for
  /// targets other than classes.
  public static func check(_ metrics: [any Metric], rank: Int, explainsClasses: Bool = true) throws {
    if !explainsClasses, let metric = metrics.first(where: \.isOfClasses) {
      throw GradCAMError(
        .unsupported, at: "\(.metric, metric.name)", problem: "is defined for maps of classes alone",
        advice: "choose another metric")
    }
    guard rank != 2, let metric = metrics.first(where: \.isOfPictures) else { return }
    throw GradCAMError(
      .unsupported, at: "\(.metric, metric.name)", problem: "is defined for pictures alone",
      advice: "choose from \(all.filter { !$0.isOfPictures }.map(\.name).joined(separator: ", "))")
  }

  /// The metric with the given name or alias.
  ///
  /// Throws `usage` listing the names if there is none.
  public static func named(_ name: String) throws -> any Metric {
    guard let metric = all.first(where: { $0.name == name || $0.aliases.contains(name) }) else {
      throw GradCAMError(
        .usage, at: "\(.metric, name)", problem: "is not a metric",
        advice: "choose from \(all.map(\.name).joined(separator: ", "))")
    }
    return metric
  }
}
