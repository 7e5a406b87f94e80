/// What is explained: a number made of one of a model's values.
///
/// Explainers and sessions are planned for the value; the class scores, where nothing else is asked for.
public protocol Target: Sendable {
  /// A few words for names of files.
  var name: String { get }
  /// What the number is, for reports.
  var description: String { get }
  /// The class that it speaks for or against; nil where it is about no class, or about several.
  var subject: Int? { get }

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
}
