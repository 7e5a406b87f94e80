import Graph

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The gradient of a class's score at a node, compared with central differences of the score itself.
///
/// Along a direction u, ⟨g, u⟩ is compared with (y(A + εu) − y(A − εu)) ⁄ 2ε, where A is the activation, g the gradient
/// and y the raw score. Two things limit the difference: float32 rounding of the score, which wants a large ε, and
/// the network's kinks and curvature, which want a small one. So the rounding is measured first, as the deviation of
/// the score when A moves by units in its last place, and ε is the smallest that keeps it at half the tolerance; the
/// difference over 2ε then shows what kinks and curvature do.
///
/// Errors are shares of the largest of three: both slopes, and the root mean square of the gradient, which is the
/// slope that a random direction has as a rule.
public struct GradientVerification: Sendable {
  /// How a direction is drawn.
  public enum Direction: String, Sendable, CaseIterable {
    /// Along the gradient.
    case gradient
    /// Random, over the whole feature map.
    case dense
    /// Random, over one channel.
    case channel
    /// Random, over a rectangle of positions in all channels.
    case block
  }

  /// What a comparison says.
  public enum Verdict: String, Sendable {
    /// Both slopes are the same within the tolerance.
    case agrees
    /// They differ by more than the tolerance and all uncertainty.
    case disagrees
    /// The uncertainty is larger than the tolerance, or the error lies between the other verdicts.
    case none
  }

  /// The comparison along one direction.
  public struct Comparison: Sendable {
    /// How the direction was drawn.
    public let direction: Direction
    /// Whether the direction leaves out elements that equal others, as the zeros behind a ReLU: a max-pool over such
    /// ties has no derivative. Done where the whole direction does not agree.
    public let leavesOutTies: Bool
    /// ⟨g, u⟩ for u of length 1.
    public let gradient: Double
    /// The central difference over the smaller step.
    public let difference: Double
    /// How far they lie apart, as a share.
    public let error: Double
    /// How uncertain the difference is, as a share: the larger of rounding (at 4 standard deviations) and of what
    /// changes with twice the step.
    public let uncertainty: Double

    /// What this says.
    public var verdict: Verdict {
      if error > tolerance + uncertainty { return .disagrees }
      return error <= tolerance && uncertainty <= tolerance ? .agrees : .none
    }
  }

  /// The largest error, as a share, at which slopes are the same.
  public static let tolerance = 0.004

  /// How the node is called.
  public let node: String
  /// The tensor's name in the file.
  public let tensor: String
  /// The comparisons.
  public let comparisons: [Comparison]

  /// `disagrees` where one comparison does, `agrees` where one does and none disagrees.
  public var verdict: Verdict {
    let verdicts = comparisons.map(\.verdict)
    return verdicts.contains(.disagrees) ? .disagrees : verdicts.contains(.agrees) ? .agrees : .none
  }

  /// Verifies the gradient that the session's last backward pass left at its only tap.
  ///
  /// Throws `unsupported` where a node between tap and score rounds: its gradient is an estimate, and the differences
  /// are those of a staircase; and `badData` where numbers are not finite.
  public init(_ session: Session, classIndex: Int) throws {
    precondition(session.taps.count == 1)
    if let rounding = session.estimatedGradient {
      throw GradCAMError(
        .unsupported, at: session.model.path, rounding,
        problem: "rounds to integers between '\(session.taps[0].label)' and the score, so that the gradient is an "
          + "estimate that passes straight through, and differences are those of a staircase",
        advice: "verify the float model that this one was made from, or a node behind the last that rounds")
    }
    node = session.taps[0].label
    tensor = session.taps[0].tensor
    var differences = try Differences(session, classIndex: classIndex)
    comparisons = try [(Direction.gradient, 1), (.dense, 2), (.channel, 2), (.block, 2)].flatMap { direction, count in
      try (0..<count).map { _ in try differences.compare(direction) }
    }
  }
}

