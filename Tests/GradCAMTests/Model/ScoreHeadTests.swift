import Foundation
import Graph
import Ops
import TestSupport
import Testing

@testable import GradCAM

@Suite struct ScoreHeadTests {
  /// A chain of nodes of one input each, besides a scale.
  private func head(_ types: [String], domain: String = "") throws -> (head: ScoreHead, depth: Int) {
    var graph = ComputeGraph(opsets: ["": 17])
    graph.values = [Value(name: "scores")] + types.indices.map { Value(name: "value\($0)") }
    graph.inputs = [0]
    graph.nodes = types.enumerated().map { index, type in
      Node(
        name: "", operatorName: OperatorName(domain: domain, type: type),
        inputs: type.hasSuffix("quantizeLinear") || type == "QuantizeLinear" ? [index, 0] : [index],
        outputs: [index + 1],
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
    #expect(try head(["Gemm", "Softmax", "QuantizeLinear", "DequantizeLinear"]).depth == 1)
    #expect(try head(["Gemm", "QuantizeLinear", "DequantizeLinear"]).depth == 3)
  }

  @Test func anythingElseIsTheScoreItself() throws {
    #expect(try head(["Gemm"]).depth == 1)
    #expect(try head(["Softmax", "Gemm"]).depth == 2)
    #expect(try head(["Softmax", "Mul"]).depth == 2)
    #expect(try head(["Gemm", "Flatten"]).depth == 2)
    #expect(try head(["Gemm", "Softmax"], domain: "com.example").depth == 2)
    #expect(try head([]).depth == 0)
  }

  @Test func aChoiceOfTheBestIsLookedThrough() throws {
    #expect(try head(["Gemm", "Softmax", "ArgMax"]).depth == 1)
    #expect(try head(["Gemm", "ArgMax", "Cast"]).depth == 1)
    #expect(try head(["Gemm", "ArgMin"]).depth == 2)
    // The largest value of each channel is no choice among classes.
    #expect(try head(["Gemm", "ReduceMax"]).depth == 2)
  }

  /// Outputs with their names and extents, each made by nodes from an image.
  private func head(
    _ outputs: [(name: String, extents: [Int], types: [String], type: ElementType)], labels: Int? = nil,
    named name: String? = nil
  ) throws -> (name: String, evidence: ScoreEvidence) {
    var graph = ComputeGraph(opsets: ["": 17])
    graph.values = [Value(name: "image")]
    graph.inputs = [0]
    for output in outputs {
      var value = 0
      for (index, type) in output.types.enumerated() {
        let isLast = index == output.types.count - 1
        graph.values.append(
          isLast
            ? Value(name: output.name, elementType: output.type, dimensions: output.extents.map { .fixed($0) })
            : Value(name: "\(output.name)\(index)"))
        graph.nodes.append(
          Node(
            name: "", operatorName: OperatorName(type: type), inputs: [value], outputs: [graph.values.count - 1],
            attributes: type == "Cast" ? ["to": .int(1)] : [:]))
        value = graph.values.count - 1
      }
      graph.outputs.append(value)
    }
    let head = try ScoreHead(OperatorSet.standard.resolving(graph), labelCount: labels, named: name)
    return (graph.values[head.output].name, head.evidence)
  }

  @Test func theBestEvidenceWins() throws {
    let plain = ("y", [1, 5], ["Relu"], ElementType.float32), embedding = ("image_embeds", [1, 9], ["Relu"], plain.3)
    let logits = ("pred_logits", [1, 7], ["Relu"], plain.3),
      label = ("label", [1], ["Relu", "ArgMax"], ElementType.int64)
    let softmax = ("z", [1, 4], ["Relu", "Softmax"], plain.3), map = ("x", [1, 5, 7, 7], ["Relu"], plain.3)
    let strange = ("probabilities", [1, 5], ["Frobnicate", "Softmax"], plain.3)
    func expect(
      _ outputs: [(String, [Int], [String], ElementType)], _ name: String, _ evidence: ScoreEvidence, labels: Int? = nil
    ) throws {
      let found = try head(outputs.map { ($0.0, $0.1, $0.2, $0.3) }, labels: labels)
      #expect(found.name == name && found.evidence == evidence, "\(found)")
    }
    try expect([embedding, plain], "y", .none)
    try expect([map, plain], "y", .none)
    try expect([plain, logits], "pred_logits", .name)
    try expect([label, logits, softmax], "z", .operators)
    try expect([label, embedding], "label", .operators)
    try expect([softmax, plain], "y", .labels, labels: 5)
    try expect([("angle", [1, 1], ["Relu"], .float32)], "angle", .labels, labels: 2)
    try expect([("angle", [1, 1], ["Relu"], .float32)], "angle", .none, labels: 3)
    try expect([embedding], "image_embeds", .contrary)
    try expect([strange, plain], "y", .none)
    try expect([("pred_boxes", [1, 30, 4], ["Sigmoid"], .float32), logits], "pred_logits", .name)
    // A score for each of as many boxes is none of a class.
    try expect(
      [("scores", [1, 30], ["Sigmoid"], .float32), ("boxes", [1, 30, 4], ["Relu"], .float32)], "scores", .contrary)
    #expect(try head([embedding, plain].map { ($0.0, $0.1, $0.2, $0.3) }, named: "image_embeds").evidence == .request)
    expectError(.usage, at: "output-name 'x'", saying: "'y'") { _ = try head([plain], named: "x") }
  }

  @Test(arguments: [
    ("pred_logits", true, false), ("outputScores", true, false), ("output_probability", true, false),
    ("495", false, false), ("/classifier/Gemm_output_0", true, false), ("last_hidden_state", false, true),
    ("pooler_output", false, true), ("logits_per_image", true, false), ("pre_logits", true, true),
    ("dense_2", false, false), ("det_boxes:0", false, true),
  ])
  func namesAreReadWordByWord(_ name: String, _ isOfScores: Bool, _ isOfSomethingElse: Bool) {
    let read = OutputName(name)
    #expect(read.isOfScores == isOfScores && read.isOfSomethingElse == isOfSomethingElse)
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
