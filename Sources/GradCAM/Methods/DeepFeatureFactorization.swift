import Graph
import Ops

/// Deep feature factorisation: the feature map, less the lowest activation of each channel, as a nonnegative product of
/// concepts, which are vectors of channels, and of maps that show where each is.
///
/// Class-agnostic; each concept has the scores of a feature map that equals it everywhere. Collins et al., Deep Feature
/// Factorization For Concept Discovery, 2018, from pytorch-grad-cam's starting point.
struct DeepFeatureFactorization: ConceptMethod {
  var summary: String { "factors of the activation, each labelled with the class that it resembles most" }
  var conceptCount = MethodSettings().conceptCount

  func configured(by settings: MethodSettings) -> any CAMMethod {
    DeepFeatureFactorization(conceptCount: settings.conceptCount)
  }

  func passCount(at tap: Tap) -> Int { 1 }

  func concepts(of tap: Tap, probe: Probe) throws -> [ConceptMap] {
    let (concepts, maps) = Self.factors(of: tap, count: conceptCount)
    return try zip(concepts, maps).map { concept, map in
      let logits = try probe.logits { activation in
        for channel in 0..<tap.channels {
          activation[channel * tap.plane..<(channel + 1) * tap.plane].update(repeating: concept[channel])
        }
      }
      return ConceptMap(map: map, logits: logits)
    }
  }

  /// Concepts, each a vector of channels, and their maps.
  static func factors(of tap: Tap, count: Int) -> (concepts: [[Float]], maps: [HeatMap]) {
    let activation = tap.activation.map { $0.isNaN ? 0 : $0 }
    let lowest = (0..<tap.channels).map { activation[$0 * tap.plane..<($0 + 1) * tap.plane].min()! }
    let matrix = activation.indices.map { Double(activation[$0] - lowest[$0 / tap.plane]) }
    let scale = (matrix.reduce(0, +) / Double(matrix.count * count)).squareRoot()
    var noise = MersenneTwister(seed: 0)
    let rows = (0..<count * tap.plane).map { _ in abs(scale * noise.normal()) }
    let factors = NonnegativeFactors(
      of: matrix, rows: tap.channels, columns: tap.plane, components: count,
      startingAt: (0..<tap.channels * count).map { _ in abs(scale * noise.normal()) },
      (0..<rows.count).map { rows[$0 % count * tap.plane + $0 / count] })
    return (
      (0..<count).map { concept in (0..<tap.channels).map { Float(factors.left[$0 * count + concept]) + lowest[$0] } },
      (0..<count).map { concept in
        tap.map((0..<tap.plane).map { Float(factors.right[$0 * count + concept]) })
      }
    )
  }
}
