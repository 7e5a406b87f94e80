import Foundation
import Graph
import Testing

@testable import GradCAM

@Suite struct ScoreHeadTests {
  /// A chain of nodes of one input each.
  private func head(_ types: [String], domain: String = "") throws -> (head: ScoreHead, depth: Int) {
    var graph = ComputeGraph(opsets: ["": 17])
    graph.values = [Value(name: "scores")] + types.indices.map { Value(name: "value\($0)") }
    graph.inputs = [0]
    graph.nodes = types.enumerated().map { index, type in
      Node(
        name: "", operatorName: OperatorName(domain: domain, type: type), inputs: [index], outputs: [index + 1])
    }
    graph.outputs = [types.count]
    let head = try ScoreHead(graph)
    #expect(head.output == types.count)
    return (head, head.logits)
  }

  @Test func looksThroughAFinalActivation() throws {
    #expect(try head(["Gemm", "Softmax"]).depth == 1)
    #expect(try head(["Gemm", "LogSoftmax"]).depth == 1)
    #expect(try head(["Gemm", "Sigmoid"]).depth == 1)
    #expect(try head(["Gemm", "Softmax", "Identity", "Reshape", "Cast"]).depth == 1)
    #expect(try head(["Gemm", "Flatten", "Sigmoid"]).depth == 2)
  }

  @Test func anythingElseIsTheScoreItself() throws {
    #expect(try head(["Gemm"]).depth == 1)
    #expect(try head(["Softmax", "Gemm"]).depth == 2)
    #expect(try head(["Softmax", "Mul"]).depth == 2)
    #expect(try head(["Gemm", "Flatten"]).depth == 2)
    #expect(try head(["Gemm", "Softmax"], domain: "com.example").depth == 2)
    #expect(try head([]).depth == 0)
  }

  @Test func softmaxCompetesAndSigmoidDoesNot() throws {
    let softmax = try head(["Softmax"]).head, sigmoid = try head(["Sigmoid"]).head
    #expect(softmax.activation == .softmax && sigmoid.activation == .sigmoid)
    let thirds = softmax.probabilities([log(2), 0, 0])
    #expect(zip(thirds, [0.5, 0.25, 0.25]).allSatisfy { abs($0 - $1) < 1e-6 })
    #expect(softmax.probabilities([1000, 999, -1000]).allSatisfy { $0.isFinite })
    let odds = sigmoid.probabilities([0, log(3), -log(3)])
    #expect(zip(odds, [0.5, 0.75, 0.25]).allSatisfy { abs($0 - $1) < 1e-6 })
    #expect(softmax.probabilities([0]) == [0.5, 0.5])
  }

  @Test func seedsAreTheDerivativeOfTheProbability() throws {
    let logits: [Float] = [0.3, -1.2, 2.1, 0.7], step: Float = 1e-2
    for head in try [head(["Softmax"]).head, head(["Sigmoid"]).head] {
      #expect(head.gradient(logits, classIndex: 2, .logit) == [0, 0, 1, 0])
      let seed = head.gradient(logits, classIndex: 2, .probability)
      for index in logits.indices {
        var (above, below) = (logits, logits)
        above[index] += step
        below[index] -= step
        let slope = (head.probabilities(above)[2] - head.probabilities(below)[2]) / (2 * step)
        #expect(abs(slope - seed[index]) < 1e-4)
      }
    }
  }

  /// One lone score y: class 0 is the no, whose score is −y.
  @Test func aLoneScoreIsThatOfAYes() throws {
    for head in try [head(["Softmax"]).head, head(["Sigmoid"]).head] {
      #expect(head.classScores([log(3)]) == [-log(3), log(3)])
      let probabilities = head.probabilities([log(3)])
      #expect(zip(probabilities, [0.25, 0.75]).allSatisfy { abs($0 - $1) < 1e-6 })
      #expect(head.gradient([log(3)], classIndex: 0, .logit) == [-1])
      #expect(head.gradient([log(3)], classIndex: 1, .logit) == [1])
      // p (1 − p) = 3 ⁄ 16, with opposite signs.
      #expect(abs(head.gradient([log(3)], classIndex: 0, .probability)[0] + 0.1875) < 1e-6)
      #expect(abs(head.gradient([log(3)], classIndex: 1, .probability)[0] - 0.1875) < 1e-6)
    }
  }

  @Test func aModelWithoutOutputIsBadData() {
    let error = #expect(throws: GradCAMError.self) { try ScoreHead(ComputeGraph()) }
    #expect(error?.kind == .badData)
  }
}
