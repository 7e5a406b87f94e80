/// The order of lanes from left to right, made by putting one after the other where it lengthens and crosses least.
///
/// The time grows with the square of their number, so that more than `limit` stay as they come, right of the main chain.
struct LaneOrder {
  private let lanes: [Lanes.Lane]
  private let links: [Lanes.Link]
  /// For each lane, the other lane and the height of each of its links.
  private let linksOfLane: [[(lane: Int, height: Int)]]
  /// The lanes from left to right.
  private(set) var sequence: [Int] = []
  /// Where each lane stands in `sequence`; nil while it is not placed.
  private var places: [Int?]

  /// How many times each lane is taken out and placed again.
  private static let improvements = 2
  /// The greatest number of lanes that are put in order.
  private static let limit = 2000

  init(_ lanes: Lanes) {
    (self.lanes, links) = (lanes.lanes, lanes.links)
    var linksOfLane = [[(lane: Int, height: Int)]](repeating: [], count: lanes.lanes.count)
    for link in lanes.links {
      linksOfLane[link.lanes.0].append((link.lanes.1, link.height))
      linksOfLane[link.lanes.1].append((link.lanes.0, link.height))
    }
    self.linksOfLane = linksOfLane
    places = [Int?](repeating: nil, count: lanes.lanes.count)
    guard self.lanes.count <= Self.limit else {
      sequence = Array(self.lanes.indices)
      return
    }
    for lane in self.lanes.indices { place(lane) }
    for _ in 0..<Self.improvements {
      for lane in self.lanes.indices.dropFirst() {
        remove(lane)
        place(lane)
      }
    }
  }

  private mutating func remove(_ lane: Int) {
    let index = places[lane]!
    sequence.remove(at: index)
    places[lane] = nil
    for index in index..<sequence.count { places[sequence[index]] = index }
  }

  private mutating func place(_ lane: Int) {
    let index = bestIndex(for: lane)
    sequence.insert(lane, at: index)
    for index in index..<sequence.count { places[sequence[index]] = index }
  }

  /// What a sideways piece at `height` costs that goes past a lane: its length, and twice that if it crosses it.
  private func cost(of lane: Lanes.Lane, at height: Int) -> Int {
    if lane.extent.contains(height) { return 2 }
    return lane.extent.upperBound == height - 1 || lane.extent.lowerBound == height + 1 ? 1 : 0
  }

  /// The index in `sequence` at which `lane` costs least; of equal ones that which leaves the lanes on the two sides of
  /// the main chain balanced, then that in the order of positions, then the leftmost.
  private func bestIndex(for lane: Int) -> Int {
    guard let main = places[0] else { return 0 }
    let neighbours = sequence.map { lanes[$0].extent.overlaps(lanes[lane].extent) }
    let costs = costs(of: lane)
    let disorder = disorder(of: lane, among: neighbours)
    let balance = neighbours[(main + 1)...].count { $0 } - neighbours[..<main].count { $0 }
    func key(_ index: Int) -> (Int, Int, Int) {
      (costs[index], abs(index <= main ? balance - 1 : balance + 1), disorder[index])
    }
    return costs.indices.min { key($0) < key($1) }!
  }

  /// For each index in `sequence`, what the sideways pieces cost that `lane` there makes necessary or longer.
  private func costs(of lane: Int) -> [Int] {
    var costs = [Int](repeating: 0, count: sequence.count + 1)
    for link in linksOfLane[lane] {
      guard let other = places[link.lane] else { continue }
      var sum = 0
      for index in (0..<other).reversed() {
        sum += cost(of: lanes[sequence[index]], at: link.height)
        costs[index] += sum
      }
      sum = 0
      for index in other + 1..<sequence.count {
        sum += cost(of: lanes[sequence[index]], at: link.height)
        costs[index + 1] += sum
      }
    }
    var changes = [Int](repeating: 0, count: sequence.count + 1)
    for link in links {
      guard let one = places[link.lanes.0], let other = places[link.lanes.1] else { continue }
      let added = cost(of: lanes[lane], at: link.height)
      changes[min(one, other) + 1] += added
      changes[max(one, other) + 1] -= added
    }
    var sum = 0
    for index in costs.indices {
      sum += changes[index]
      costs[index] += sum
    }
    return costs
  }

  /// For each index in `sequence`, how many of the lanes beside `lane` would then be on the wrong side by position.
  private func disorder(of lane: Int, among neighbours: [Bool]) -> [Int] {
    let (position, top) = (lanes[lane].position, lanes[lane].extent.lowerBound)
    let isEarlier = sequence.map { lanes[$0].position(below: top) < position }
    var disorder = [zip(neighbours, isEarlier).count { $0 && $1 }]
    for (isNeighbour, isEarlier) in zip(neighbours, isEarlier) {
      disorder.append(disorder.last! + (isNeighbour ? isEarlier ? -1 : 1 : 0))
    }
    return disorder
  }
}
