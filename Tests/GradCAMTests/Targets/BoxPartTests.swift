import Graph
import TestSupport
import Testing

@testable import GradCAM

@Suite struct BoxPartTests {
  @Test func partsAreWrittenWithTheRankOfTheBox() {
    #expect(BoxPart("mask:3") == BoxPart("mask:3") && BoxPart("mask:3")?.rank == 3)
    #expect(BoxPart("keypoint:0, left_eye.x")?.kind == .keypoint("left_eye.x") && BoxPart("angle:1")?.kind == .angle)
    for text in ["mask", "mask:", "mask:-1", "mask:0,1", "keypoint:0", "angle:0,x", "output0[0]", "masks:0", "a:b"] {
      #expect(BoxPart(text) == nil, "\(text)")
    }
  }

  /// Asks a detector for a part, and runs it on a tensor.
  private func asked(
    _ elements: String, columns: String, of graph: DetectorGraph, node: String
  ) throws -> (target: any Target, observation: Observation, model: Model) {
    var request = TargetRequest()
    // Every box counts.
    (request.elements, request.columns, request.overlap) = (elements, [columns], 1)
    let explainer = try Explainer(graph.model(), explaining: request, nodes: [node], threadCount: 1)
    let image = explainer.prepare(Tensor((0..<3072).map { Float($0 * 37 % 101) / 50 - 1 }, shape: [1, 3, 32, 32]))
    let observation = try explainer.observe(image)
    let target = try TargetChoice(of: explainer).targets(explainer, of: observation)[0]
    return (target, observation, explainer.model)
  }

  /// Boxes of 64 cells, with two coefficients each, and two prototypes of 8 × 8.
  private func segmenting() -> DetectorGraph {
    var graph = DetectorGraph()
    graph.output(graph.joined(graph.pixels(4), graph.sigmoid(1), graph.numbers(2)), "output0")
    graph.output(graph.convolved(to: 2, kernel: 4, stride: 4), "output1")
    return graph
  }

  @Test func aMaskIsMadeOfBothOutputs() throws {
    let (target, observation, model) = try asked(
      "mask:0", columns: "output0=cxcywh/px,score,mask*2", of: segmenting(), node: "Conv:-1")
    let boxes = try #require(target.boxes), box = try #require(boxes.boxes.first { boxes.explains($0) })
    let output = try model.graph.outputs.map { try observation.elements(of: $0) }
    let coefficients = [5, 6].map { output[0][$0 * 64 + box.index] }
    let inside = (0..<64).filter { position in
      abs(Double(position % 8) * 4 + 2 - box.outline.x) <= box.outline.width / 2
        && abs(Double(position / 8) * 4 + 2 - box.outline.y) <= box.outline.height / 2
    }
    #expect(!inside.isEmpty && inside.count < 64)
    let truth = [0, 1].reduce(Float(0)) { sum, channel in
      sum + coefficients[channel] * inside.reduce(0) { $0 + output[1][channel * 64 + $1] }
    }
    expectClose([try target.score(observation.contents)], [truth], within: 1e-4)
    // At the prototypes: the coefficients inside of the box.
    let tap = try observation.taps(of: target)[0]
    expectClose(tap.gradient, (0..<128).map { inside.contains($0 % 64) ? coefficients[$0 / 64] : 0 }, within: 1e-5)
    // And the derivative with respect to each coefficient, by differences.
    let gradient = try target.gradient(observation.contents)
    for channel in 0..<2 {
      var changed = observation.contents
      changed[(5 + channel) * 64 + box.index] += 0.5
      let slope = try (target.score(changed) - target.score(observation.contents)) / 0.5
      expectClose([gradient[(5 + channel) * 64 + box.index]], [slope], within: 1e-3)
    }
    #expect(target.name == "mask-box\(box.index)" && target.description.contains("\(inside.count) of 64 positions"))
  }

