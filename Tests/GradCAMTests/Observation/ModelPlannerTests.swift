import Graph
import TestSupport
import Testing

@testable import GradCAM

@Suite struct ModelPlannerTests {
  /// Each image has the bits that a planner of its own gives it.
  @Test(arguments: NetworkFixture.all)
  func servesOtherImagesAndClassesWithTheSameBits(_ network: NetworkFixture) throws {
    let numbers = try network.contents(), model = try network.model("torchscript"), image = numbers[network.input]
    let nodes = network.taps.map(\.query)
    func changed(_ change: (Float) -> Float) -> Tensor { Tensor(image.floats.map(change), shape: image.shape) }
    let inverted = changed { 1 - $0 }

    let planner = try ModelPlanner(model, inputSize: network.size, pool: ThreadPool(threadCount: 2))
    let focus = try planner.focus(nodes: nodes)
    func observe(_ tensor: Tensor) throws -> Observation {
      try Observation(planner, PreparedImage(tensor, size: network.size), focus, isOpen: false)
    }
    _ = try observe(changed { 3 - $0 }).taps(0)
    let used = try observe(image)
    for index in 0..<used.classCount where index != network.class { _ = try used.taps(index) }
    let other = try observe(inverted)
    for (observation, tensor) in [(used, image), (other, inverted)] {
      let fresh = try Observation.of(tensor, by: model, nodes: nodes, size: network.size)
      for (found, expected) in zip(try observation.taps(network.class), try fresh.taps(network.class)) {
        #expect(found.activation == expected.activation && found.gradient == expected.gradient)
      }
    }
  }

  @Test func nodesWithoutSpatialExtentAreRefused() throws {
    let network = try NetworkFixture.named("residual")
    for exporter in NetworkGradientTests.exporters {
      let model = try network.model(exporter)
      expectError(.usage, saying: "node 'fc'", "no known spatial extent", "1×5") {
        _ = try ModelPlanner(model, inputSize: network.size, pool: ThreadPool(threadCount: 1)).focus(nodes: ["fc"])
      }
    }
  }
}
