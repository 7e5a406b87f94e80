import Graph

/// The cosine of the angle between a value and a reference of as many elements: how similar two embeddings are.
public struct CosineSimilarity: Target {
  /// Such as `similar-to-cat.npy`.
  public let name: String
  /// Such as `cosine similarity to cat.npy`.
  public let description: String
  private let reference: [Float]
  private let length: Double

  /// A comparison with a reference.
  ///
  /// - Parameter source: where the reference comes from, such as a file's name.
  ///
  /// Throws `badData` if the reference is zero or not finite.
  public init(to reference: [Float], from source: String) throws {
    self.reference = reference
    length = reference.dot(reference).squareRoot()
    guard length > 0, length.isFinite else {
      throw GradCAMError(
        .badData, at: source, problem: "is an embedding of length \(length), to which nothing is similar",
        advice: "give one with numbers that are finite and not all zero")
    }
    let file = fileName(source)
    name = "similar-to-\(file)"
    description = "cosine similarity to \(source)"
  }

  /// The cosine; 0 if the value is zero.
  public func score(_ contents: [Float]) -> Float {
    let own = contents.dot(contents).squareRoot()
    return own > 0 ? Float(contents.dot(reference) / (own * length)) : 0
  }

  /// b ⁄ (|a| |b|) − cos · a ⁄ |a|², where b is the reference.
  public func gradient(_ contents: [Float]) -> [Float] {
    let own = contents.dot(contents).squareRoot()
    guard own > 0 else { return [Float](repeating: 0, count: contents.count) }
    let cosine = contents.dot(reference) / (own * length)
    return zip(contents, reference).map { Float(Double($1) / (own * length) - cosine * Double($0) / (own * own)) }
  }
}

extension [Float] {
  fileprivate func dot(_ other: [Float]) -> Double { zip(self, other).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
}
