import Foundation
import Ops
import Testing

@testable import Graph

struct NonFiniteOriginTests {
  private func origin(_ build: (inout GraphBuilder, ValueID) -> (tap: ValueID, target: ValueID), _ input: [Float])
    throws -> NonFiniteOrigin?
  {
    var builder = GraphBuilder.test
    let x = builder.input("x"), (tap, target) = build(&builder, x)
    let executor = try Executor(
      try builder.plan([input.count], outputs: [target], taps: [tap], target: target), pool: ThreadPool(threadCount: 1))
    try executor.set(x, to: Tensor(input, shape: [input.count]))
    return try executor.nonFiniteOrigin(seed: [Float](repeating: 1, count: input.count))
  }

  @Test func theFirstNodeThatMakesThemIsNamed() throws {
    let found = try origin(
      { builder, x in
        let log = builder.first("Log", [builder.first("Abs", [x], name: "size")], name: "logarithm")
        return (log, builder.first("Neg", [builder.first("Exp", [log], name: "power")], name: "last"))
      }, [1, 0])
    #expect(found == NonFiniteOrigin(node: "logarithm", output: 2, isGradient: false, constant: nil))
  }

  @Test func whatIsPutRightDoesNotCount() throws {
    let found = try origin(
      { builder, x in
        let masked = builder.first("Exp", [builder.first("Log", [x], name: "mask")], name: "healed")
        return (masked, builder.first("Sqrt", [masked], name: "root"))
      }, [0, -4])
    #expect(found?.node == "mask", "Log(-4) stays no number")
    #expect(
      try origin(
        { builder, x in
          let tap = builder.first("Exp", [builder.first("Log", [x], name: "mask")], name: "healed")
          return (tap, builder.first("Neg", [tap]))
        }, [0, 4]) == nil, "exp(-infinity) is 0")
  }

  @Test func gradientsCountToo() throws {
    let found = try origin(
      { builder, x in
        let tap = builder.first("Abs", [x], name: "tap")
        return (tap, builder.first("Sqrt", [tap], name: "root"))
      }, [0, 4])
    #expect(found == NonFiniteOrigin(node: "root", output: 2, isGradient: true, constant: nil))
    let after = try origin(
      { builder, x in
        let tap = builder.first("Abs", [x], name: "tap"), root = builder.first("Sqrt", [tap], name: "root")
        return (tap, builder.first("Neg", [builder.first("Neg", [root])], name: "last"))
      }, [0, 4])
    #expect(after?.node == "root", "the gradient given lies where others are written over it")
  }
}
