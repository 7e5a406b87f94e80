/// Parts of a picture that are joined to one tensor.
struct PictureParts {
  /// The dimensions of the tensor.
  let dimensions: [Dimension]

  /// Puts parts together that differ only in where they lie; nil if that does not determine where the elements of the
  /// whole lie.
  ///
  /// Parts joined along one of their own axes follow one another there. Parts joined along another axis, such as the
  /// batch, are tiles: the axis counts their rows and columns. If they are no grid, it counts views of the picture.
  init?(_ parts: [[Dimension]], joinedAt axis: Int) {
    guard parts.count > 1, !parts.contains(where: { $0[axis].hasExtraTokens }) else { return nil }
    if let joined = Self.following(parts.map { $0[axis] }), Self.areEqual(parts.map { $0.without(axis) }) {
      dimensions = parts[0].replacing(axis, with: joined)
      return
    }
    let places: Set<Factor.Role> = [.height, .width]
    let upright = parts.map { part in part.map { $0.reversed($0.backwards) } }
    guard !parts[0][axis].factors.contains(where: { $0.role == .channels }),
      Self.areEqual(upright.map { part in part.map { $0.moved(toStart: places) } })
    else { return nil }
    let rows = (role: Factor.Role.height, starts: upright.map { $0.start(.height) })
    let columns = (role: Factor.Role.width, starts: upright.map { $0.start(.width) })
    let isForward = parts.allSatisfy { part in part.allSatisfy { $0.backwards.isEmpty } }
    let tiles = isForward ? Self.grid(rows, columns) ?? Self.grid(columns, rows) ?? [] : []
    var dimensions = upright[0]
    if tiles.isEmpty {
      var items = Factor(.unknown, parts.count)
      items.views = parts.indices.map { part in
        let backwards = parts[part].reduce(into: Set<Factor.Role>()) { $0.formUnion($1.backwards) }
        return View(row: rows.starts[part], column: columns.starts[part], backwards: backwards)
      }
      dimensions = dimensions.map { $0.moved(toStart: places) }
      dimensions[axis].factors.insert(items, at: 0)
    } else {
      dimensions = dimensions.map { $0.moved(toStart: Set(tiles.map(\.role))) }
      dimensions[axis].factors = tiles + dimensions[axis].factors
    }
    self.dimensions = dimensions
  }

  private static func areEqual(_ parts: [[Dimension]]) -> Bool {
    parts.allSatisfy { part in part.count == parts[0].count && zip(part, parts[0]).allSatisfy { $0.isEqual(to: $1) } }
  }

  /// A dimension of places whose parts follow one another.
  private static func following(_ parts: [Dimension]) -> Dimension? {
    guard parts.allSatisfy({ $0.factors.count == 1 && $0.isSpatial && !$0.hasExtraTokens }) else { return nil }
    var whole = parts[0].factors[0]
    for part in parts.dropFirst().map({ $0.factors[0] }) {
      guard part.role == whole.role, isClose(part.step, whole.step, whole.step),
        isClose(part.start, whole.start + Double(whole.extent) * whole.step, whole.step)
      else { return nil }
      whole.extent += part.extent
    }
    return Dimension([whole])
  }

  /// What the number of a tile counts, if those with the same `outer` start follow one another; nil if the starts are
  /// no such grid, empty if all are the same.
  private static func grid(
    _ outer: (role: Factor.Role, starts: [Double]), _ inner: (role: Factor.Role, starts: [Double])
  ) -> [Factor]? {
    let total = outer.starts.count, count = outer.starts.firstIndex { !isClose($0, outer.starts[0], 1) } ?? total
    guard total.isMultiple(of: count) else { return nil }
    func factor(_ axis: (role: Factor.Role, starts: [Double]), _ extent: Int, every stride: Int) -> Factor {
      let step = extent > 1 ? axis.starts[stride] - axis.starts[0] : 0
      return Factor(axis.role, extent, step: step, start: axis.starts[0])
    }
    let factors = [factor(outer, total / count, every: count), factor(inner, count, every: 1)]
    let isGrid = (0..<total).allSatisfy { index in
      isClose(outer.starts[index], factors[0].start + Double(index / count) * factors[0].step, 1)
        && isClose(inner.starts[index], factors[1].start + Double(index % count) * factors[1].step, 1)
    }
    let several = factors.filter { $0.extent > 1 }
    return isGrid && several.allSatisfy { !isClose($0.step, 0, 1) } ? several : nil
  }
}

extension Dimension {
  /// The roles of factors that run backwards.
  fileprivate var backwards: Set<Factor.Role> { Set(factors.filter { $0.isPlace && $0.step < 0 }.map(\.role)) }

  /// The dimension without the places where it starts.
  fileprivate func moved(toStart roles: Set<Factor.Role>) -> Dimension {
    var moved = self
    for index in factors.indices where roles.contains(factors[index].role) { moved.factors[index].start = 0 }
    return moved
  }

  fileprivate func isEqual(to other: Dimension) -> Bool {
    (leading, trailing, factors.count) == (other.leading, other.trailing, other.factors.count)
      && zip(factors, other.factors).allSatisfy { $0.isEqual(to: $1) }
  }
}

extension [Dimension] {
  fileprivate func start(_ role: Factor.Role) -> Double {
    reduce(0) { $0 + $1.factors.reduce(0) { $0 + ($1.role == role ? $1.start : 0) } }
  }

  fileprivate func without(_ axis: Int) -> [Dimension] { Array(self[..<axis] + self[(axis + 1)...]) }

  fileprivate func replacing(_ axis: Int, with dimension: Dimension) -> [Dimension] {
    Array(self[..<axis]) + [dimension] + Array(self[(axis + 1)...])
  }
}
