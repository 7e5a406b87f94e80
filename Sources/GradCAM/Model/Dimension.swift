/// A part of a tensor's dimension, and what its indices count in the picture.
struct Factor: Hashable, Sendable {
  enum Role: Sendable { case batch, channels, height, width, unknown }

  var role: Role
  /// The number of indices.
  var extent: Int
  /// The step between neighbouring indices: 1 for the inner part of a split dimension, the inner extent for the outer
  /// part.
  var step = 1
}

/// A dimension of a tensor: factors, outermost first, that were merged into one, between entries that stand for no
/// place in the picture (class tokens).
struct Dimension: Hashable, Sendable {
  var leading = 0
  var factors: [Factor]
  var trailing = 0

  init(leading: Int = 0, _ factors: [Factor], trailing: Int = 0) {
    self.leading = leading
    self.factors = factors
    self.trailing = trailing
  }

  init(_ role: Factor.Role, _ extent: Int) { factors = [Factor(role: role, extent: extent)] }

  var extent: Int { leading + factors.reduce(1) { $0 * $1.extent } + trailing }
  var isSpatial: Bool { factors.contains { $0.role == .height || $0.role == .width } }
  var hasChannels: Bool { factors.contains { $0.role == .channels && $0.extent > 1 } }
  var hasExtraTokens: Bool { leading + trailing > 0 }
  var isKnown: Bool { !factors.contains { $0.role == .unknown && $0.extent > 1 } }

  /// The role shared by all indices; nil if there is none.
  var role: Factor.Role? {
    guard !hasExtraTokens, let role = factors.first?.role, factors.allSatisfy({ $0.role == role }) else { return nil }
    return role
  }

  /// This dimension with another extent, its indices counted anew.
  func resized(to extent: Int) -> Dimension { Dimension(role ?? .unknown, extent) }

  /// The dimension without entries at its ends; nil if entries that stand for a place would be lost.
  func sliced(_ range: Range<Int>) -> Dimension? {
    let leading = leading - range.lowerBound, trailing = trailing - (extent - range.upperBound)
    guard leading >= 0, trailing >= 0 else { return nil }
    return Dimension(leading: leading, factors, trailing: trailing)
  }
}

extension [Dimension] {
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
          dimension.factors += piece.factors
          open /= piece.extent
        } else {
          let factor = piece.factors[0]
          guard factor.extent.isMultiple(of: open) else { return unknown }
          let inner = factor.extent / open
          dimension.factors.append(Factor(role: factor.role, extent: open, step: factor.step * inner))
          pieces = [Dimension([Factor(role: factor.role, extent: inner, step: factor.step)])] + pieces
          open = 1
        }
      }
      result.append(dimension)
    }
    return pieces.allSatisfy { $0.extent == 1 } ? result : unknown
  }
}
