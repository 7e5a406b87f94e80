import Graph

extension Registry {
  /// The methods that need nothing but activation and gradient at the node.
  public var fastMethods: [String] { methods.filter { !$0.method.takesRuns }.map(\.name) }
}

extension Explainer {
  /// About how long the maps of an image take that need many runs of the network, by method.
  ///
  /// A method that could take long runs until its time can be estimated. Others, and those that do not support the node
  /// or the target, are left out.
  public func durations(of methods: [String], _ target: any Target, _ observation: Observation) throws -> [String:
    Duration]
  {
    let clock = ContinuousClock(), start = clock.now
    _ = try observation.sibling(observation.image.tensor)
    let pass = clock.now - start, taps = try observation.taps(of: target)
    var found: [String: Duration] = [:]
    for name in methods {
      let method = try model.registry.method(named: name, following: compatibility, settings: settings)
      for (place, tap) in taps.enumerated() where method.scope == .node || place == 0 {
        let count = method.passCount(at: tap)
        guard count > 1, pass * count > .seconds(1) else { continue }
        let trial = Trial(of: count)
        let probe = Probe(
          observation, tap: place, target: target, taps: taps, passed: { try trial.advance($0) })
        do {
          _ = try method.map(of: tap, probe: probe)
        } catch is Trial.Ended {
        } catch let error as GradCAMError where error.kind == .unsupported {
          continue
        }
        found[name, default: .zero] += trial.duration
      }
    }
    return found
  }
}

/// Estimates the time that all of a method's work takes from its first runs.
private final class Trial {
  /// Ends the work.
  struct Ended: Error {}

  private static let limit = Duration.milliseconds(200)

  private let count: Int
  private let start = ContinuousClock.now
  /// When the first runs were done, which include what is done once, and how many they were.
  private var first: (time: ContinuousClock.Instant, done: Int)?
  private var done = 0
  /// The time of all of the work.
  private(set) var duration = Duration.zero

  init(of count: Int) { self.count = count }

  func advance(_ count: Int) throws {
    let now = ContinuousClock.now
    done += count
    guard let first else {
      first = (now, done)
      duration = (now - start) * self.count / max(done, 1)
      if now - start > Self.limit * 10 { throw Ended() }
      return
    }
    duration = (first.time - start) + (now - first.time) * (self.count - first.done) / max(done - first.done, 1)
    if now - start > Self.limit { throw Ended() }
  }
}
