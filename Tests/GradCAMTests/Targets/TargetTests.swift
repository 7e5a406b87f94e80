import Graph
import Testing

@testable import GradCAM

/// The scores of targets by hand, and their gradients by central differences.
@Suite struct TargetTests {
  private func expectGradient(_ target: any Target, at contents: [Float], _ comment: Comment? = nil) throws {
    let gradient = try target.gradient(contents), step: Float = 1e-2
    #expect(gradient.count == contents.count)
    for index in contents.indices {
      var (above, below) = (contents, contents)
      above[index] += step
      below[index] -= step
      let slope = (try target.score(above) - target.score(below)) / (2 * step)
      #expect(abs(slope - gradient[index]) < 2e-3, comment)
    }
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
    for reference: [Float] in [[0, 0], [.nan, 1], []] {
      let error = #expect(throws: GradCAMError.self) { try CosineSimilarity(to: reference, from: "a.npy") }
      #expect(error?.kind == .badData)
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
    #expect(scores.positionsByTopClass(contents, head) == [0: [1, 2], 1: [0]])
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
    #expect(scores.positionsByTopClass(contents, head) == [0: [1, 3], 1: [0, 2]])
    let no = SegmentationTarget(ClassTarget(0, head: head), scores, positions: [1, 3], place: "")
    #expect(no.score(contents) == 6 && no.gradient(contents) == [0, -1, 0, -1])
  }

  @Test func oneNumberForEachClassHasNoPositions() {
    let dimensions = zip([Factor.Role.batch, .channels, .height, .width], [1, 5, 1, 1]).map(Dimension.init)
    #expect(PositionScores(FeatureMapLayout(dimensions)) == nil && PositionScores(nil) == nil)
  }

  /// A picture of 8 × 6, resized to 4 × 3, of which the middle 2 × 3 are the input, seen by a grid of 2 × 1.
  @Test func centresOfAGridFindTheirPixels() {
    let geometry = PreprocessingGeometry(
      original: PixelSize(width: 8, height: 6), resized: PixelSize(width: 4, height: 3),
      crop: PixelRectangle(x: 1, y: 0, width: 2, height: 3))
    let grid = PixelSize(width: 2, height: 1)
    #expect(geometry.originalPixel(row: 0, column: 0, of: grid).map { [$0.x, $0.y] } == [3, 3])
    #expect(geometry.originalPixel(row: 0, column: 1, of: grid).map { [$0.x, $0.y] } == [5, 3])
    let padded = PreprocessingGeometry(
      original: PixelSize(width: 2, height: 2), resized: PixelSize(width: 2, height: 2),
      crop: PixelRectangle(x: -1, y: 0, width: 4, height: 2))
    let fine = PixelSize(width: 4, height: 2)
    #expect((0..<4).map { padded.originalPixel(row: 1, column: $0, of: fine)?.x } == [nil, 0, 1, nil])
  }
}
