import Graph
import TestSupport
import Testing

@testable import GradCAM

@Suite struct TailTests {
  @Test(arguments: NetworkFixture.all)
  func givesTheScoresOfTheWhole(_ network: NetworkFixture) throws {
    let model = try network.model("dynamo"), image = try network.contents()[network.input]
    for tap in network.taps {
      let observation = try Observation.of(image, by: model, nodes: [tap.query], size: network.size)
      let value = observation.taps[0].value, activation = try observation.tensor(of: value)
      let tail = try Tail(after: value, of: observation, roundsLittle: true), logits = try observation.logits
      let found = try tail.explainedContents(for: activation)
      expectClose(found, logits, within: 1e-5, isRelative: true, "at \(tap.query)")
      let zero = Tensor([Float](repeating: 0, count: activation.shape.count), shape: activation.shape)
      #expect(try tail.explainedContents(for: zero) != logits, "\(tap.query): what it is given counts")
      #expect(try tail.explainedContents(for: activation) == found, "\(tap.query): what it was given before does not")
    }
  }
}
