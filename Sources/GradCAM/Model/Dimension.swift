import Graph

/// A part of a tensor's dimension, and what its indices count in the picture.
struct Factor: Hashable, Sendable {
  enum Role: Sendable {
    case batch, channels, unknown
    /// Places of a picture, or of the slices of a volume or the frames of a film, which `depth` counts.
    case depth, height, width
    /// Places of a signal.
    case sample

    /// Whether it counts places.
    var isPlace: Bool {
      switch self {
      case .depth, .height, .width, .sample: true
      case .batch, .channels, .unknown: false
      }
    }
  }

  var role: Role
  /// The number of indices.
  var extent: Int
  /// How far apart neighbouring indices lie, as a share of the input's extent along the axis, such as the picture's height;
  /// below 0 if they run backwards.
  var step: Double
  /// Where the first index lies, as a share of the input's extent, in addition to other factors.
  var start = 0.0
  /// How each of several items sees the picture; nil if that is not known.
  var views: [View]?

  /// - Parameter step: nil if the indices cover the whole picture.
  init(_ role: Role, _ extent: Int, step: Double? = nil, start: Double = 0) {
    self.role = role
    self.extent = extent
    self.step = step ?? 1 / Double(max(1, extent))
    self.start = start
  }

  var isPlace: Bool { role.isPlace }
  /// Whether there is one index, which does not lie in a part of the picture.
  var isSingle: Bool { extent == 1 && (!isPlace || (start == 0 && isClose(step, 1, 1))) }

  /// Whether this factor counts places at the same scale as another, but more than a tenth of what they cover away: a
  /// convolution without padding is taken to cover what its input does, whereas a border is cut off exactly.
  func isElsewhere(_ other: Factor) -> Bool {
    guard isPlace, role == other.role, extent == other.extent, abs(step - other.step) <= 0.1 * abs(step) else {
      return isPlace && role == other.role && isClose(step, -other.step, abs(step))
    }
    return abs(start - other.start) > max(1, 0.1 * Double(extent)) * abs(step)
  }

  /// Whether this factor counts the same places as another, but for a shift of less than a step.
  func isEqual(to other: Factor) -> Bool {
    guard role == other.role, extent == other.extent else { return false }
    return !isPlace || (isClose(step, other.step, abs(step)) && abs(start - other.start) < abs(step) * 0.999)
  }
}

/// How one of several items, such as crops and mirror images, sees the picture.
struct View: Hashable, Sendable {
  /// Where it starts, as shares of the picture's height and width.
  var row, column: Double
  /// The axes that run backwards.
  var backwards: Set<Factor.Role>
}

/// Whether two shares are equal but for rounding.
func isClose(_ a: Double, _ b: Double, _ scale: Double) -> Bool { abs(a - b) <= 1e-6 * scale }

/// Places one after another, without gap or repetition.
struct PlaceRun {
  /// Where they start, as a share of the input's extent along their axis.
  var start: Double
  /// How far apart they lie.
  var step: Double
  /// The share of that extent that they cover.
  var coverage: Double

  /// Reads factors of one role; nil if they leave gaps or count places twice.
  init?(_ factors: [Factor]) {
    let sorted = factors.sorted { abs($0.step) > abs($1.step) }
    start = sorted.reduce(0) { $0 + $1.start + ($1.step < 0 ? Double($1.extent - 1) * $1.step : 0) }
    let several = sorted.filter { $0.extent > 1 }
    for (outer, inner) in zip(several, several.dropFirst()) {
      guard isClose(abs(outer.step), Double(inner.extent) * abs(inner.step), abs(outer.step)) else { return nil }
    }
    step = abs((several.last ?? sorted.last)?.step ?? 1)
    coverage = several.first.map { Double($0.extent) * abs($0.step) } ?? step
  }

  /// Whether they cover the whole picture, but for less than a step at each end.
  var isWhole: Bool { abs(start) <= step * 1.001 && abs(start + coverage - 1) <= step * 1.001 }
}

/// A dimension of a tensor: factors, outermost first, that were merged into one, between entries that stand for no
/// place in the picture (class tokens, padding).
struct Dimension: Hashable, Sendable {
  var leading = 0
  var factors: [Factor]
  var trailing = 0

  init(leading: Int = 0, _ factors: [Factor], trailing: Int = 0) {
    self.leading = leading
    self.factors = factors
    self.trailing = trailing
  }

  init(_ role: Factor.Role, _ extent: Int) { factors = [Factor(role, extent)] }

