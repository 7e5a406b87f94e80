import Graph
import Testing

@testable import GradCAM

extension FeatureMapLayout {
  fileprivate func gather(_ values: [Float]) -> [Float] { values.withUnsafeBufferPointer(gather) }
}

@Suite struct DimensionTests {
  private let map = [
    Dimension(.batch, 1), Dimension(.channels, 2), Dimension(.height, 4), Dimension(.width, 6),
  ]

  private let plane: [Factor.Role] = [.height, .width]

  private func layout(_ dimensions: [Dimension]) throws -> FeatureMapLayout {
    try #require(FeatureMapLayout(dimensions))
  }

  /// 0, 1, 2 … in the order in which a map's elements lie: what gathering must bring back.
  private func numbers(_ count: Int) -> [Float] { (0..<count).map(Float.init) }

  @Test func channelsFirstIsTakenAsItLies() throws {
    #expect(try layout(map).gather(numbers(48)) == numbers(48))
  }

  @Test func channelsLastAreBroughtToTheFront() throws {
    let last = try layout([map[0], map[2], map[3], map[1]])
    #expect((last.channels, last.height, last.width) == (2, 4, 6))
    let values = (0..<24).flatMap { [Float($0), Float($0 + 24)] }
    #expect(last.gather(values) == numbers(48))
  }

  @Test func tokensAreAGridAfterTheClassToken() throws {
    var tokens = map.reshaped(to: [1, 2, 24])
    tokens[2].leading = 1
    let layout = try layout([tokens[0], tokens[2], tokens[1]])
    #expect((layout.channels, layout.height, layout.width, layout.extraTokens) == (2, 4, 6, 1))
    let values = [Float](repeating: -1, count: 2) + (0..<24).flatMap { [Float($0), Float($0 + 24)] }
    #expect(layout.gather(values) == numbers(48))
  }

  @Test func windowsAreLaidOutAgain() throws {
    let split = map.reshaped(to: [1, 2, 2, 2, 3, 2])
    let order = [0, 2, 4, 3, 5, 1]
    let windows = order.map { split[$0] }.reshaped(to: [6, 4, 2])
    let layout = try layout(windows)
    #expect((layout.channels, layout.height, layout.width) == (2, 4, 6))
    var values: [Float] = []
    for row in 0..<2 {
      for column in 0..<3 {
        for y in 0..<2 {
          for x in 0..<2 {
            let place = (2 * row + y) * 6 + 2 * column + x
            values += [Float(place), Float(place + 24)]
          }
        }
      }
    }
    #expect(layout.gather(values) == numbers(48))
    // And back.
    let back = windows.reshaped(to: [1, 2, 3, 2, 2, 2])
    #expect([0, 1, 3, 2, 4, 5].map { back[$0] }.reshaped(to: [1, 4, 6, 2]).map(\.extent) == [1, 4, 6, 2])
    #expect(FeatureMapLayout([0, 1, 3, 2, 4, 5].map { back[$0] }.reshaped(to: [1, 4, 6, 2])) != nil)
  }

  @Test func whatCutsAcrossIsUnknown() {
    for extents in [[1, 3, 16], [8, 6, 2], [1, 2, 25]] {
      #expect(map.reshaped(to: extents).allSatisfy { !$0.isKnown || $0.extent == 1 }, "\(extents)")
    }
    var tokens = map.reshaped(to: [1, 2, 24])
    tokens[2].leading = 1
    #expect(!tokens.reshaped(to: [1, 50])[1].isKnown)
    #expect(tokens.reshaped(to: [2, 25])[1] == tokens[2])
  }

  /// Six tiles joined along the batch, row after row or column after column, are one map.
  @Test(arguments: [true, false])
  func tilesArePutTogether(isRowMajor: Bool) throws {
    func tile(_ row: Int, _ column: Int) -> [Dimension] {
      [
        map[0], map[1], map[2].sliced(start: 2 * row, step: 1, extent: 2),
        map[3].sliced(start: 2 * column, step: 1, extent: 2),
      ]
    }
    let places = isRowMajor ? (0..<6).map { ($0 / 3, $0 % 3) } : (0..<6).map { ($0 % 2, $0 / 2) }
    let joined = try #require(PictureParts(places.map(tile), joinedAt: 0)).dimensions
    #expect(joined.map(\.extent) == [6, 2, 2, 2])
    let layout = try layout(joined)
    #expect((layout.channels, layout.height, layout.width) == (2, 4, 6))
    for (index, (row, column)) in places.enumerated() {
      #expect(layout.index(1, 2 * row + 1, 2 * column) == index * 8 + 6)
    }
    // One of them lies at its place.
    let item = try #require(FeatureMapLayout(joined, item: 4))
    #expect((item.height, item.width, item.index(0, 0, 0)) == (2, 2, 32))
    #expect((item.region.y, item.region.height) == (Double(places[4].0) / 2, 0.5))
    #expect(abs(item.region.x - Double(places[4].1) / 3) < 1e-9 && abs(item.region.width - 1.0 / 3) < 1e-9)
  }

