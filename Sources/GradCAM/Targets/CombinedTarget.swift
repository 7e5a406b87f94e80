extension Target {
  /// The difference of this target and another of the same value: what speaks for the one rather than the other.
  public func minus(_ other: any Target) -> any Target {
    CombinedTarget(
      name: "\(name)-minus-\(other.name)", description: "\(description) − \(other.description)",
      terms: [(1, self), (-1, other)])
  }

  /// What speaks against this target.
  public var negated: any Target {
    CombinedTarget(name: "not-\(name)", description: "−(\(description))", terms: [(-1, self)])
  }
}

/// A weighted sum of targets of one value.
struct CombinedTarget: Target {
  let name, description: String
  let terms: [(weight: Float, target: any Target)]

  var subject: Int? {
    terms.first?.target.subject.flatMap { first in terms.allSatisfy { $0.target.subject == first } ? first : nil }
  }

  var boxes: DetectedBoxes? {
    terms.dropFirst().reduce(terms.first?.target.boxes) { all, term in
      term.target.boxes.map { all?.explaining($0) ?? $0 } ?? all
    }
  }

  func score(_ contents: [Float]) throws -> Float {
    try terms.reduce(0) { try $0 + $1.weight * $1.target.score(contents) }
  }

  func gradient(_ contents: [Float]) throws -> [Float] {
    var sum = [Float](repeating: 0, count: contents.count)
    for (weight, target) in terms {
      for (index, slope) in try target.gradient(contents).enumerated() { sum[index] += weight * slope }
    }
    return sum
  }
}
