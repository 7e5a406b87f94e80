import Testing

@testable import GradCAM

@Suite struct BootstrapMeanTests {
  private func mean(of values: [Double], names: [Int]? = nil) -> BootstrapMean {
    var mean = BootstrapMean()
    for (value, name) in zip(values, names ?? Array(values.indices)) { mean.add(value, .init("image-\(name).png")) }
    return mean
  }

  /// 400 values of which a quarter are 1: the mean's deviation is √(0.25 · 0.75 ⁄ 400) = 0.0217.
  @Test func theIntervalIsThatOfTheNormalApproximation() throws {
    let mean = mean(of: (0..<400).map { $0 % 4 == 0 ? 1 : 0 })
    let interval = try #require(mean.interval)
    #expect(mean.mean == 0.25)
    #expect(abs(interval.lowerBound - (0.25 - 1.96 * 0.0217)) < 0.006)
    #expect(abs(interval.upperBound - (0.25 + 1.96 * 0.0217)) < 0.006)
  }

  /// An interrupted run that goes on elsewhere in the order ends with the same numbers.
  @Test func orderDoesNotMatter() throws {
    let values = (0..<50).map { Double($0 * $0 % 17) }, order = values.indices.sorted { $0 * 7 % 50 < $1 * 7 % 50 }
    let one = try #require(mean(of: values).interval)
    let other = try #require(mean(of: order.map { values[$0] }, names: order).interval)
    #expect(abs(one.lowerBound - other.lowerBound) < 1e-12 && abs(one.upperBound - other.upperBound) < 1e-12)
  }

  @Test func fewValues() throws {
    #expect(BootstrapMean().mean == nil && BootstrapMean().interval == nil)
    #expect(try #require(mean(of: [0.5]).interval) == 0.5...0.5)
    let two = try #require(mean(of: [0, 1]).interval)
    #expect(two == 0...1)
  }
}
