import TestSupport
import Testing

@testable import GradCAM

@Suite struct GateTests {
  @Test(
    arguments: [
      ("pointing-game<0.8", "pointing-game", [0.79, -1], [0.8, 1]),
      (" pointing <= 0.8", "pointing-game", [0.8], [0.81]),
      ("deletion>0.5", "deletion", [0.51], [0.5, 0.1]), ("deletion >= -1e-1", "deletion", [-0.1, 1], [-0.2]),
    ] as [(String, String, [Double], [Double])])
  func conditions(_ text: String, _ figure: String, _ failing: [Double], _ passing: [Double]) throws {
    let gate = try Gate(onMetric: text)
    #expect(gate.figure == figure && gate.text == text)
    for value in failing { #expect(gate.isMet(by: value), "\(value)") }
    for value in passing { #expect(!gate.isMet(by: value), "\(value)") }
  }

  @Test(arguments: [
    "", "pointing-game", "<0.8", "pointing-game<", "pointing-game<x", "pointing-game<nan", "pointing=1",
  ])
  func whatIsNoConditionIsRefusedWithTheNames(_ text: String) {
    expectError(.usage, at: "fail-if '\(text)'", saying: "pointing-game") { _ = try Gate(onMetric: text) }
  }

  @Test func unknownFiguresAreRefusedWithTheNames() {
    expectError(.usage, at: "fail-if 'speed<1'", saying: "the names are drop, psnr") {
      _ = try Gate("speed<1", names: ["drop", "psnr"])
    }
  }

  @Test func reasonsAndWhatWasNotMeasured() throws {
    let gate = try Gate("psnr<20", names: ["psnr"])
    #expect(try gate.failures([("a", 19.5), ("b", 20)]) == ["psnr of a is 19.5"])
    #expect(try gate.failures([("b", 20)]) == [])
    for values in [[], [("a", nil)], [("b", 20), ("a", .nan)]] as [[(String, Double?)]] {
      expectError(.badData, at: "fail-if 'psnr<20'", saying: "was not measured") { _ = try gate.failures(values) }
    }
  }
}