  /// Crops that are no grid, and mirror images, are seen one by one, each at its place and the right way round.
  @Test func viewsAreSeenOneByOne() throws {
    let crops = [(0, 0), (1, 2), (0, 1)].map { row, column in
      [
        map[0], map[1], map[2].sliced(start: row, step: 1, extent: 3), map[3].sliced(start: column, step: 1, extent: 4),
      ]
    }
    let joined = try #require(PictureParts(crops, joinedAt: 0)).dimensions
    #expect(FeatureMapLayout(joined) == nil && joined.itemCount == 3)
    let region = try #require(FeatureMapLayout(joined, item: 1)).region
    #expect(abs(region.x - 2.0 / 6) < 1e-9 && abs(region.width - 4.0 / 6) < 1e-9)
    #expect((region.y, region.height) == (0, 1), "but for a row")

    let mirrored = [map[0], map[1], map[2], map[3].sliced(start: 5, step: -1, extent: 6)]
    let pair = try #require(PictureParts([map, mirrored], joinedAt: 0)).dimensions.resampled(to: [2, 2, 2, 3])
    #expect(try #require(FeatureMapLayout(pair, item: 0)).index(0, 0, 0) == 0)
    let second = try #require(FeatureMapLayout(pair, item: 1))
    #expect((second.index(0, 0, 0), second.index(0, 1, 2), second.region) == (14, 15, .whole))
  }

  @Test func itemsOfUnknownPlaceAreShownOneByOne() throws {
    let items = [Dimension(.unknown, 5), map[1], map[2], map[3]]
    #expect(FeatureMapLayout(items) == nil && items.itemCount == 5)
    let item = try #require(FeatureMapLayout(items, item: 3))
    #expect(item.index(0, 0, 0) == 144 && item.region == .whole)
    #expect(FeatureMapLayout(items, item: 5) == nil && map.itemCount == nil)
  }

  @Test func everyImageOfABatchHasItsElements() throws {
    let layout = try layout([Dimension(.batch, 3), map[1], map[2], map[3]])
    #expect((0..<3).map { layout.showing(image: $0).index(1, 0, 1) } == [25, 73, 121])
  }

  @Test func heightTwiceIsNoMap() {
    #expect(FeatureMapLayout([map[0], map[1], map[2], map[2]]) == nil)
    #expect(FeatureMapLayout([map[0], map[1], map[2]]) == nil)
    #expect(FeatureMapLayout(map.reshaped(to: [1, 48])) == nil)
  }

  @Test func aHintSaysWhereTokensAndChannelsAre() throws {
    let tokens = FeatureMapHint(grid: .init(height: 4, width: 6))
    let read = try #require(tokens.dimensions(of: [1, 26, 2], known: nil, places: plane, imageCount: 1))
    let layout = try layout(read)
    #expect((layout.channels, layout.height, layout.width, layout.extraTokens) == (2, 4, 6, 2))
    #expect(tokens.dimensions(of: [1, 23, 2], known: nil, places: plane, imageCount: 1) == nil)
    #expect(tokens.dimensions(of: [1, 23, 26], known: nil, places: plane, imageCount: 1) == nil)
    #expect(tokens.dimensions(of: [24], known: nil, places: plane, imageCount: 1) == nil)

    // Tokens before and after the grid are told apart by the graph.
    let joined = [map[0], Dimension(leading: 1, [Factor(.unknown, 24)], trailing: 5), map[1]]
    let known = try self.layout(
      #require(tokens.dimensions(of: [1, 30, 2], known: joined, places: plane, imageCount: 1)))
    #expect((known.extraTokens, known.index(0, 0, 0)) == (6, 2))

    // Rows and columns that are dimensions of their own are no tokens.
    let spread = try self.layout(
      #require(tokens.dimensions(of: [1, 32, 4, 6], known: nil, places: plane, imageCount: 1)))
    #expect((spread.channels, spread.height, spread.width, spread.extraTokens) == (32, 4, 6, 0))
    let inner = try self.layout(#require(tokens.dimensions(of: [4, 6, 32], known: nil, places: plane, imageCount: 1)))
    #expect((inner.channels, inner.height, inner.width, inner.index(1, 1)) == (32, 4, 6, 33))
    // What could be channels as well as places is asked for; heads are channels; windows are items.
    let square = FeatureMapHint(grid: .init(height: 4, width: 4))
    #expect(square.dimensions(of: [1, 4, 4, 4], known: nil, places: plane, imageCount: 1) == nil)
    #expect(square.dimensions(of: [1, 20, 16], known: nil, places: plane, imageCount: 1) == nil)
    let heads = try self.layout(
      #require(square.dimensions(of: [1, 3, 17, 8], known: nil, places: plane, imageCount: 1)))
    #expect((heads.channels, heads.extraTokens) == (24, 1))
    let windows = try #require(square.dimensions(of: [9, 16, 8], known: nil, places: plane, imageCount: 1))
    #expect(FeatureMapLayout(windows) == nil)
    #expect(windows.itemCount == 9)

    let first = FeatureMapHint(grid: .init(height: 4, width: 6), channels: .first)
    #expect(
      try self.layout(#require(first.dimensions(of: [1, 30, 24], known: nil, places: plane, imageCount: 1))).channels
        == 30)
    let last = FeatureMapHint(channels: .last)
    #expect(
      try self.layout(#require(last.dimensions(of: [1, 4, 6, 2], known: map, places: plane, imageCount: 1))).channels
        == 2)
    #expect(FeatureMapHint().dimensions(of: [1, 2, 4, 6], known: map, places: plane, imageCount: 1) == map)
  }

  @Test(arguments: ["14x", "x14", "0x3", "3", "3x4x5", "-1x4", "9999999x1"])
  func aGridIsTwoNumbers(_ text: String) { #expect(FeatureMapHint.Grid(text) == nil) }
}
