/// What is explained: a number computed from one of a model's values.
///
/// An explainer is planned for that value, by default the class scores.
public protocol Target: Sendable {
  /// A short name for file names.
  var name: String { get }
  /// What the number is, for reports.
  var description: String { get }
  /// The class that it is about; nil if it is about none or several.
  var subject: Int? { get }
  /// A detector's boxes in the picture, if it is about one.
  var boxes: DetectedBoxes? { get }

  /// The number.
  ///
  /// - Parameter contents: the elements of the value, of one image.
  func score(_ contents: [Float]) throws -> Float

  /// The gradient of the number with respect to every element.
  ///
  /// - Parameter contents: the elements of the value, of one image.
  func gradient(_ contents: [Float]) throws -> [Float]
}

extension Target {
  /// None.
  public var subject: Int? { nil }
  /// Nil: it is about something else.
  public var boxes: DetectedBoxes? { nil }
}
