import Testing

@testable import GradCAMCommand

struct ProgressBarTests {
  @Test func theTimeLeftFollowsFromTheShare() {
    let half = ProgressBar.text(0.5, after: .seconds(83))
    #expect(half == String(repeating: "█", count: 14) + String(repeating: "·", count: 14) + "  50% 1:23 left")
    #expect(ProgressBar.text(0, after: .seconds(9)).hasSuffix("·   0%"), "nothing is known yet")
    #expect(ProgressBar.text(0.01, after: .seconds(60)).hasSuffix("  1% 1:39:00 left"))
    #expect(ProgressBar.text(0.999, after: .seconds(1)).hasSuffix(" 99% 0:01 left"))
  }
}