  var extent: Int { leading + placeCount + trailing }
  /// The number of entries without those at the ends.
  var placeCount: Int { factors.reduce(1) { $0 * $1.extent } }
  /// The indices without the entries at the ends.
  var places: Range<Int> { leading..<leading + placeCount }
  var isSpatial: Bool { factors.contains { $0.isPlace && $0.extent > 1 } }
  var hasChannels: Bool { factors.contains { $0.role == .channels && $0.extent > 1 } }
  var hasExtraTokens: Bool { leading + trailing > 0 }
  /// Whether the indices count places of both axes of the picture, or those of a signal.
  var countsTokens: Bool {
    let roles = Set(factors.map(\.role))
    return roles.isSuperset(of: [.height, .width]) || roles.contains(.sample)
  }
  var isKnown: Bool { !factors.contains { $0.role == .unknown && $0.extent > 1 } }

  /// The role shared by all indices but those of extent 1; nil if there is none.
  var role: Factor.Role? {
    let several = factors.filter { $0.extent > 1 }, relevant = several.isEmpty ? factors : several
    guard let role = relevant.first?.role, relevant.allSatisfy({ $0.role == role }) else { return nil }
    return role
  }

  /// What is left of this dimension at one of its indices, and how that item sees the picture, if that is known.
  func fixed(at index: Int) -> (dimension: Dimension, view: View?) {
    var inner = placeCount, rest = index - leading
    var fixed: [Factor] = [], view: View?
    guard places.contains(index) else { return (Dimension(.unknown, 1), nil) }
    for factor in factors {
      inner /= max(1, factor.extent)
      let position = rest / max(1, inner)
      rest %= max(1, inner)
      if let found = factor.views?[position] {
        view = found
        fixed += [Factor(.height, 1, start: found.row), Factor(.width, 1, start: found.column)]
      } else {
        let start = factor.start + Double(position) * factor.step
        fixed.append(Factor(factor.role, 1, step: abs(factor.step), start: start))
      }
    }
    return (Dimension(fixed), view)
  }

  /// The same places, in the other direction along some axes of the picture.
  func reversed(_ roles: Set<Factor.Role>) -> Dimension {
    var reversed = self
    for index in factors.indices where roles.contains(factors[index].role) {
      reversed.factors[index].start += Double(factors[index].extent - 1) * factors[index].step
      reversed.factors[index].step = -factors[index].step
    }
    return reversed
  }

  /// The distance of neighbouring places, as a share of the picture.
  fileprivate var finestStep: Double { factors.filter(\.isPlace).map { abs($0.step) }.min() ?? 1 }

  /// Whether this dimension counts other places than another at the same scale.
  func isElsewhere(_ other: Dimension) -> Bool {
    let own = factors.filter { !$0.isSingle }, others = other.factors.filter { !$0.isSingle }
    return own.count == others.count && zip(own, others).contains { $0.isElsewhere($1) }
  }

  /// This dimension with another number of indices that cover the same, without entries at its ends.
  func resized(to extent: Int) -> Dimension {
    guard let role else { return Dimension(.unknown, extent) }
    guard role.isPlace else { return Dimension(role, extent) }
    let places = factors.filter { $0.role == role }, isBackward = places.allSatisfy { $0.step < 0 }
    guard let run = PlaceRun(places), isBackward || places.allSatisfy({ $0.step > 0 }) else {
      return Dimension(.unknown, extent)
    }
    let resized = Dimension([Factor(role, extent, step: run.coverage / Double(max(1, extent)), start: run.start)])
    return isBackward ? resized.reversed([role]) : resized
  }

  /// Whether some of its entries lie outside of the picture.
  var hasPadding: Bool {
    guard !hasExtraTokens, let run = PlaceRun(factors.filter(\.isPlace)) else { return hasExtraTokens }
    return !run.isWhole && (run.start < -run.step || run.start + run.coverage > 1 + run.step)
  }

  /// What windows over this dimension and its padding count; they cover the same if they use up the padding but for less
  /// than a step.
  ///
  /// - Parameters:
  ///   - start: where the cell of the first window starts, counted in entries.
  ///   - step: the number of entries from one window to the next.
  func seen(through start: Double, _ step: Int, extent: Int) -> Dimension {
    let first = start - Double(leading), last = first + Double(extent * step - placeCount)
    let usesUpPadding = hasExtraTokens && max(abs(first), abs(last)) < Double(step)
    guard let role, role.isPlace, !usesUpPadding else { return resized(to: extent) }
    guard factors.allSatisfy({ $0.step > 0 }), let run = PlaceRun(factors) else { return Dimension(.unknown, extent) }
    return Dimension([Factor(role, extent, step: run.step * Double(step), start: run.start + first * run.step)])
  }

  /// The entries from `start` on, `step` apart; those before the first and after the last stand for no place.
  func sliced(start: Int, step: Int, extent: Int) -> Dimension {
    if step == 1 {
      let leading = leading - start, trailing = trailing - (self.extent - start - extent)
      if leading >= 0, trailing >= 0 { return Dimension(leading: leading, factors, trailing: trailing) }
    }
    guard let role, role.isPlace else {
      return Dimension(hasExtraTokens ? .unknown : role ?? .unknown, extent)
    }
    // Merged places are in the order of the picture only if the outer ones come first.
    let places = factors.filter { $0.extent > 1 }
    guard !hasExtraTokens, places.count <= 1 else { return Dimension(.unknown, extent) }
    var factor = places.first ?? factors[0]
    factor.start += Double(start) * factor.step
    factor.step *= Double(step)
    factor.extent = extent
    return Dimension([factor])
  }