/// Central differences of one score around an activation.
private struct Differences {
  private let tail: Tail
  private let classIndex: Int
  private let activation: Tensor
  /// The activation's elements, and the gradient's.
  private let values, gradient: [Float]
  private let shape: TapShape
  private lazy var isTied = values[..<shape.count].areTied
  /// The root mean squares.
  private let typicalValue, typicalGradient: Double
  /// The standard deviation of the score's rounding.
  private var rounding = 0.0
  private var generator = SplitMix64(seed: 1)

  /// The standard deviations of rounding that count as certain.
  private static let certainty = 4.0

  init(_ session: Session, classIndex: Int) throws {
    tail = try session.tail(0)
    self.classIndex = classIndex
    activation = session.activation(0)
    values = activation.floats
    gradient = session.gradient(0).floats
    shape = TapShape(activation.shape, session.taps[0].layout ?? .nchw)
    let first = 0..<shape.count
    typicalValue = (values[first].reduce(0) { $0 + Double($1) * Double($1) } / Double(shape.count)).squareRoot()
    typicalGradient = (gradient[first].reduce(0) { $0 + Double($1) * Double($1) } / Double(shape.count)).squareRoot()
    rounding = try measureRounding()
    guard typicalValue.isFinite, typicalGradient.isFinite, rounding.isFinite else {
      throw GradCAMError(
        .badData, at: session.model.path, "--node \(session.taps[0].label)",
        problem: "activation, gradient or score holds numbers that are NaN or infinite",
        advice: "check the image's preprocessing and the model's weights")
    }
  }

  /// Compares along a direction of a kind, without the elements that are tied where it does not agree with them.
  mutating func compare(_ direction: GradientVerification.Direction) throws -> GradientVerification.Comparison {
    let drawn = draw(direction)
    let whole = try compare(drawn, direction, leavesOutTies: false)
    guard whole.verdict != .agrees else { return whole }
    let untied = drawn.indices.map { isTied[$0] ? 0 : drawn[$0] }
    guard untied != drawn, untied.contains(where: { $0 != 0 }) else { return whole }
    return try compare(untied, direction, leavesOutTies: true)
  }

  /// A direction of any length.
  private mutating func draw(_ direction: GradientVerification.Direction) -> [Double] {
    var drawn = [Double](repeating: 0, count: shape.count)
    switch direction {
    case .gradient: for index in drawn.indices { drawn[index] = Double(gradient[index]) }
    case .dense: for index in drawn.indices { drawn[index] = generator.nextNormal() }
    case .channel:
      let channel = Int.random(in: 0..<shape.channels, using: &generator)
      shape.forEach(channels: channel..<channel + 1, rows: 0..<shape.height, columns: 0..<shape.width) {
        drawn[$0] = generator.nextNormal()
      }
    case .block:
      let height = (shape.height + 3) / 4, width = (shape.width + 3) / 4
      let top = Int.random(in: 0...shape.height - height, using: &generator)
      let left = Int.random(in: 0...shape.width - width, using: &generator)
      shape.forEach(channels: 0..<shape.channels, rows: top..<top + height, columns: left..<left + width) {
        drawn[$0] = generator.nextNormal()
      }
    }
    return drawn
  }

  private func compare(
    _ drawn: [Double], _ direction: GradientVerification.Direction, leavesOutTies: Bool
  ) throws -> GradientVerification.Comparison {
    let length = drawn.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let unit = length > 0 ? drawn.map { $0 / length } : drawn
    let slope = abs(zip(unit, gradient).reduce(0) { $0 + $1.0 * Double($1.1) })
    let noise = Self.certainty * rounding * 2.0.squareRoot()
    // Beyond a tenth of what the moved elements are, nothing local is left to see.
    let support = Double(unit.count { $0 != 0 }).squareRoot()
    let limit = 0.1 * (typicalValue > 0 ? typicalValue : 1) * support
    let step = min(noise / GradientVerification.tolerance / max(slope, typicalGradient), limit)
    let near = try difference(along: unit, step: step), far = try difference(along: unit, step: 2 * step)
    let scale = max(abs(near.gradient), abs(near.score), typicalGradient)
    func share(_ difference: Double) -> Double { difference == 0 ? 0 : abs(difference) / scale }
    return GradientVerification.Comparison(
      direction: direction, leavesOutTies: leavesOutTies, gradient: near.gradient, difference: near.score,
      error: share(near.gradient - near.score),
      uncertainty: max(share(noise / (2 * step)), share((near.score - near.gradient) - (far.score - far.gradient))))
  }

