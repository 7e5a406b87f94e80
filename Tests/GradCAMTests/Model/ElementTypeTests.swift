import Graph
import TestSupport
import Testing

@testable import GradCAM

/// Networks of Fixtures/types, against PyTorch with the weights that theirs stand for.
@Suite struct ElementTypeTests {
  @Test(
    arguments: [
      "int4", "uint4", "int2", "uint2", "float8e4m3fn", "float8e5m2fnuz", "float6e3m2", "float4e2m1",
      // Its scores are in a map, beside the label of the highest.
      "labels",
    ], [false, true])
  func narrowWeightsInBlocks(name: String, reusesWeights: Bool) throws {
    let truth = try NPYArray(contentsOf: fixture("types/\(name).npy")).values
    let scores = Array(truth[..<5]), gradient = Array(truth[5...])
    let explainer = try Explainer(
      Model(contentsOf: fixture("types/\(name).onnx")), nodes: ["r1"], inputSize: PixelSize(width: 8, height: 8),
      threadCount: 2, reusesWeights: reusesWeights)
    let x = try NPYArray(contentsOf: fixture("types/x.npy")).tensor(of: .float32)
    let observation = try explainer.observe(explainer.prepare(x))
    expectClose(try observation.logits, scores, within: 1e-5, isRelative: true, "scores")
    let explanation = try #require(try explainer.explain(classIndex: 2, of: observation).first)
    let deviation = Deviation(try #require(explanation.tap).gradient, from: gradient)
    #expect(deviation.relative <= 1e-4, "\(deviation)")
  }
}
