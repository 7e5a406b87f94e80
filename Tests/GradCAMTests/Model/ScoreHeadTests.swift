import Foundation
import Graph
import Ops
import TestSupport
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
        name: "", operatorName: OperatorName(domain: domain, type: type), inputs: [index], outputs: [index + 1],
        attributes: type == "Cast" ? ["to": .int(1)] : [:])
    }
    graph.outputs = [types.count]
    let head = try ScoreHead(OperatorSet.standard.resolving(graph))
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
    expectClose(softmax.probabilities([log(2), 0, 0]), [0.5, 0.25, 0.25], within: 1e-6)
    // 1 ⁄ (1 + exp(−1)) and the rest, though exp(1000) is beyond all numbers.
    expectClose(softmax.probabilities([1000, 999, -1000]), [0.7310586, 0.2689414, 0], within: 1e-6)
    expectClose(sigmoid.probabilities([0, log(3), -log(3)]), [0.5, 0.75, 0.25], within: 1e-6)
    #expect(softmax.probabilities([0]) == [0.5, 0.5])
  }

  @Test func seedsAreTheDerivativeOfTheProbability() throws {
    let logits: [Float] = [0.3, -1.2, 2.1, 0.7], step: Float = 1e-2
    for head in try [head(["Softmax"]).head, head(["Sigmoid"]).head] {
      #expect(head.gradient(logits, classIndex: 2, .logit) == [0, 0, 1, 0])
      let slopes = logits.indices.map { index -> Float in
        var (above, below) = (logits, logits)
        above[index] += step
        below[index] -= step
        return (head.probabilities(above)[2] - head.probabilities(below)[2]) / (2 * step)
      }
      expectClose(head.gradient(logits, classIndex: 2, .probability), slopes, within: 1e-4)
    }
  }

  /// One lone score y: class 0 is the no, whose score is −y.
  @Test func aLoneScoreIsThatOfAYes() throws {
    for head in try [head(["Softmax"]).head, head(["Sigmoid"]).head] {
      #expect(head.classScores([log(3)]) == [-log(3), log(3)])
      expectClose(head.probabilities([log(3)]), [0.25, 0.75], within: 1e-6)
      #expect(head.gradient([log(3)], classIndex: 0, .logit) == [-1])
      #expect(head.gradient([log(3)], classIndex: 1, .logit) == [1])
      // p (1 − p) = 3 ⁄ 16, with opposite signs.
      expectClose(head.gradient([log(3)], classIndex: 0, .probability), [-0.1875], within: 1e-6)
      expectClose(head.gradient([log(3)], classIndex: 1, .probability), [0.1875], within: 1e-6)
    }
  }

  @Test func aModelWithoutOutputIsBadData() {
    expectError(.badData, saying: "output") { _ = try ScoreHead(ComputeGraph()) }
  }
}
