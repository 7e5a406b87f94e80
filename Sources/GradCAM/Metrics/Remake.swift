import Graph

/// A further map that a metric asks for: of the same target, by the same method at the same nodes, drawn in the same
/// way, but for one thing.
public enum Remake: Sendable {
  /// Of a changed image.
  case changedImage(ImageChange)
  /// Of another class.
  case otherClass(Int)
  /// Of the network with some layers randomised, counted from the output, as `ModelPlanner.randomising`; before
  /// negative values are set to 0, like `MeasuredMap.unrectifiedMap`, since those of a random network may all be
  /// negative.
  case randomised(Range<Int>)

  /// Equal names mean the same map of an explanation.
  fileprivate var name: String {
    switch self {
    case .changedImage(let change): "image \(change.name)"
    case .otherClass(let index): "class \(index)"
    case .randomised(let layers): "layers \(layers)"
    }
  }
}

/// Makes the further maps of some explanations of an image.
struct Remaking {
  let explainer: Explainer
  let explanations: [Explanation]
  /// Of the image, asked about what they explain.
  let observation: Observation

  /// The maps that are asked for, at the size of the network's input without padding.
  ///
  /// A map is made once for each of its names. Explanations are remade together by each randomised network, which is
  /// planned once.
  /// - Parameters:
  ///   - requests: of each explanation.
  ///   - progress: receives the fraction done, from 0 to 1; what it throws ends the work.
  ///
  /// Throws what explaining throws, and `unsupported` if one is the map of a concept, or the network's extents depend
  /// on the image and it is to be randomised.
  func maps(_ requests: [[Remake]], _ progress: (Double) throws -> Void) throws -> [[HeatMap]] {
    var wanted: [(name: String, remake: Remake, explanations: [Int])] = [], numbers: [String: Int] = [:]
    for (index, remakes) in requests.enumerated() {
      for remake in remakes {
        let number = numbers[remake.name] ?? wanted.count
        if number == wanted.count {
          numbers[remake.name] = number
          wanted.append((remake.name, remake, []))
        }
        // The same name may stand for another image in another explanation.
        if wanted[number].explanations.last != index { wanted[number].explanations.append(index) }
      }
    }
    let total = wanted.reduce(0) { $0 + $1.explanations.count }
    var found = [[String: HeatMap]](repeating: [:], count: explanations.count), done = 0
    for (name, remake, indices) in wanted {
      var planner = observation.planner
      if case .randomised(let layers) = remake {
        planner = try planner.randomising(layers, before: observation.focus.explained)
      }
      for index in indices {
        let own = requests[index].first { $0.name == name }!
        found[index][name] = try map(own, of: explanations[index], by: planner)
        done += 1
        try progress(Double(done) / Double(total))
      }
    }
    return requests.indices.map { index in requests[index].map { found[index][$0.name]! } }
  }

  /// - Parameter planner: plans the network if it is randomised.
  private func map(_ remake: Remake, of explanation: Explanation, by planner: ModelPlanner) throws -> HeatMap {
    guard explanation.concept == nil else {
      throw GradCAMError(
        .unsupported, at: "\(.method, explanation.method)",
        problem: "finds other concepts in every image, so that their maps cannot be compared",
        advice: "choose another metric")
    }
    let places = explanation.places
    var target = explanation.target, asked: Observation
    switch remake {
    case .changedImage(let change):
      let probe = Probe(observation, tap: 0, target: target)
      asked = try observation.focused(on: observation.focus.moved(to: places)).sibling(
        probe.input(showing: change.planes()))
    case .otherClass(let index):
      let own = target as! ClassTarget
      target = ClassTarget(index, label: explainer.labels[index], kind: own.kind, head: own.head)
      asked = try observation.focused(on: observation.focus.moved(to: places))
    case .randomised:
      let focus = try planner.focus(on: observation.explained).moved(to: places)
      asked = try Observation(planner, observation.image, focus, isOpen: false)
    }
    let remade = try explainer.following(explanation).explain(
      target, of: asked, methods: [explanation.method], fusion: explanation.fusion,
      smoothing: Set(explanation.smoothing))
    if case .randomised = remake { return remade[0].contentMap(isRectified: false) }
    return remade[0].contentMap()
  }
}
