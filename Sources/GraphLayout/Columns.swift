extension LaneOrder {
  /// The column of each lane: as near to the main chain as the order allows, so that no two lanes meet in a column.
  func columns(of lanes: [Lanes.Lane]) -> [Int] {
    guard let main = sequence.firstIndex(of: 0) else { return [] }
    var columns = [Int](repeating: 0, count: lanes.count)
    /// Places lanes outwards from the main chain and gives the last column.
    func place(_ outwards: [Int], direction: Int) -> Int {
      var farthest = 0
      for (index, lane) in outwards.enumerated().dropFirst() {
        let inner = outwards[..<index].filter { lanes[$0].extent.overlaps(lanes[lane].extent) }
        let distance = inner.map { abs(columns[$0]) + 1 }.max() ?? 0
        columns[lane] = direction * distance
        farthest = max(farthest, distance)
      }
      return farthest
    }
    let left = place(sequence[...main].reversed(), direction: -1)
    _ = place(Array(sequence[main...]), direction: 1)
    return columns.map { $0 + left }
  }
}
