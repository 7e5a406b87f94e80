import Graph

/// Where the elements of a tensor lie in the input: how a value becomes channels × height × width, or channels × the
/// places of a signal or of a volume.
public struct FeatureMapLayout: Sendable {
  /// The number of channels.
  public var channels: Int { channelOffsets.count }
  /// The extents of the feature map.
  public let size: PixelSize
  /// The height of the feature map; 1 for a signal's.
  public var height: Int { size.height }
  /// The width of the feature map; for a signal's, the number of its places.
  public var width: Int { size.width }
  /// The number of places.
  var positions: Int { size.count }
  /// Entries of the token dimension that stand for no place in the picture, such as the class token; left out.
  public let extraTokens: Int

  /// The part of the network's input that the positions cover.
  public let region: MapRegion

  private var start: Int
  /// Where each image of a run starts, from `start` on.
  private let imageOffsets: Offsets
  private let channelOffsets: Offsets
  /// Those of the places, the outermost axis first.
  private let axes: [Offsets]

  /// Where the indices that several factors count together lie in memory.
  private struct Offsets {
    /// The factors, outermost first, with the distance in elements between neighbours.
    let parts: [(extent: Int, stride: Int)]

    init(_ factors: [(factor: Factor, stride: Int)]) { parts = factors.map { ($0.factor.extent, $0.stride) } }

    var count: Int { parts.reduce(1) { $0 * $1.extent } }

    var all: [Int] {
      parts.reduce([0]) { offsets, part in
        offsets.flatMap { offset in (0..<part.extent).map { offset + $0 * part.stride } }
      }
    }

    subscript(index: Int) -> Int {
      var rest = index, offset = 0
      for part in parts.reversed() {
        offset += rest % part.extent * part.stride
        rest /= part.extent
      }
      return offset
    }

    /// Whether neighbours lie this far apart throughout.
    func areEven(_ stride: Int) -> Bool {
      var stride = stride
      for part in parts.reversed() where part.extent > 1 {
        guard part.stride == stride else { return false }
        stride *= part.extent
      }
      return true
    }
  }

  /// Reads a tensor's dimensions; nil if they are not a feature map: something is unknown, height or width is missing,
  /// places are counted twice or with gaps, or places and channels are flattened into one dimension.
  ///
  /// An axis that is missing beside the depth of a volume was summarised: all of it is one place.
  /// - Parameter item: the index on the first dimension whose elements alone are taken, such as one tile of a picture.
  init?(_ dimensions: [Dimension], item: Int? = nil) {
    let all = dimensions
    var dimensions = dimensions
    if let item {
      guard let first = dimensions.first, (0..<first.extent).contains(item) else { return nil }
      let (fixed, view) = first.fixed(at: item)
      dimensions = [fixed] + dimensions.dropFirst().map { $0.reversed(view?.backwards ?? []) }
    }
    guard dimensions.allSatisfy({ $0.isKnown && !($0.isSpatial && $0.hasChannels) }) else {
      return nil
    }
    let strides = Shape(all.map(\.extent)).strides
    var parts: [Factor.Role: [(factor: Factor, stride: Int)]] = [:]
    var start = (item ?? 0) * (strides.first ?? 0)
    var extraTokens = 0
    for (dimension, stride) in zip(dimensions, strides) {
      start += dimension.leading * stride
      if dimension.countsTokens { extraTokens += dimension.leading + dimension.trailing }
      var inner = stride
      for factor in dimension.factors.reversed() {
        parts[factor.role, default: []].append((factor, inner))
        inner *= factor.extent
      }
    }
    // Places of the picture are put in order; channels keep their order in memory.
    func places(_ role: Factor.Role) -> (offsets: Offsets, run: PlaceRun)? {
      guard let factors = parts[role], let run = PlaceRun(factors.map(\.factor)) else { return nil }
      let forward = factors.map { part -> (factor: Factor, stride: Int) in
        guard part.factor.step < 0 else { return part }
        start += (part.factor.extent - 1) * part.stride
        return (part.factor, -part.stride)
      }
      return (Offsets(forward.sorted { abs($0.factor.step) > abs($1.factor.step) }), run)
    }
    let isSignal = parts[.sample] != nil, isVolume = parts[.depth] != nil
    guard !isSignal || !parts.keys.contains(where: { $0.isPlace && $0 != .sample }) else { return nil }
    var axes: [Offsets] = [], runs: [Factor.Role: PlaceRun] = [:]
    for role in isSignal ? [.sample] : isVolume ? [.depth, .height, .width] : [Factor.Role.height, .width] {
      if let found = places(role) {
        axes.append(found.offsets)
        runs[role] = found.run
      } else if isVolume, parts[role] == nil {
        axes.append(Offsets([]))
      } else {
        return nil
      }
    }
    func inMemory(_ role: Factor.Role) -> Offsets {
      Offsets((parts[role] ?? []).sorted { $0.stride > $1.stride })
    }
    (imageOffsets, channelOffsets) = (inMemory(.batch), inMemory(.channels))
    self.axes = axes
    size = PixelSize(extents: axes.map(\.count))
    region = MapRegion(runs)
    (self.start, self.extraTokens) = (start, extraTokens)
  }

