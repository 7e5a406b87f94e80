import Graph

@testable import GradCAM

extension Observation {
  /// A tensor seen by a model.
  static func of(
    _ tensor: Tensor, by model: Model, nodes: [String] = [], size: PixelSize, threadCount: Int = 2,
    isOpen: Bool = false
  ) throws -> Observation {
    let planner = try ModelPlanner(model, inputSize: size, pool: ThreadPool(threadCount: threadCount))
    return try Observation(
      planner, PreparedImage(tensor, size: size), try planner.focus(nodes: nodes), isOpen: isOpen)
  }

  /// The score of a class.
  func target(_ classIndex: Int, _ score: ScoreKind = .logit) -> ClassTarget {
    ClassTarget(classIndex, kind: score, head: model.head)
  }

  /// What methods may ask about the score of a class.
  func probe(_ tap: Int, _ classIndex: Int, _ score: ScoreKind = .logit) -> Probe {
    Probe(self, tap: tap, target: target(classIndex, score))
  }

  /// Activation and gradient of a class's score.
  func taps(_ classIndex: Int, _ score: ScoreKind = .logit) throws -> [Tap] { try taps(of: target(classIndex, score)) }
}
