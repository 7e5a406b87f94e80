import Testing

@testable import GradCAM

/// Nodes that are visited while the gradient walks by show what nodes show whose gradients are all kept.
@Suite struct SweepTests {
  @Test(arguments: ["shapes-vgg.onnx", "shapes-resnet.onnx"]) func visitedNodesAreAsKeptOnes(model: String) throws {
    let model = try shippedModel(model)
    let kept = try Explainer(model, nodes: ["all"], reusesWeights: true)
    let visited = try Explainer(model, nodes: ["all"], reusesWeights: true, visitsNodes: true)
    func byteCount(_ explainer: Explainer) throws -> Int {
      try explainer.planner.plan(explainer.planner.key(explainer.focus)).arenaByteCount
    }
    #expect(try byteCount(visited) < byteCount(kept) * 3 / 4)
    for file in ["pair-006-star-cross.png", "single-003-star.png"] {
      func explanations(_ explainer: Explainer) throws -> [Explanation] {
        let image = try explainer.prepare(try SamplePictures.picture(file))
        let observation = try explainer.observe(image)
        let target = try explainer.target(classIndex: 3)
        return explainer.focus.visitsTaps
          ? try explainer.sweep(target, of: observation, method: "gradcam")
          : try explainer.explain(target, of: observation)
      }
      let expected = try explanations(kept), found = try explanations(visited)
      #expect(found.count > 14 && found.map(\.node) == expected.map(\.node))
      #expect(zip(found, expected).allSatisfy { $0.map == $1.map && $0.warnings == $1.warnings })
      #expect(found.allSatisfy { $0.tap == nil })
    }
  }
}
