import Foundation
import Graph
import TestSupport
import Testing

@testable import GradCAM

/// Metrics that compare a map with further maps, and the networks that these are made by.
@Suite struct RemakingTests {
  private func observed(_ model: String, nodes: [String] = []) throws -> (Explainer, Observation) {
    let explainer = try Explainer(Model(contentsOf: shipped(model)), nodes: nodes)
    return (explainer, try explainer.observe(try explainer.prepare(try SamplePictures.picture("single-003-star.png"))))
  }

  /// A map is made again at its own node, whatever else the explainer looks at, and by its own method.
  @Test func mapsAreMadeAgainWhereTheyWereMade() throws {
    let metrics = try ["coherency", "max-sensitivity", "random-logit", "mprt-cascading"].map(Metrics.named)
    let nodes = ["features.17", "features.20"], methods = ["layercam", "gradcam", "guided-backprop"]
    let (both, seen) = try observed("shapes-vgg.onnx", nodes: nodes)
    let explanations = try both.explain(classIndex: 3, of: seen, methods: methods)
    let together = try both.measure(explanations, of: seen, by: metrics)
    for node in nodes {
      let (one, seen) = try observed("shapes-vgg.onnx", nodes: [node])
      for method in methods {
        let alone = try one.explain(classIndex: 3, of: seen, methods: [method])
        let values = try one.measure(alone, of: seen, by: metrics)[0]
        guard let place = explanations.firstIndex(where: { $0.method == method && $0.node == alone[0].node }) else {
          Issue.record("no map of \(method) at \(node)")
          continue
        }
        for (ours, theirs) in zip(together[place], values) {
          #expect(try abs(#require(ours) - #require(theirs)) < 1e-6, "\(method) at \(node)")
        }
      }
    }
  }

  /// What does not depend on the class is the same for another one; what does is not.
  @Test func anotherClassChangesMapsOfClasses() throws {
    let (explainer, observation) = try observed("shapes-resnet.onnx")
    let explanations = try explainer.explain(classIndex: 3, of: observation, methods: ["eigencam", "gradcam"])
    let values = try explainer.measure(explanations, of: observation, by: [RandomLogit()]).map { $0[0] }
    #expect(try abs(#require(values[0]) - 1) < 1e-6)
    #expect(try #require(values[1]) < 0.7)
  }

  /// Metrics measured together are those alone, and progress ends with 1 and never goes back.
  @Test func metricsTogetherAreThoseAlone() throws {
    let (explainer, observation) = try observed("shapes-vgg.onnx")
    let explanations = try explainer.explain(classIndex: 3, of: observation, methods: ["gradcam", "random"])
    let metrics = try ["adcc", "avg-sensitivity", "max-sensitivity", "average-drop", "mprt-efficient"].map(
      Metrics.named)
    var told: [Double] = []
    let together = try explainer.measure(explanations, of: observation, by: metrics) { told.append($0) }
    #expect(try told == told.sorted() && abs(#require(told.last) - 1) < 1e-9)
    for (number, metric) in metrics.enumerated() {
      let alone = try explainer.measure(explanations, of: observation, by: [metric])
      for index in explanations.indices { #expect(together[index][number] == alone[index][0], "\(metric.name)") }
    }
    // The mean is no more than the largest.
    #expect(try #require(together[0][1]) <= #require(together[0][2]))
  }

  /// Layers are counted from the output, and a randomised one keeps its numbers in another order.
  @Test(arguments: [("shapes-vgg.onnx", 7, "classifier.weight"), ("shapes-resnet.onnx", 12, "fc.weight")])
  func layersAreRandomisedFromTheOutput(_ model: String, _ count: Int, _ last: String) throws {
    let (explainer, observation) = try observed(model)
    let planner = explainer.planner, end = observation.focus.explained, graph = planner.model.graph
    let layers = try planner.layers(before: end)
    #expect(layers.count == count)
    #expect(layers[0].inputs.contains { graph.values[graph.nodes[layers[0].node].inputs[$0]!].name == last })
    let changed = try planner.randomising(0..<2, before: end).model.graph
    for (number, layer) in layers.enumerated() {
      for place in layer.inputs {
        let old = graph.nodes[layer.node].inputs[place]!, new = changed.nodes[layer.node].inputs[place]!
        guard number < 2 else {
          #expect(old == new)
          continue
        }
        let before = try #require(graph.values[old].constant).floats
        let after = try #require(changed.values[new].constant).floats
        #expect(before != after && before.sorted() == after.sorted())
      }
    }
    let again = try planner.randomising(1..<2, before: end).model.graph
    let node = layers[1].node, place = layers[1].inputs[0]
    #expect(
      again.values[again.nodes[node].inputs[place]!].constant!.floats
        == changed.values[changed.nodes[node].inputs[place]!].constant!.floats)
  }

  /// A network whose layers are all as they were makes the same map.
  @Test func nothingRandomisedChangesNothing() throws {
    let (explainer, observation) = try observed("shapes-vgg.onnx")
    let explanation = try explainer.explain(classIndex: 3, of: observation)[0]
    let remaking = Remaking(explainer: explainer, explanations: [explanation], observation: observation)
    let maps = try remaking.maps([[.randomised(0..<0), .randomised(0..<7)]]) { _ in }[0]
    #expect(maps[0] == explanation.contentMap(isRectified: false))
    #expect(maps[1] != maps[0])
  }

  @Test func otherTargetsThanClassesAreRefused() throws {
    expectError(.unsupported, at: "metric 'random-logit'", saying: "is defined for maps of classes alone") {
      try Metrics.check([RandomLogit()], rank: 2, explainsClasses: false)
    }
  }
}
