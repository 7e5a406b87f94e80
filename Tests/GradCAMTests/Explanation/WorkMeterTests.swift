import Testing

@testable import GradCAM

@Suite struct WorkMeterTests {
  @Test func piecesCountByTheirSizes() throws {
    var reported: [Double] = []
    let meter = WorkMeter(10) { reported.append($0) }
    try meter.measure(2) {}
    try meter.measure(4) {
      try meter.advance(1)
      try meter.advance(2)
      try meter.advance(7)
    }
    struct Failure: Error {}
    #expect(throws: Failure.self) { try meter.measure(2) { throw Failure() } }
    try meter.measure(2) {}
    #expect(reported == [0.2, 0.3, 0.5, 0.6, 0.6, 1])
  }
}
