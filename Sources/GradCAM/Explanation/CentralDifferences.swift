import Graph

/// Central differences of one score around an activation.
struct CentralDifferences {
  private let tail: Tail
  private let target: any Target
  private let activation: Tensor
  /// The activation's elements, and the gradient's.
  private let values, gradient: [Float]
  private let layout: FeatureMapLayout
  private lazy var isTied = values.areTied
  /// The root mean squares.
  private let typicalValue, typicalGradient: Double
  /// The standard deviation of the score's rounding.
  private var rounding = 0.0
  /// The score of the activation itself, with rounding averaged out.
  private var centre = 0.0
  private var generator = SplitMix64(seed: 1)

  /// How many standard deviations of rounding count as certain.
  private static let certainty = 4.0
  /// The same for kinks and curvature, which are estimated from few numbers.
  private static let caution = 2.0
  /// The share of the tolerance that rounding may take.
  private static let roundingShare = 0.25

  /// - Parameter walked: the executor that has walked back from the target to the observation's only tap.
  init(_ observation: Observation, _ walked: Executor, of target: any Target) throws {
    let tap = observation.taps[0]
    self.target = target
    activation = walked.contents(of: tap.value)
    values = activation.floats
    gradient = walked.gradient(of: tap.value).floats
    layout = tap.layout!
    tail = try Tail(after: tap.value, of: observation, contents: activation, roundsLittle: true)
    typicalValue = values.lazy.map(Double.init).rootMeanSquare
    typicalGradient = gradient.lazy.map(Double.init).rootMeanSquare
    try measureRounding()
    guard typicalValue.isFinite, typicalGradient.isFinite, rounding.isFinite else {
      throw GradCAMError(
        .badData, at: "\(observation.model.path)", "\(.node, tap.label)",
        problem: "activation, gradient or score holds numbers that are NaN or infinite",
        advice: "check the image's preprocessing and the model's weights")
    }
  }

  /// Compares along directions of a kind, without tied elements if the whole directions do not agree; nil if there are
  /// no directions because the gradient is zero.
  mutating func compare(_ direction: GradientVerification.Direction) throws -> GradientVerification.DirectionCheck? {
    guard direction == .random || typicalGradient > 0 else { return nil }
    let drawn = (0..<direction.count).map { _ in draw(direction) }
    let whole = try compare(drawn, direction, leavesOutTies: false)
    guard whole.verdict != .agrees else { return whole }
    let untied = drawn.map { u in u.indices.map { isTied[$0] ? 0 : u[$0] } }
    guard untied != drawn, untied.allSatisfy({ $0.contains { $0 != 0 } }) else { return whole }
    return try compare(untied, direction, leavesOutTies: true)
  }

  /// A direction of any length.
  private mutating func draw(_ direction: GradientVerification.Direction) -> [Double] {
    switch direction {
    case .gradient: return gradient.map(Double.init)
    case .random: return values.map { _ in generator.nextNormal() }
    case .weighted: return weighted(channels: 0..<layout.channels, whole)
    case .channel:
      let channel = drawPosition().channel
      return weighted(channels: channel..<channel + 1, whole)
    case .block:
      let centre = layout.size.coordinates(of: drawPosition().position)
      func part(_ centre: Int, of extent: Int) -> Range<Int> {
        let length = (extent + 3) / 4, start = min(max(0, centre - length / 2), extent - length)
        return start..<start + length
      }
      return weighted(channels: 0..<layout.channels, zip(centre, layout.size.extents).map(part))
    }
  }

  /// All places, by axis.
  private var whole: [Range<Int>] { layout.size.extents.map { 0..<$0 } }

  /// - Parameter box: the places, by axis.
  private mutating func weighted(channels: Range<Int>, _ box: [Range<Int>]) -> [Double] {
    var direction = [Double](repeating: 0, count: values.count)
    let positions = (0..<layout.positions).filter { position in
      zip(box, layout.size.coordinates(of: position)).allSatisfy { $0.contains($1) }
    }
    for channel in channels {
      for position in positions {
        let index = layout.index(channel, position)
        direction[index] = Double(gradient[index]) * Double.random(in: 0...1, using: &generator)
      }
    }
    return direction
  }

  /// Draws an element by its share of |g|².
  private mutating func drawPosition() -> (channel: Int, position: Int) {
    var rest = Double.random(in: 0..<1, using: &generator) * typicalGradient * typicalGradient * Double(gradient.count)
    var last = (channel: 0, position: 0)
    for channel in 0..<layout.channels {
      for position in 0..<layout.positions {
        let element = Double(gradient[layout.index(channel, position)])
        guard element != 0 else { continue }
        last = (channel, position)
        rest -= element * element
        if rest < 0 { return last }
      }
    }
    return last
  }

