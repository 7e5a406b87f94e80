/// The outcome of sorting items so that each comes after those it depends on.
enum TopologicalOrder: Equatable {
  case sorted([Int])
  /// Items that depend on each other in a cycle, each on the next, the last on the first.
  case cycle([Int])

  /// Sorts the items 0 ..< `count`, keeping their order as far as possible.
  init(count: Int, dependencies: [[Int]]) {
    enum State { case new, open, done }
    var states = [State](repeating: .new, count: count)
    var order: [Int] = []
    order.reserveCapacity(count)
    for root in 0..<count where states[root] == .new {
      states[root] = .open
      var path: [(item: Int, next: Int)] = [(root, 0)]
      while let (item, next) = path.last {
        guard next < dependencies[item].count else {
          states[item] = .done
          order.append(item)
          path.removeLast()
          continue
        }
        path[path.count - 1].next += 1
        let dependency = dependencies[item][next]
        switch states[dependency] {
        case .done: break
        case .open:
          self = .cycle(path.map(\.item).drop { $0 != dependency }.map { $0 })
          return
        case .new:
          states[dependency] = .open
          path.append((dependency, 0))
        }
      }
    }
    self = .sorted(order)
  }
}
