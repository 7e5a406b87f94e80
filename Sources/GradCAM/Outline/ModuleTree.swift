import GraphLayout

/// Nodes grouped by the modules that contain them, such that the groups of each level, taken as wholes, depend on each
/// other without cycles.
struct ModuleTree {
  /// A module, or a part of one that is called several times.
  struct Group {
    let parent: Int?
    let path, title: String
    /// The nodes in it, at all depths, in order.
    let members: [Int]
    fileprivate(set) var items: [NetworkOutline.Item] = []
    fileprivate(set) var layout = GridLayout(count: 0, edges: [])
  }

  /// The groups, each after its parent; the first is the whole network.
  private(set) var groups: [Group] = []
  /// The titles of nodes that are all that a module consists of.
  private(set) var titles: [Int: String] = [:]

  private let paths: [[String]]
  private let inputs: [[Int]]
  private let readers: [[Int]]

  /// - Parameters:
  ///   - paths: for each node, the modules that contain it, outermost first.
  ///   - inputs: for each node, those that it reads, all before it.
  init(paths: [[String]], inputs: [[Int]]) {
    (self.paths, self.inputs) = (paths, inputs)
    var readers = [[Int]](repeating: [], count: inputs.count)
    for (node, read) in inputs.enumerated() { for input in read { readers[input].append(node) } }
    self.readers = readers
    groups = [Group(parent: nil, path: "", title: "", members: Array(paths.indices))]
    var next = 0
    var depths = [0]
    while next < groups.count {
      fill(next, depth: depths[next], &depths)
      next += 1
    }
  }

  /// Divides a group into its items and lays them out.
  private mutating func fill(_ number: Int, depth: Int, _ depths: inout [Int]) {
    let members = groups[number].members
    guard !members.isEmpty else { return }
    var depth = depth
    // A module that holds nothing but another one is shown as one with it.
    while members.count > 1, isShared(by: members, at: depth) { depth += 1 }
    let base = depth > 0 ? paths[members[0]][depth - 1] : ""
    let parts = ConvexParts(
      keys: members.map { paths[$0].count > depth ? paths[$0][depth] : nil }, inputs: local(members)
    ).parts.map { $0.map { members[$0] } }
    var units: [Int: Int] = [:]
    for (unit, part) in parts.enumerated() { for node in part { units[node] = unit } }
    let ports = number == 0 ? 0 : 1
    var edges: [(from: Int, to: Int)] = []
    let exit = parts.count + ports
    for (unit, part) in parts.enumerated() {
      for node in part {
        for input in inputs[node] where units[input] != unit {
          edges.append((units[input].map { $0 + ports } ?? 0, unit + ports))
        }
        let leaves = readers[node].isEmpty || readers[node].contains { units[$0] == nil }
        if ports == 1, leaves { edges.append((unit + ports, exit)) }
        if ports == 1, inputs[node].isEmpty { edges.append((0, unit + ports)) }
      }
    }
    groups[number].items = ports == 1 ? [.entrance] : []
    for part in parts {
      guard part.count > 1, paths[part[0]].count > depth else {
        let path = paths[part[0]]
        if path.count > depth { titles[part[0]] = title(of: path.last!, in: base) }
        groups[number].items.append(.node(part[0]))
        continue
      }
      let path = sharedPath(of: part, from: depth)
      groups[number].items.append(.group(groups.count))
      groups.append(
        Group(parent: number, path: path, title: title(of: path, in: base), members: part))
      depths.append(depth + 1)
    }
    if ports == 1 { groups[number].items.append(.exit) }
    groups[number].layout = GridLayout(
      count: groups[number].items.count, edges: edges, first: ports == 1 ? 0 : nil, last: ports == 1 ? exit : nil)
  }

  /// The innermost module that contains all of some nodes, at a depth or below.
  private func sharedPath(of part: [Int], from depth: Int) -> String {
    var depth = depth
    while isShared(by: part, at: depth + 1) { depth += 1 }
    return paths[part[0]][depth]
  }

  /// Whether nodes lie in the same module at a depth.
  private func isShared(by nodes: [Int], at depth: Int) -> Bool {
    let first = paths[nodes[0]]
    return first.count > depth && nodes.allSatisfy { paths[$0].count > depth && paths[$0][depth] == first[depth] }
  }

  /// For each of some nodes, the positions among them of those that it reads.
  private func local(_ members: [Int]) -> [[Int]] {
    let positions = Dictionary(uniqueKeysWithValues: members.enumerated().map { ($1, $0) })
    return members.map { inputs[$0].compactMap { positions[$0] } }
  }

  /// What a path has after that of the module around it; with the last part of that if it is only a number.
  private func title(of path: String, in module: String) -> String {
    let rest = path.dropFirst(module.count)
    guard !module.isEmpty, path.hasPrefix(module), let mark = rest.first, mark == "." || mark == "/" else {
      return path
    }
    let tail = String(rest.dropFirst())
    return tail.allSatisfy(\.isNumber) ? "\(lastPart(module))\(mark)\(tail)" : tail
  }
}

/// A division of nodes by keys into parts that depend on each other without cycles, in an order in which each part comes
/// after those that it reads.
struct ConvexParts {
  /// The number of units that are searched for one that would close a cycle.
  private static let searchLimit = 4096

  /// The nodes of each part, in order.
  private(set) var parts: [[Int]] = []

  /// - Parameters:
  ///   - keys: nodes of the same key are one part if that surely makes no cycle; a node without a key is one of its own.
  ///   - inputs: for each node, those that it reads, all before it.
  init(keys: [String?], inputs: [[Int]]) {
    var units: [Int] = [], members: [[Int]] = [], reads: [Set<Int>] = []
    var open: [String: Int] = [:]
    /// Whether a unit may depend on another one, directly or not; it does if that takes too long to find out.
    func depends(_ unit: Int, on other: Int) -> Bool {
      var seen: Set<Int> = [unit], waiting = [unit]
      while let next = waiting.popLast() {
        if next == other || seen.count > Self.searchLimit { return true }
        for input in reads[next] where seen.insert(input).inserted { waiting.append(input) }
      }
      return false
    }
    for (node, key) in keys.enumerated() {
      let read = Set(inputs[node].map { units[$0] })
      if let key, let unit = open[key], !read.contains(where: { $0 != unit && depends($0, on: unit) }) {
        units.append(unit)
        members[unit].append(node)
        reads[unit].formUnion(read.subtracting([unit]))
        continue
      }
      if let key { open[key] = members.count }
      units.append(members.count)
      members.append([node])
      reads.append(read)
    }
    parts = Self.ordered(members, reads).map { members[$0] }
  }

  /// The units, each after those that it reads, else in the file's order.
  private static func ordered(_ members: [[Int]], _ reads: [Set<Int>]) -> [Int] {
    var order: [Int] = [], isPlaced = [Bool](repeating: false, count: members.count)
    for unit in members.indices {
      // Each on the stack waits for the one above it.
      var stack = [unit]
      while let top = stack.last {
        let missing = isPlaced[top] ? nil : reads[top].filter { !isPlaced[$0] }.min()
        if let missing {
          stack.append(missing)
          continue
        }
        stack.removeLast()
        if !isPlaced[top] { order.append(top) }
        isPlaced[top] = true
      }
    }
    return order
  }
}
