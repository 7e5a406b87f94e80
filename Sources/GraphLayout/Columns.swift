extension LaneOrder {
  /// The column of each lane: as near to the main chain as the order allows, so that no two lanes meet in a column.
  func columns(of lanes: [Lanes.Lane]) -> [Int] {
    guard let main = sequence.firstIndex(of: 0) else { return [] }
    let height = lanes.reduce(0) { max($0, $1.extent.upperBound + 1) }
    var columns = [Int](repeating: 0, count: lanes.count)
    /// Places lanes outwards from the main chain, not nearer to it than `nearest` columns, and gives the last column.
    func place(_ outwards: some Sequence<Int>, direction: Int, nearest: Int) -> Int {
      var free = [Int](repeating: nearest, count: height)
      for half in lanes[0].extent { free[half] = 1 }
      for lane in outwards {
        let distance = free[lanes[lane].extent].max()!
        columns[lane] = direction * distance
        for half in lanes[lane].extent { free[half] = distance + 1 }
      }
      return free.max()! - 1
    }
    let left = place(sequence[..<main].reversed(), direction: -1, nearest: 1)
    _ = place(sequence[(main + 1)...], direction: 1, nearest: 0)
    return columns.map { $0 + left }
  }
}