  /// Both slopes between A − step·u and A + step·u, as these are after rounding to float32.
  private func difference(along unit: [Double], step: Double) throws -> (gradient: Double, score: Double) {
    var above = values, below = values
    var predicted = 0.0
    for index in unit.indices where unit[index] != 0 {
      above[index] = Float(Double(values[index]) + step * unit[index])
      below[index] = Float(Double(values[index]) - step * unit[index])
      predicted += Double(gradient[index]) * (Double(above[index]) - Double(below[index]))
    }
    return (predicted / (2 * step), (try score(above) - score(below)) / (2 * step))
  }

  private func score(_ values: [Float]) throws -> Double {
    let storage = Tensor(values, shape: activation.shape).storage
    return Double(
      try tail.logits(
        for: Tensor(elementType: activation.elementType, shape: activation.shape, storage: storage))[classIndex])
  }

  /// The deviation of the score from its linear prediction where every element moves by a unit in its last place.
  private mutating func measureRounding() throws -> Double {
    let count = 8, centre = try score(values)
    var squares = 0.0
    for _ in 0..<count {
      var moved = values
      var predicted = 0.0
      for index in 0..<shape.count where values[index] != 0 {
        moved[index] = Bool.random(using: &generator) ? values[index].nextUp : values[index].nextDown
        predicted += Double(gradient[index]) * (Double(moved[index]) - Double(values[index]))
      }
      let deviation = try score(moved) - centre - predicted
      squares += deviation * deviation
    }
    // The deviation is that of two scores; the last bit of the score itself is always uncertain.
    return max((squares / Double(2 * count)).squareRoot(), Double(Float(centre).ulp) / 2)
  }
}

/// Where the elements of a batch's first image lie in a feature map.
private struct TapShape {
  let channels, height, width: Int
  private let strides: (channel: Int, row: Int, column: Int)

  init(_ shape: Shape, _ layout: ImageShape.Layout) {
    let strides = shape.strides, size = shape.imageSize(layout)
    (height, width) = (size.height, size.width)
    switch layout {
    case .nchw: (channels, self.strides) = (shape[1], (strides[1], strides[2], strides[3]))
    case .nhwc: (channels, self.strides) = (shape[3], (strides[3], strides[1], strides[2]))
    }
  }

  var count: Int { channels * height * width }

  func forEach(channels: Range<Int>, rows: Range<Int>, columns: Range<Int>, _ body: (Int) -> Void) {
    for channel in channels {
      for row in rows {
        for column in columns { body(channel * strides.channel + row * strides.row + column * strides.column) }
      }
    }
  }
}

extension ArraySlice<Float> {
  /// Whether each element has an equal elsewhere.
  fileprivate var areTied: [Bool] {
    let order = indices.sorted { self[$0] < self[$1] }
    var tied = [Bool](repeating: false, count: count)
    for (left, right) in zip(order, order.dropFirst()) where self[left] == self[right] {
      (tied[left - startIndex], tied[right - startIndex]) = (true, true)
    }
    return tied
  }
}

/// A small generator with a fixed sequence: Steele, Lea, Flood, "Fast splittable pseudorandom number generators".
private struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A number of the standard normal distribution, by Box and Muller.
  mutating func nextNormal() -> Double {
    let radius = (-2 * log(Double.random(in: .leastNonzeroMagnitude...1, using: &self))).squareRoot()
    return radius * cos(2 * .pi * Double.random(in: 0..<1, using: &self))
  }
}