  /// What the axes of an index count that selects entries of this dimension.
  func gathered(_ indices: [Int], _ shape: Shape) -> [Dimension] {
    let unknown = shape.dimensions.map { Dimension(.unknown, $0) }
    if shape.rank == 1, let role, !role.isPlace, !hasExtraTokens {
      return [Dimension(role, shape[0])]
    }
    let strides = shape.strides
    guard let first = indices.first else { return unknown }
    let steps = shape.dimensions.indices.map { shape[$0] > 1 ? indices[strides[$0]] - first : 0 }
    let isRegular = indices.indices.allSatisfy { position in
      let offsets = steps.indices.map { axis in position / strides[axis] % shape[axis] * steps[axis] }
      return indices[position] == first + offsets.reduce(0, +)
    }
    guard isRegular else { return unknown }
    if shape.rank == 1 { return [sliced(start: first, step: shape[0] > 1 ? steps[0] : 1, extent: shape[0])] }
    let places = factors.filter { $0.extent > 1 }
    guard !hasExtraTokens, places.count == 1, places[0].isPlace else { return unknown }
    return shape.dimensions.enumerated().map { axis, extent in
      let inner = steps.indices.dropFirst(axis + 1).map { shape[$0] * steps[$0] }.max() ?? 1
      let step = places[0].step * Double(extent > 1 ? steps[axis] : inner)
      let start = axis == 0 ? places[0].start + Double(first) * places[0].step : 0
      return Dimension([Factor(places[0].role, extent, step: step, start: start)])
    }
  }
}

extension [Dimension] {
  /// What indices count that enter an elementwise function together: what those of them count whose place is known, at
  /// the finest scale; unknown if they come from different parts of the picture.
  var agreed: Dimension? {
    let spatial = filter { $0.isKnown && $0.isSpatial }
    guard let found = spatial.min(by: { $0.finestStep < $1.finestStep }) else {
      return first(where: \.isKnown) ?? first
    }
    return spatial.contains { found.isElsewhere($0) } ? Dimension(.unknown, found.extent) : found
  }

  /// The dimensions of a tensor resized along its axes.
  func resampled(to extents: [Int]) -> [Dimension] {
    zip(self, extents).map { dimension, extent in dimension.extent == extent ? dimension : dimension.resized(to: extent)
    }
  }

  /// The dimensions of a tensor reshaped to other extents; all unknown if these cut across known factors.
  func reshaped(to extents: [Int]) -> [Dimension] {
    let unknown = extents.map { Dimension(.unknown, $0) }
    var pieces = flatMap { dimension in
      dimension.hasExtraTokens ? [[dimension]] : [dimension.factors.map { Dimension([$0]) }]
    }.flatMap { $0 }[...]
    var result: [Dimension] = []
    for extent in extents {
      var dimension = Dimension([]), open = extent
      while open > 1 || (open == 1 && dimension.factors.isEmpty && pieces.first?.extent == 1) {
        guard let piece = pieces.popFirst() else { return unknown }
        if piece.hasExtraTokens {
          guard piece.extent == extent, open == extent else { return unknown }
          (dimension, open) = (piece, 1)
        } else if open.isMultiple(of: piece.extent) {
          // What is squeezed away counts nothing.
          if !piece.factors[0].isSingle || open == 1 { dimension.append(piece.factors[0]) }
          open /= piece.extent
        } else {
          var outer = piece.factors[0]
          outer.views = nil
          guard outer.extent.isMultiple(of: open) else { return unknown }
          let inner = Factor(outer.role, outer.extent / open, step: outer.step)
          outer.extent = open
          outer.step *= Double(inner.extent)
          dimension.append(outer)
          pieces = [Dimension([inner])] + pieces
          open = 1
        }
      }
      result.append(dimension)
    }
    return pieces.allSatisfy { $0.extent == 1 } ? result : unknown
  }
}

extension Dimension {
  /// Adds an inner factor; one that counts on within the innermost becomes one with it.
  fileprivate mutating func append(_ factor: Factor) {
    guard let outer = factors.last, outer.role == factor.role, factor.start == 0, outer.extent > 1,
      !factor.isPlace || isClose(outer.step, Double(factor.extent) * factor.step, abs(outer.step))
    else { return factors.append(factor) }
    factors[factors.count - 1] = Factor(
      factor.role, outer.extent * factor.extent, step: factor.step, start: outer.start)
  }
}
