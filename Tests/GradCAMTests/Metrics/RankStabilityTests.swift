import Testing

@testable import GradCAM

@Suite struct RankStabilityTests {
  private func mean(_ values: [Double]) -> BootstrapMean {
    var mean = BootstrapMean()
    for (index, value) in values.enumerated() { mean.add(value, BootstrapMean.Draws("image \(index)")) }
    return mean
  }

  private let base = [0.1, 0.9, 0.4, 0.6, 0.2, 0.8, 0.3, 0.7]

  /// The images differ more than the methods, which are told apart since they are drawn together.
  @Test func constantDifferencesAreCertain() {
    let means = [mean(base), mean(base.map { $0 + 0.05 }), mean(base.map { $0 - 0.05 })]
    #expect(BootstrapMean.ranks(means, isBetterHigher: true) == [2...2, 1...1, 3...3])
    #expect(BootstrapMean.ranks(means, isBetterHigher: false) == [2...2, 3...3, 1...1])
    #expect(means[1].isBetter(than: means[0], isBetterHigher: true) == true)
    #expect(means[1].isBetter(than: means[0], isBetterHigher: false) == false)
    #expect(means[2].isBetter(than: means[0], isBetterHigher: false) == true)
  }

  @Test func differencesByChanceAreNot() {
    let other = zip(base, [0.3, -0.3, 0.2, -0.25, 0.3, -0.2, -0.1, 0.1]).map { $0 + $1 }
    let means = [mean(base), mean(other)]
    #expect(BootstrapMean.ranks(means, isBetterHigher: true) == [1...2, 1...2])
    for direction in [true, false] {
      #expect(means[0].isBetter(than: means[1], isBetterHigher: direction) == false)
      #expect(means[1].isBetter(than: means[0], isBetterHigher: direction) == false)
    }
  }

  /// Equal means have one rank, and an empty or a short one has none.
  @Test func fewImagesTellNothing() {
    let few = mean([0, 0, 0, 0]), same = mean(base)
    #expect(BootstrapMean.ranks([same, few, same, BootstrapMean()], isBetterHigher: true) == [1...1, nil, 1...1, nil])
    #expect(same.isBetter(than: few, isBetterHigher: true) == nil)
    var several = BootstrapMean()
    for _ in 0..<10 { several.add(1, BootstrapMean.Draws("one image")) }
    #expect(several.count == 10 && several.sampleCount == 1)
  }
}
