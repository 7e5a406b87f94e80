/// A single number that a model gives, of which nothing says that it is a score.
struct MeasuredValue: Target {
  /// The value's name.
  let name: String
  /// The value's name.
  var description: String { name }

  /// The number.
  func score(_ contents: [Float]) -> Float { contents[0] }

  /// One.
  func gradient(_ contents: [Float]) -> [Float] { [1] }
}