  /// Where the elements of another image of a run lie.
  func showing(image: Int) -> FeatureMapLayout {
    var layout = self
    if (0..<imageOffsets.count).contains(image) { layout.start += imageOffsets[image] }
    return layout
  }

  /// The elements of the image, channels first.
  ///
  /// - Parameter values: the contents of the tensor.
  func gather(_ values: UnsafeBufferPointer<Float>) -> [Float] {
    guard !isDense else { return Array(values[start..<start + channels * positions]) }
    let places = placeOffsets
    return [Float](unsafeUninitializedCapacity: channels * positions) { result, count in
      for channel in channelOffsets.all {
        for place in places {
          result.initializeElement(at: count, to: values[start + channel + place])
          count += 1
        }
      }
    }
  }

  /// Lends the elements of the image, channels first, to be changed.
  ///
  /// - Parameter values: the contents of the tensor.
  func change(_ values: UnsafeMutableBufferPointer<Float>, _ body: (UnsafeMutableBufferPointer<Float>) -> Void) {
    guard !isDense else {
      return body(UnsafeMutableBufferPointer(rebasing: values[start..<start + channels * positions]))
    }
    var elements = gather(UnsafeBufferPointer(values))
    elements.withUnsafeMutableBufferPointer { elements in
      body(elements)
      let places = placeOffsets
      var next = 0
      for channel in channelOffsets.all {
        for place in places {
          values[start + channel + place] = elements[next]
          next += 1
        }
      }
    }
  }

  /// Where an element of the image lies in the tensor.
  ///
  /// - Parameter position: the number of its place, row by row.
  func index(_ channel: Int, _ position: Int) -> Int {
    var offset = start + channelOffsets[channel], rest = position
    for axis in axes.reversed() {
      offset += axis[rest % axis.count]
      rest /= axis.count
    }
    return offset
  }

  /// Where all places lie, row by row.
  private var placeOffsets: [Int] {
    axes.reduce([0]) { offsets, axis in
      let inner = axis.all
      return offsets.flatMap { offset in inner.map { offset + $0 } }
    }
  }

  /// Whether the elements lie in the tensor one after another, channels first.
  private var isDense: Bool {
    var stride = 1
    for axis in axes.reversed() {
      guard axis.areEven(stride) else { return false }
      stride *= axis.count
    }
    return channelOffsets.areEven(stride)
  }
}

extension [Dimension] {
  /// The number of items along the first dimension, each of which is a feature map; nil if they are none.
  var itemCount: Int? {
    guard let first, first.extent > 1, FeatureMapLayout(self, item: 0) != nil else { return nil }
    return first.extent
  }
}

extension MapRegion {
  /// The whole input along every axis whose run of places differs from it by less than a step.
  fileprivate init(_ runs: [Factor.Role: PlaceRun]) {
    self = .whole
    for (role, run) in runs where !run.isWhole {
      switch role {
      case .depth: (z, depth) = (run.start, run.coverage)
      case .height: (y, height) = (run.start, run.coverage)
      default: (x, width) = (run.start, run.coverage)
      }
    }
  }
}

/// What the user says about a tensor's dimensions if the graph does not say or is wrong.
public struct FeatureMapHint: Sendable, Hashable {
  /// Where the channels are.
  public enum Axis: String, Sendable, CaseIterable {
    /// After the batch.
    case first
    /// The last dimension.
    case last
  }

