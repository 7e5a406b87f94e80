import Graph
import TestSupport
import Testing

@testable import GradCAM

/// The scores of targets by hand, and their gradients by central differences.
@Suite struct TargetTests {
  private func expectGradient(
    _ target: any Target, at contents: [Float], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let step: Float = 1e-2
    let slopes = try contents.indices.map { index -> Float in
      var (above, below) = (contents, contents)
      above[index] += step
      below[index] -= step
      return (try target.score(above) - target.score(below)) / (2 * step)
    }
    expectClose(try target.gradient(contents), slopes, within: 2e-3, sourceLocation: sourceLocation)
  }

  private func head(_ activation: String) throws -> ScoreHead {
    var graph = ComputeGraph(opsets: ["": 17])
    graph.values = [Value(name: "scores"), Value(name: "output")]
    graph.inputs = [0]
    graph.nodes = [Node(name: "", operatorName: OperatorName(type: activation), inputs: [0], outputs: [1])]
    graph.outputs = [1]
    return try ScoreHead(graph)
  }

  @Test func cosineSimilarity() throws {
    let target = try CosineSimilarity(to: [3, 4], from: "folder/a.npy")
    #expect(abs(target.score([5, 12]) - 63 / 65) < 1e-6)
    #expect(target.score([6, 8]) == 1 && target.score([-4, 3]) == 0 && target.score([0, 0]) == 0)
    // (b − cos a ⁄ |a| · |b|) ⁄ (|a| |b|), at right angles b ⁄ (|a| |b|).
    #expect(target.gradient([-4, 3]) == [3 / 25, 4 / 25])
    try expectGradient(target, at: [5, 12])
    #expect(target.name == "similar-to-a.npy" && target.description == "cosine similarity to folder/a.npy")
    for (reference, length) in [([0, 0], "0.0"), ([.nan, 1], "nan"), ([], "0.0")] as [([Float], String)] {
      expectError(.badData, at: "a.npy", saying: length) { _ = try CosineSimilarity(to: reference, from: "a.npy") }
    }
  }

  @Test func differenceAndNegation() throws {
    let head = try head("Softmax"), scores: [Float] = [1, 2.5, -0.5]
    let first = ClassTarget(1, label: "star", head: head), second = ClassTarget(2, label: "moon", head: head)
    let difference = first.minus(second)
    #expect(try difference.score(scores) == 3 && difference.gradient(scores) == [0, 1, -1])
    #expect(difference.description == "logit of star − logit of moon" && difference.name == "star-minus-moon")
    let negated = difference.negated
    #expect(try negated.score(scores) == -3 && negated.gradient(scores) == [0, -1, 1])
    #expect(first.negated.description == "−(logit of star)" && first.negated.name == "not-star")
    try expectGradient(ClassTarget(0, kind: .probability, head: head).minus(second), at: scores)
  }

  /// A picture without padding.
  private let whole = PreprocessingGeometry(
    original: PixelSize(width: 8, height: 8), resized: PixelSize(width: 8, height: 8))

  /// Two channels over 1 × 3 positions, channels first and channels last.
  @Test(arguments: [ImageShape.Layout.nchw, .nhwc])
  func aClassIsSummedOverPositions(_ layout: ImageShape.Layout) throws {
    let roles: [Factor.Role] =
      layout == .nchw ? [.batch, .channels, .height, .width] : [.batch, .height, .width, .channels]
    let dimensions = zip(roles, layout == .nchw ? [1, 2, 1, 3] : [1, 1, 3, 2]).map(Dimension.init)
    let scores = try #require(PositionScores(FeatureMapLayout(dimensions)))
    let contents: [Float] = layout == .nchw ? [1, 4, 2, 3, 0, 2] : [1, 3, 4, 0, 2, 2]
    let head = try head("Softmax")
    // The third position is a draw.
    #expect(scores.positionsByTopClass(contents, head, in: whole) == [0: [1, 2], 1: [0]])
    let target = SegmentationTarget(
      ClassTarget(0, label: "sky", head: head), scores, positions: [1, 2], place: "a mask")
    #expect(target.score(contents) == 6)
    #expect(target.gradient(contents) == (layout == .nchw ? [0, 1, 1, 0, 0, 0] : [0, 0, 1, 0, 1, 0]))
    #expect(target.description == "logit of sky, summed over a mask (2 of 3 positions)")
    let probability = SegmentationTarget(
      ClassTarget(1, kind: .probability, head: head), scores, positions: [0, 2], place: "a mask")
    // 1 ⁄ (1 + exp(−2)) and one half.
    #expect(abs(probability.score(contents) - 1.380797) < 1e-5)
    try expectGradient(probability, at: contents)
  }

  /// One channel is the score of a yes against a no, at every position.
  @Test func oneChannelIsThatOfAYes() throws {
    let dimensions = zip([Factor.Role.batch, .channels, .height, .width], [1, 1, 2, 2]).map(Dimension.init)
    let scores = try #require(PositionScores(FeatureMapLayout(dimensions))), contents: [Float] = [1, -2, 3, -4]
    let head = try head("Sigmoid")
    #expect(scores.positionsByTopClass(contents, head, in: whole) == [0: [1, 3], 1: [0, 2]])
    let no = SegmentationTarget(ClassTarget(0, head: head), scores, positions: [1, 3], place: "")
    #expect(no.score(contents) == 6 && no.gradient(contents) == [0, -1, 0, -1])
  }

  @Test func oneNumberForEachClassHasNoPositions() {
    let dimensions = zip([Factor.Role.batch, .channels, .height, .width], [1, 5, 1, 1]).map(Dimension.init)
    #expect(PositionScores(FeatureMapLayout(dimensions)) == nil && PositionScores(nil) == nil)
  }
}
