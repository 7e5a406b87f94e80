import Graph
import TestSupport
import Testing

@testable import GradCAM

/// What requests ask for; the command line's tests compare maps.
@Suite struct TargetRequestTests {
  private func model() throws -> Model {
    try shippedModel("shapes-resnet.onnx")
  }

  private func contradiction(_ set: (inout TargetRequest) -> Void) -> String? {
    var request = TargetRequest()
    set(&request)
    return request.contradiction?.description
  }

  @Test func requestsThatContradictThemselves() {
    #expect(contradiction { _ in } == nil)
    #expect(contradiction { ($0.classes, $0.mask, $0.score) = (["3"], "mask.png", .probability) } == nil)
    #expect(contradiction { ($0.contrast, $0.score) = ("1,2", .probability) } == nil)
    #expect(contradiction { ($0.detection, $0.classes) = (0, ["dog"]) } == nil)
    #expect(contradiction { ($0.elements, $0.contrast) = ("x", "1,2") } == "give contrast or target, not both")
    #expect(contradiction { ($0.classes, $0.embedding) = (["1"], "a.npy") } == "give class or embedding, not both")
    #expect(contradiction { ($0.top, $0.classes) = (2, ["1"]) } == "give class or top, not both")
    #expect(contradiction { $0.mask = "mask.png" } == "mask needs class")
    #expect(
      contradiction { ($0.detection, $0.score) = (1, .probability) }
        == "score 'probability' applies to classes; leave it out with detection")
    #expect(contradiction { $0.top = 0 } == "top must be at least 1")
    #expect(contradiction { $0.detection = -1 } == "detection must be at least 0")
  }

  @Test func whatContradictsItselfIsNotPlanned() throws {
    let model = try model()
    var request = TargetRequest()
    request.top = 0
    expectError(.usage, saying: "top must be at least 1") {
      _ = try Explainer(model, explaining: request, threadCount: 1)
    }
  }

  @Test(arguments: [false, true]) func targetsOfAnImage(isCounterfactual: Bool) throws {
    let model = try model()
    func targets(_ set: (inout TargetRequest) -> Void) throws -> [any Target] {
      var request = TargetRequest()
      request.isCounterfactual = isCounterfactual
      set(&request)
      let explainer = try Explainer(model, explaining: request, threadCount: 1)
      let choice = try TargetChoice(of: explainer)
      let image = explainer.prepare(model.imageShape.noise(explainer.planner.inputSize))
      let observation = try explainer.observe(image)
      let best = try explainer.classes(of: observation, count: 8).map(\.index)
      let targets = try choice.targets(explainer, of: observation)
      #expect(targets.count == choice.count)
      if request.top != nil { #expect(targets.compactMap(\.subject) == Array(best.prefix(choice.count))) }
      return targets
    }
    #expect(try targets { $0.top = 2 }.count == 2 && targets { $0.top = 9 }.count == 8)
    #expect(try targets { $0.classes = ["2", "0", "2"] }.map(\.subject) == [2, 0])
    #expect(try targets { $0.contrast = "1,2" }.map(\.subject) == [nil])
    let elements = try targets { $0.elements = "logits[0,1]" }[0]
    #expect(elements.description == (isCounterfactual ? "−(logits[0,1])" : "logits[0,1]"))
  }
}