  /// Rows and columns of the picture that tokens stand for.
  public struct Grid: Sendable, Hashable {
    /// The number of rows.
    public let height: Int
    /// The number of columns.
    public let width: Int

    /// Creates a grid.
    public init(height: Int, width: Int) {
      self.height = height
      self.width = width
    }

    /// Reads `HxW`, both at least 1.
    public init?(_ text: String) {
      let parts = text.lowercased().split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
      guard parts.count == 2, let height = parts[0], let width = parts[1], (1...1 << 20).contains(height),
        (1...1 << 20).contains(width)
      else { return nil }
      self.init(height: height, width: width)
    }
  }

  /// The grid of the tokens; nil leaves it to the graph.
  public var grid: Grid?
  /// Where the channels are; nil leaves it to the graph.
  public var channels: Axis?

  /// The index on the first dimension whose elements are taken; nil for all.
  public var item: Int?

  /// Creates a hint; by default an empty one.
  public init(grid: Grid? = nil, channels: Axis? = nil, item: Int? = nil) {
    self.grid = grid
    self.channels = channels
    self.item = item
  }

  /// Whether it says what the dimensions are.
  var describesDimensions: Bool { grid != nil || channels != nil }

  /// The dimensions of a tensor as this hint reads them; nil if it does not fit the shape, or fits in several ways.
  ///
  /// A grid is two neighbouring dimensions of just these extents, with the channels before or after them, or else one
  /// dimension of tokens: the smallest that is large enough and not the channels', which are last by default. Which of
  /// its entries are extra tokens is known if the graph joins them with as many others; else it is those before the
  /// last height × width. Without a grid, the tensor has all axes of the input.
  /// - Parameters:
  ///   - places: the axes of the input, such as height and width.
  ///   - imageCount: the number of images of a run. A first dimension of another extent counts items.
  func dimensions(of shape: Shape, known: [Dimension]?, places: [Factor.Role], imageCount: Int) -> [Dimension]? {
    guard describesDimensions else { return known }
    func image(_ extent: Int) -> Dimension { Dimension([1, imageCount].contains(extent) ? .batch : .unknown, extent) }
    func map(_ channels: Axis) -> [Dimension]? {
      let roles = channels == .last ? places + [.channels] : [.channels] + places
      guard (0...1).contains(shape.rank - roles.count) else { return nil }
      let outer = shape.dimensions.dropLast(roles.count).map(image)
      return outer + zip(roles, shape.dimensions.suffix(roles.count)).map(Dimension.init)
    }
    guard let grid else { return channels.flatMap(map) }
    guard places == [.height, .width] else { return nil }
    let maps = (channels.map { [$0] } ?? Axis.allCases).compactMap(map).filter { dimensions in
      dimensions.filter(\.isSpatial).map(\.extent) == [grid.height, grid.width]
    }
    guard maps.isEmpty else { return maps.count == 1 ? maps[0] : nil }
    return tokens(grid, in: shape, known: known, image)
  }

  private func tokens(
    _ grid: Grid, in shape: Shape, known: [Dimension]?, _ image: (Int) -> Dimension
  ) -> [Dimension]? {
    let count = grid.height * grid.width, last = shape.rank - 1
    let channelAxis = channels == .first ? (shape.rank > 2 ? 1 : 0) : last
    let axes = shape.dimensions.indices.filter { axis in shape[axis] >= count && axis != channelAxis }
    guard shape.rank > 1, let tokens = axes.min(by: { (shape[$0], $0) < (shape[$1], $1) }) else { return nil }
    let joined = known.flatMap { $0[tokens].placeCount == count ? $0[tokens].leading : nil }
    // The last dimension may be the tokens as well.
    guard channels != nil || joined != nil || shape[last] != count else { return nil }
    return shape.dimensions.enumerated().map { axis, extent in
      guard axis == tokens else {
        return axis == channelAxis || axis > 0 ? Dimension(.channels, extent) : image(extent)
      }
      let leading = joined ?? extent - count
      return Dimension(
        leading: leading, [Factor(.height, grid.height), Factor(.width, grid.width)],
        trailing: extent - count - leading)
    }
  }
}
