import Ops
import Testing

@testable import Graph

/// Plans that read the values of another plan of the same graph.
@Suite struct ObservedPlanTests {
  /// y = Σ over columns of relu(w·x) · x, fused where nothing is tapped.
  private struct Network {
    var builder = GraphBuilder.test
    let x, convolved, rectified, product, y: ValueID

    init() {
      x = builder.input("x")
      let weights = builder.constant([0.5, -1, 2, 0.25], [2, 2, 1, 1])
      convolved = builder.first("Conv", [x, weights], name: "convolution")
      rectified = builder.first("Relu", [convolved])
      product = builder.first("Mul", [rectified, x])
      y = builder.first("GlobalAveragePool", [product])
    }

    func plan(_ change: (inout PlanRequest) -> Void) throws -> Plan {
      var request = PlanRequest(
        inputs: [x: ValueInfo(.float32, [1, 2, 1, 3])], outputs: [y],
        kernels: KernelRequest(threadCount: 1, reusesWeights: false))
      change(&request)
      return try Plan(builder.graph, operators: .standard, request: request)
    }
  }

  private let image = Tensor([1, -2, 3, 4, 5, -6], shape: [1, 2, 1, 3])
  private let pool = ThreadPool(threadCount: 1)

  private func observed(_ network: Network) throws -> Executor {
    let executor = try Executor(try network.plan { $0.isObservable = true }, pool: pool)
    try executor.set(network.x, to: image)
    try executor.forward()
    return executor
  }

  /// The gradient where one plan runs forward and back.
  private func truth(_ network: Network, at tap: ValueID) throws -> [Float] {
    let plan = try network.plan { request in
      request.taps = [tap]
      request.target = network.y
    }
    let executor = try Executor(plan, pool: pool)
    try executor.set(network.x, to: image)
    try executor.forward()
    try executor.backward(seed: [1, -2])
    return executor.gradient(of: tap).floats
  }

  @Test func gradientsPassThroughValuesThatAreNotComputedAgain() throws {
    let network = Network(), open = try observed(network)
    for (tap, steps) in [(network.x, 0), (network.rectified, 0), (network.product, 0), (network.convolved, 1)] {
      let plan = try network.plan { request in
        request.outputs = []
        request.taps = [tap]
        request.target = network.y
        request.observed = open.plan.observableValues
      }
      #expect(plan.forwardStepCount == steps, "\(network.builder.graph.values[tap].name)")
      let executor = try Executor(plan, pool: pool, observing: open)
      for _ in 0..<2 {
        try executor.forward()
        try executor.backward(seed: [1, -2])
        #expect(try executor.gradient(of: tap).floats == truth(network, at: tap))
      }
    }
  }

  @Test func whatIsInsideAFusedNodeIsNotThere() throws {
    let network = Network(), open = try observed(network)
    #expect(!open.plan.keeps(network.convolved))
    #expect([network.x, network.rectified, network.product, network.y].allSatisfy(open.plan.keeps))
    #expect(open.contents(of: network.rectified).floats == [0, 0, 7.5, 3, 0, 4.5])
  }
}