  private func compare(
    _ drawn: [[Double]], _ direction: GradientVerification.Direction, leavesOutTies: Bool
  ) throws -> GradientVerification.DirectionCheck {
    let noise = Self.certainty * rounding * 2.0.squareRoot()
    var slopes: [GradientVerification.Slope] = [], kinks: [Double] = [], noises: [Double] = []
    for each in drawn {
      let length = each.reduce(0) { $0 + $1 * $1 }.squareRoot(), unit = each.map { $0 / length }
      // If an element moves by a large part of the typical element, the difference is not local.
      let limit = 0.2 * (typicalValue > 0 ? typicalValue : 1) / unit.reduce(0) { max($0, abs($1)) }
      func stepLength(slope: Double) -> Double {
        min(noise / (2 * Self.roundingShare * GradientVerification.tolerance * slope), limit)
      }
      let expected = max(abs(zip(unit, gradient).reduce(0) { $0 + $1.0 * Double($1.1) }), typicalGradient)
      var step = stepLength(slope: expected), near = try difference(along: unit, step: step)
      // A wrong gradient may predict too small a slope.
      let found = abs(near.slope.difference)
      if found > 2 * expected {
        step = stepLength(slope: found)
        near = try difference(along: unit, step: step)
      }
      let far = try difference(along: unit, step: 4 * step)
      slopes.append(near.slope)
      kinks += [far.slope.error - near.slope.error, (4 * near.bend - far.bend) / 3]
      noises.append(noise / (2 * step))
    }
    let scale = max(slopes.map(\.gradient).rootMeanSquare, slopes.map(\.difference).rootMeanSquare, typicalGradient)
    func share(_ values: [Double]) -> Double { scale == 0 ? 0 : values.rootMeanSquare / scale }
    return GradientVerification.DirectionCheck(
      direction: direction, leavesOutTies: leavesOutTies, slopes: slopes, error: share(slopes.map(\.error)),
      // Each direction gives two estimates.
      uncertainty: max(share(noises), Self.caution * 2.0.squareRoot() * share(kinks)))
  }

  /// Both slopes between A − step·u and A + step·u, each rounded to float32, and the bend of the score there.
  private func difference(
    along unit: [Double], step: Double
  ) throws -> (slope: GradientVerification.Slope, bend: Double) {
    func side(_ step: Double) throws -> (predicted: Double, change: Double) {
      var moved = values, predicted = 0.0
      for index in unit.indices where unit[index] != 0 {
        moved[index] = Float(Double(values[index]) + step * unit[index])
        predicted += Double(gradient[index]) * (Double(moved[index]) - Double(values[index]))
      }
      return (predicted, try score(moved) - centre)
    }
    let above = try side(step), below = try side(-step)
    let slope = GradientVerification.Slope(
      gradient: (above.predicted - below.predicted) / (2 * step),
      difference: (above.change - below.change) / (2 * step))
    return (slope, (above.change - above.predicted + below.change - below.predicted) / (2 * step))
  }

  private func score(_ values: [Float]) throws -> Double {
    let changed = Tensor(values, shape: activation.shape, floatingType: activation.elementType)
    return Double(try target.score(try tail.explainedContents(for: changed)))
  }

  /// Measures the score of the activation, and its rounding as the deviation from the linear prediction when every
  /// element moves by up to 2⁻¹⁶ of itself: enough for everything downstream to round differently.
  private mutating func measureRounding() throws {
    var scores: [Double] = []
    for _ in 0..<10 {
      var moved = values, predicted = 0.0
      for index in values.indices where values[index] != 0 {
        moved[index] *= 1 + Float.random(in: -1...1, using: &generator) / 65_536
        predicted += Double(gradient[index]) * (Double(moved[index]) - Double(values[index]))
      }
      scores.append(try score(moved) - predicted)
    }
    centre = scores.reduce(0, +) / Double(scores.count)
    let mean = centre, deviation = scores.map { $0 - mean }.rootMeanSquare
    // The last bit of the score itself is always uncertain.
    rounding = max(
      deviation * (Double(scores.count) / Double(scores.count - 1)).squareRoot(), Double(Float(centre).ulp) / 2)
  }
}

extension PixelSize {
  /// The indices along each axis of a place, outermost first.
  fileprivate func coordinates(of position: Int) -> [Int] {
    var rest = position
    let innermostFirst = extents.reversed().map { extent in
      defer { rest /= extent }
      return rest % extent
    }
    return innermostFirst.reversed()
  }
}

extension Collection<Double> {
  fileprivate var rootMeanSquare: Double { (reduce(0) { $0 + $1 * $1 } / Double(count)).squareRoot() }
}

extension [Float] {
  /// Whether each element equals another one.
  fileprivate var areTied: [Bool] {
    let order = indices.sorted { self[$0] < self[$1] }
    var tied = [Bool](repeating: false, count: count)
    for (left, right) in zip(order, order.dropFirst()) where self[left] == self[right] {
      (tied[left], tied[right]) = (true, true)
    }
    return tied
  }
}

extension SplitMix64 {
  /// A number of the standard normal distribution, by Box and Muller.
  fileprivate mutating func nextNormal() -> Double {
    let radius = (-2 * log(Double.random(in: .leastNonzeroMagnitude...1, using: &self))).squareRoot()
    return radius * cos(2 * .pi * Double.random(in: 0..<1, using: &self))
  }
}
