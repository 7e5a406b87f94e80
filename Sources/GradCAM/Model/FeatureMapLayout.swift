import Graph

/// Where the elements of a tensor lie in the picture: how a value becomes channels × height × width.
public struct FeatureMapLayout: Sendable {
  /// The number of channels.
  public var channels: Int { channelOffsets.count }
  /// The height of the feature map.
  public var height: Int { rowOffsets.count }
  /// The width of the feature map.
  public var width: Int { columnOffsets.count }
  /// Entries of the token dimension that stand for no place in the picture, such as the class token; left out.
  public let extraTokens: Int

  private let start: Int
  private let channelOffsets, rowOffsets, columnOffsets: [Int]

  /// Reads a tensor's dimensions; nil if they are not a feature map: something is unknown, height or width is missing
  /// or occurs twice, or places and channels are flattened into one dimension.
  init?(_ dimensions: [Dimension]) {
    guard dimensions.allSatisfy({ $0.isKnown && !($0.isSpatial && $0.hasChannels) }) else { return nil }
    let strides = Shape(dimensions.map(\.extent)).strides
    var parts: [Factor.Role: [(factor: Factor, stride: Int)]] = [:]
    var start = 0, extraTokens = 0
    for (dimension, stride) in zip(dimensions, strides) {
      start += dimension.leading * stride
      extraTokens += dimension.leading + dimension.trailing
      var inner = stride
      for factor in dimension.factors.reversed() {
        parts[factor.role, default: []].append((factor, inner))
        inner *= factor.extent
      }
    }
    func offsets(_ role: Factor.Role) -> [Int]? {
      // Places of the picture are put in order; channels keep their order in memory.
      let isPlace = role != .channels
      let factors = (parts[role] ?? []).sorted {
        isPlace && $0.factor.step != $1.factor.step ? $0.factor.step > $1.factor.step : $0.stride > $1.stride
      }
      if isPlace, Set(factors.map(\.factor.step)).count < factors.count(where: { $0.factor.extent > 1 }) { return nil }
      return factors.reduce([0]) { offsets, part in
        offsets.flatMap { offset in (0..<part.factor.extent).map { offset + $0 * part.stride } }
      }
    }
    guard parts[.height] != nil, parts[.width] != nil, let channels = offsets(.channels), let rows = offsets(.height),
      let columns = offsets(.width)
    else { return nil }
    (self.start, self.extraTokens) = (start, extraTokens)
    (channelOffsets, rowOffsets, columnOffsets) = (channels, rows, columns)
  }

  /// The elements of the batch's first image, channels first.
  ///
  /// - Parameter values: the contents of the tensor.
  func gather(_ values: UnsafeBufferPointer<Float>) -> [Float] {
    guard !isDense else { return Array(values[start..<start + channels * height * width]) }
    return [Float](unsafeUninitializedCapacity: channels * height * width) { result, count in
      for channel in channelOffsets {
        for row in rowOffsets {
          for column in columnOffsets {
            result.initializeElement(at: count, to: values[start + channel + row + column])
            count += 1
          }
        }
      }
    }
  }

  /// Lends the elements of the batch's first image, channels first, to be changed.
  ///
  /// - Parameter values: the contents of the tensor.
  func change(_ values: UnsafeMutableBufferPointer<Float>, _ body: (UnsafeMutableBufferPointer<Float>) -> Void) {
    guard !isDense else {
      return body(UnsafeMutableBufferPointer(rebasing: values[start..<start + channels * height * width]))
    }
    var elements = gather(UnsafeBufferPointer(values))
    elements.withUnsafeMutableBufferPointer { elements in
      body(elements)
      var next = 0
      for channel in channelOffsets {
        for row in rowOffsets {
          for column in columnOffsets {
            values[start + channel + row + column] = elements[next]
            next += 1
          }
        }
      }
    }
  }

  /// Where an element of the batch's first image lies in the tensor.
  func index(_ channel: Int, _ row: Int, _ column: Int) -> Int {
    start + channelOffsets[channel] + rowOffsets[row] + columnOffsets[column]
  }

  /// Whether the elements lie in the tensor one after another, channels first.
  private var isDense: Bool {
    func steps(_ offsets: [Int], by stride: Int) -> Bool { offsets.enumerated().allSatisfy { $1 == $0 * stride } }
    return steps(columnOffsets, by: 1) && steps(rowOffsets, by: width) && steps(channelOffsets, by: width * height)
  }
}

/// What the user says about a tensor's dimensions if the graph does not say or is wrong.
public struct FeatureMapHint: Sendable, Equatable {
  /// Where the channels are.
  public enum Axis: String, Sendable, CaseIterable {
    /// After the batch.
    case first
    /// The last dimension.
    case last
  }

  /// Rows and columns of the picture that tokens stand for.
  public struct Grid: Sendable, Equatable {
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

  /// Creates a hint; by default an empty one.
  public init(grid: Grid? = nil, channels: Axis? = nil) {
    self.grid = grid
    self.channels = channels
  }

  /// The dimensions of a tensor as this hint reads them; nil if it does not fit the shape.
  ///
  /// With a grid, the smallest dimension that is large enough and not the channels' holds the tokens; those before the
  /// last height × width are extra tokens. Channels are last by default.
  /// Without a grid, the tensor has height and width.
  func dimensions(of shape: Shape, known: [Dimension]?) -> [Dimension]? {
    guard self != FeatureMapHint() else { return known }
    var roles = [Factor.Role](repeating: .batch, count: shape.rank)
    guard let grid else {
      guard shape.rank == 4 || shape.rank == 3 else { return nil }
      let map: [Factor.Role] = channels == .last ? [.height, .width, .channels] : [.channels, .height, .width]
      return zip([.batch].suffix(shape.rank - 3) + map, shape.dimensions).map(Dimension.init)
    }
    let count = grid.height * grid.width
    let channelAxis = channels == .first ? (shape.rank > 2 ? 1 : 0) : shape.rank - 1
    let axes = shape.dimensions.indices.filter { axis in shape[axis] >= count && axis != channelAxis }
    guard shape.rank > 1, let tokens = axes.min(by: { (shape[$0], $0) < (shape[$1], $1) }) else { return nil }
    roles[channelAxis] = .channels
    return shape.dimensions.enumerated().map { axis, extent in
      guard axis == tokens else { return Dimension(roles[axis], extent) }
      let factors = [Factor(role: .height, extent: grid.height), Factor(role: .width, extent: grid.width)]
      return Dimension(leading: extent - count, factors)
    }
  }
}
