/// What a file may make planning take, the rounds of loops included.
final class PlanningBudget {
  /// The nodes that rounds may still have together.
  private var nodeCount = Plan.nodeLimit
  /// How long folding constants may still take one thread, roughly, in seconds.
  private var foldingTime = 5.0

  /// Takes a node of a round; throws `unsupported` if none is left.
  func takeNode() throws {
    nodeCount -= 1
    guard nodeCount >= 0 else {
      throw GradCAMError(
        .unsupported, problem: "the rounds of its loops have more than the \(Plan.nodeLimit) nodes that they may have")
    }
  }

  /// Takes time for folding; throws `unsupported` if there is not enough left.
  func takeFoldingTime(_ seconds: Double) throws {
    foldingTime -= seconds
    guard foldingTime >= 0 else {
      throw GradCAMError(
        .unsupported, problem: "computing what does not depend on the inputs takes too many operations")
    }
  }
}
