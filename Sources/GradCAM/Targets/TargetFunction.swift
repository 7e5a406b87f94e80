import Graph

/// A number computed from the elements that the user picks from one of a model's values.
public protocol TargetFunction: Sendable {
  /// The number.
  ///
  /// - Parameters:
  ///   - elements: in row-major order.
  ///   - shape: their shape; an axis of which one position was picked is dropped, as in NumPy.
  func score(_ elements: [Float], shape: Shape) throws -> Float

  /// The gradient of the number with respect to every element.
  func gradient(_ elements: [Float], shape: Shape) throws -> [Float]
}

/// The table of built-in target functions.
public enum TargetFunctions {
  /// Every function by its name, as written before the parenthesis of an `ElementSelection`.
  public static let all: [Plugin.NamedTargetFunction] = [("sum", { try ElementSum(argument: $0) })]
}

/// The sum of all elements.
struct ElementSum: TargetFunction {
  init() {}

  /// Throws `usage` if there is an argument.
  init(argument: String) throws {
    guard argument.isEmpty else {
      throw GradCAMError(.usage, problem: "sum takes nothing after the elements", advice: "leave out ', \(argument)'")
    }
  }

  func score(_ elements: [Float], shape: Shape) -> Float { Float(elements.reduce(0.0) { $0 + Double($1) }) }

  func gradient(_ elements: [Float], shape: Shape) -> [Float] { [Float](repeating: 1, count: elements.count) }
}
