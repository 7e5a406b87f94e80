/// What a file may make planning take, the rounds of loops included.
final class PlanningBudget {
  /// The nodes that rounds may still have together.
  private var nodeCount = Plan.nodeLimit
  /// How long folding constants may still take one thread, roughly, in seconds.
  private var foldingTime = 5.0
  /// How long planning runs that tell extents may still take, roughly, in seconds.
  private var runTime = 5.0

  /// Takes a node of a round; throws `unsupported` if none is left.
  func takeNode() throws {
    nodeCount -= 1
    guard nodeCount >= 0 else {
      throw GradCAMError(
        .unsupported, problem: "the rounds of its loops have more than the \(Plan.nodeLimit) nodes that they may have")
    }
  }

  /// Takes time to plan a run that tells extents of a graph with some number of nodes; throws `unsupported` if there is
  /// not enough left.
  func takeRun(nodeCount: Int) throws {
    runTime -= Double(nodeCount) * 3e-7
    guard runTime >= 0 else {
      throw GradCAMError(
        .unsupported, problem: "its extents depend on too many contents that are known only when it runs")
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
