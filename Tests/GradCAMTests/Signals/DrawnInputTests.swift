import Graph
import TestSupport
import Testing

@testable import GradCAM

/// Maps over inputs that are no pictures.
@Suite struct DrawnInputTests {
  private func explanation(_ name: String, at nodes: [String] = []) throws -> Explanation {
    let network = try SignalFixture.named(name)
    let (explainer, observation, target) = try network.explained(at: nodes)
    return try explainer.explain(target, of: observation)[0]
  }

  private func drawn(
    _ name: String, _ style: DrawingStyle = .overlay, _ view: InputView = InputView()
  ) throws -> Picture {
    let explanation = try explanation(name)
    return try explanation.drawn(style: style, view: view)
  }

  /// The curves' size does not depend on their number, or on the length.
  @Test func signalsAreCurvesOverABandOfHeat() throws {
    let twelve = try drawn("ecg"), one = try drawn("wave")
    #expect(twelve.size == one.size && twelve != one)
    for style in [DrawingStyle.heat, .mask] { #expect(try drawn("ecg", style).size == twelve.size) }
    let both = try drawn("ecg", .sideBySide)
    #expect((both.width, both.height) == (2 * twelve.width, twelve.height))
    #expect(try drawn("ecg", .overlay, InputView(rate: 500)) != twelve)
    #expect(try drawn("ecg", .overlay, InputView(channels: [2])) != twelve)
    // The band has the colours of the map, darkest and brightest of the scale somewhere.
    let heat = try explanation("ecg", at: ["stem"]).drawn(style: .heat, view: InputView()), jet = Colormap.jet.colors
    let row = 3 * heat.width * (heat.height - 50)
    let colours = Set((110..<heat.width - 16).map { Array(heat.pixels[row + 3 * $0..<row + 3 * $0 + 3]) })
    #expect(colours.contains(Array(jet[..<3])) && colours.count > 8, "\(colours.count)")
  }

  @Test func volumesAreSheetsOfSlices() throws {
    let sheet = try drawn("volume")
    #expect(sheet.width > 400 && sheet.height > 400)
    #expect(try drawn("volume", .sideBySide).width == 2 * sheet.width)
    #expect(try drawn("film").size != sheet.size)
  }

  @Test func channelsAreChosenFromOne() throws {
    let mean = try drawn("bands"), colours = try drawn("bands", .overlay, InputView(channels: [3, 2, 1]))
    #expect(mean.size == PixelSize(width: 20, height: 16) && colours.size == mean.size && colours != mean)
    #expect(try drawn("bands", .overlay, InputView(channels: [4])) != mean)
    for channels in [[0], [7], [1, 2]] {
      expectError(.usage, at: "show '\(channels.map(String.init).joined(separator: ","))'") {
        _ = try drawn("bands", .overlay, InputView(channels: channels))
      }
    }
    let shape = try SignalFixture.named("bands").model().imageShape
    #expect("\(try #require(InputView().note(on: shape)).text)".contains("the mean of 6 channels"))
    #expect("\(try #require(InputView(channels: [3, 2, 1]).note(on: shape)).text)".contains("channels 3, 2, 1"))
  }

  /// Between the 2nd and the 98th percentile; what is not finite is black.
  @Test func levelsAreRobust() {
    let levels = RobustLevels((0...100).map(Float.init) + [.nan])
    #expect((levels[2], levels[98], levels[50]) == (0, 255, 127) && levels[-5] == 0 && levels[1e9] == 255)
    #expect(levels[.nan] == 0 && RobustLevels([3, 3, 3])[3] == 0 && RobustLevels([])[1] == 255)
    #expect(RobustLevels([.infinity, .nan])[.infinity] == 255)
    // Almost all numbers are the same.
    let sparse = RobustLevels([Float](repeating: 0, count: 1000) + [1])
    #expect(sparse[1] == 255 && sparse[0] == 0)
  }
}
