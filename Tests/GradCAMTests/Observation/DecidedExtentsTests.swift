import Graph
import TestSupport
import Testing

@testable import GradCAM

/// Networks whose extents depend on the picture, on the shipped detector.
@Suite struct DecidedExtentsTests {
  private func picture(_ name: String) throws -> Picture {
    try Picture(contentsOf: shipped("detector-samples/\(name).png"))
  }

  private func request(_ rank: Int) -> TargetRequest {
    var request = TargetRequest()
    request.detection = rank
    return request
  }

  @Test func networksOfFixedExtentsArePlannedOnce() throws {
    let explainer = try Explainer(shippedModel("shapes-vgg.onnx"), threadCount: 1) { _ in
      Issue.record("no example is needed")
      throw CancellationError()
    }
    let observation = try explainer.observe(explainer.prepare(picture("scene-001-ring-heart")))
    #expect(try !explainer.dependsOnData && observation.planner === explainer.planner)
  }

  @Test func everyPictureHasItsExtents() throws {
    let two = try picture("scene-001-ring-heart"), three = try picture("scene-004-moon-triangle-square")
    let explainer = try Explainer(shippedModel("shapes-detector.onnx"), explaining: request(1), threadCount: 1) {
      try $0.prepare(two)
    }
    let choice = try TargetChoice(of: explainer)
    func observe(_ picture: Picture) throws -> Observation { try explainer.observe(explainer.prepare(picture)) }
    let first = try observe(two), second = try observe(three), again = try observe(two)
    #expect(first.focus.explainedInfo.shape == [2] && second.focus.explainedInfo.shape == [3])
    #expect(first.planner === explainer.planner && first.planner === again.planner && first.planner !== second.planner)
    for observation in [first, second, again] {
      let target = try choice.targets(explainer, of: observation)[0]
      #expect(try target.score(observation.contents) == observation.contents[1])
      #expect(try explainer.explain(target, of: observation)[0].rectifiedMap().values.contains { $0 > 0 })
    }
    #expect(first.contents == again.contents)
  }

  @Test func openObservationsAreAskedAboutBoxes() throws {
    let explainer = try Explainer(shippedModel("shapes-detector.onnx"), threadCount: 1)
    #expect(try explainer.dependsOnData)
    let observation = try explainer.observe(explainer.prepare(picture("scene-001-ring-heart")), isOpen: true)
    let (asking, choice) = try explainer.deciding(by: observation).asking(request(0))
    let asked = try asking.ask(observation), target = try choice.targets(asking, of: asked)[0]
    #expect(target.description.hasPrefix("score of ring in box 0"))
    let opened = try asking.explain(target, of: asked)[0].rectifiedMap().values
    let planned = try asking.explain(target, of: asking.observe(observation.image))[0].rectifiedMap().values
    expectClose(opened, planned, within: 1e-4)
  }

  @Test func thereIsNoClassWithoutATarget() throws {
    let two = try picture("scene-001-ring-heart")
    expectError(.unsupported, saying: "detection") {
      let explainer = try Explainer(shippedModel("shapes-detector.onnx"), threadCount: 1) { try $0.prepare(two) }
      _ = try TargetChoice(of: explainer)
    }
  }

  @Test func aPictureWithoutBoxesSaysSo() throws {
    let plain = Picture(width: 128, height: 128, pixels: [UInt8](repeating: 128, count: 128 * 128 * 3))
    expectError(.badData, saying: "finds no box in this picture") {
      _ = try Explainer(shippedModel("shapes-detector.onnx"), explaining: request(0), threadCount: 1) {
        try $0.prepare(plain)
      }
    }
  }

  /// What was selected stays selected while the activation at a node changes.
  @Test func methodsThatRunTheNetworkAgainKeepTheSelection() throws {
    let two = try picture("scene-001-ring-heart")
    let explainer = try Explainer(
      shippedModel("shapes-detector.onnx"), explaining: request(1), nodes: ["layer2"], threadCount: 1
    ) { try $0.prepare(two) }
    let observation = try explainer.observe(explainer.prepare(two))
    let target = try TargetChoice(of: explainer).targets(explainer, of: observation)[0]
    let tail = try observation.tail(after: explainer.focus.taps[0].value)
    let tensor = try observation.tensor(of: explainer.focus.taps[0].value)
    let same = try target.score(tail.explainedContents(for: tensor))
    #expect(abs(same - (try target.score(observation.contents))) < 1e-5)
    let zeros = Tensor([Float](repeating: 0, count: tensor.shape.count), shape: tensor.shape)
    #expect(try tail.explainedContents(for: zeros).count == observation.contents.count)
    #expect(try GradientVerification(observation, of: target).verdict == .agrees)
  }
}
