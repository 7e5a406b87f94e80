import Testing

@testable import GradCAM

@Suite struct WorkMeterTests {
  @Test func piecesCountByTheirSizes() throws {
    var told: [Double] = []
    let meter = WorkMeter(8) { told.append($0) }
    meter.measure(2) {}
    meter.measure(4) {
      meter.advance(1)
      meter.advance(2)
      meter.advance(7)
    }
    struct Failure: Error {}
    #expect(throws: Failure.self) { try meter.measure(2) { throw Failure() } }
    #expect(told == [0.25, 0.375, 0.625, 0.75, 0.75, 1])
  }
}