  /// A model that was opened for any question is asked for a mask, and its maps are measured beside those of a box.
  @Test func masksAreAskedOfAnOpenModel() throws {
    let model = try segmenting().model(), columns = ["output0=cxcywh/px,score,mask*2"]
    let open = try Explainer(model, nodes: ["Conv:0"], threadCount: 1)
    let image = open.prepare(Tensor((0..<3072).map { Float($0 * 37 % 101) / 50 - 1 }, shape: [1, 3, 32, 32]))
    let observation = try open.observe(image, isOpen: true)
    var mask = TargetRequest(), box = TargetRequest()
    (mask.elements, mask.columns, mask.overlap) = ("mask:0", columns, 1)
    (box.detection, box.columns, box.overlap) = (0, columns, 1)
    var made: [Explanation] = [], truth: [Double?] = []
    let metric = try Metrics.named("deletion")
    for (request, node) in [(mask, "Conv:-1"), (box, "Conv:1"), (mask, "Conv:-1")] {
      let (asking, choice) = try open.asking(request, nodes: [node])
      let asked = try asking.ask(observation)
      made += try asking.explain(try choice.targets(asking, of: asked)[0], of: asked)
      let own = try Explainer(model, explaining: request, nodes: [node], threadCount: 1)
      let seen = try own.observe(image), target = try TargetChoice(of: own).targets(own, of: seen)[0]
      let expected = try own.explain(target, of: seen)
      #expect(made.last!.score == expected[0].score && made.last!.map.values == expected[0].map.values)
      truth += try own.measure(expected, of: seen, by: [metric]).map { $0[0] }
    }
    #expect(made[0].map.values == made[2].map.values && made[0].map.values != made[1].map.values)
    let measured = try open.measure(made, of: observation, by: [metric]).map { $0[0] }
    for (value, truth) in zip(measured, truth) {
      let truth = try #require(truth)
      #expect(try abs(#require(value) - truth) <= 1e-3 * abs(truth))
    }
    // No second planner is made for the same question.
    #expect(try open.asking(mask, nodes: ["Conv:-1"]).0.planner === open.asking(mask, nodes: ["Conv:2"]).0.planner)
  }

  @Test func masksNeedPrototypesAndAPlace() throws {
    expectError(.unsupported, saying: "coefficients of a mask") {
      _ = try asked("mask:0", columns: "output0=cxcywh/px,score,skip*2", of: segmenting(), node: "Conv:-1")
    }
    expectError(.unsupported, saying: "the place of the box is not known") {
      _ = try asked("mask:0", columns: "output0=box,score,mask*2", of: segmenting(), node: "Conv:-1")
    }
    expectError(.usage, saying: "the model gives") {
      _ = try asked("mask:64", columns: "output0=cxcywh/px,score,mask*2", of: segmenting(), node: "Conv:-1")
    }
  }

  @Test func keyPointsAndAnglesAreNumbersOfTheBox() throws {
    var graph = DetectorGraph()
    graph.output(graph.joined(graph.pixels(4), graph.sigmoid(1), graph.numbers(51), graph.numbers(1)), "output0")
    let columns = "output0=cxcywh/px,score,keypoint*51,angle"
    for (text, number, words) in [
      ("keypoint:2,left_eye", 5 + 3 + 2, "score of left_eye"), ("keypoint:2,1", 5 + 3 + 2, "score of left_eye"),
      ("keypoint:2,nose.x", 5, "column of nose"), ("keypoint:2,16.y", 5 + 48 + 1, "row of right_ankle"),
      ("angle:2", 56, "angle"),
    ] {
      let (target, observation, _) = try asked(text, columns: columns, of: graph, node: "Conv:0")
      let boxes = try #require(target.boxes), box = try #require(boxes.explained.first)
      #expect(try target.score(observation.contents) == observation.contents[number * 64 + box], "\(text)")
      let gradient = try target.gradient(observation.contents)
      #expect(gradient[number * 64 + box] == 1 && gradient.count { $0 != 0 } == 1)
      #expect(target.description == "\(words) of box \(box)")
    }
    for (text, words) in [("keypoint:0,17", "there is no key point '17'"), ("keypoint:0,tail", "one of nose")] {
      expectError(.usage, saying: words) { _ = try asked(text, columns: columns, of: graph, node: "Conv:0") }
    }
    expectError(.unsupported, saying: "no angle") {
      _ = try asked("angle:0", columns: "output0=cxcywh/px,score,skip*52", of: graph, node: "Conv:0")
    }
    expectError(.unsupported, saying: "nothing says how many") {
      _ = try asked(
        "keypoint:0,1", columns: "output0=cxcywh/px,score,keypoint*12,skip*40", of: graph, node: "Conv:0")
    }
    expectError(.usage, saying: "key points have no score") {
      _ = try asked(
        "keypoint:0,1", columns: "output0=cxcywh/px,score,keypoint*10,skip*42", of: graph, node: "Conv:0")
    }
  }
}
