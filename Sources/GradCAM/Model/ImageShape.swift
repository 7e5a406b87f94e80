import Graph

/// An input that takes a picture, a signal or a volume.
public struct ImageInput: Sendable, Equatable {
  /// The value.
  public let value: ValueID
  /// Its name.
  public let name: String
  /// How it is laid out, and the extents that the file fixes.
  public let shape: ImageShape
}

/// The dimensions of an image input: batch, channels, and the axes of its places, which are height and width of a picture,
/// the samples of a signal, or depth, height and width of a volume or film.
public struct ImageShape: Sendable, Equatable {
  /// The order of an image tensor's dimensions.
  public enum Layout: String, Sendable, CaseIterable {
    /// Batch, channels, height, width: PyTorch's order. Of any input: channels before the last axis.
    case nchw
    /// Batch, height, width, channels: TensorFlow's order. Of any input: channels last.
    case nhwc
  }

  /// What each dimension counts, in their order.
  let roles: [Factor.Role]
  /// The extents along the axes of places, outermost first; nil where the file leaves them open.
  private var places: [Int?]
  /// The number of images per run; 1 if the file leaves it open.
  public var batch: Int
  /// Whether the file leaves the number of images open.
  public var isBatchOpen = false
  /// The number of channels: 1 or 3 for a picture.
  public var channels: Int
  /// The element type of the input.
  public var elementType: ElementType
  /// Whether nothing in the file says what the dimensions count.
  var isAssumed = false

  /// - Parameters:
  ///   - roles: what each dimension counts; one to three count places.
  ///   - places: the extents along those, nil where they are open.
  init(
    _ roles: [Factor.Role], places: [Int?], batch: Int = 1, channels: Int = 1, elementType: ElementType = .float32
  ) {
    precondition((1...3).contains(places.count) && roles.count(where: \.isPlace) == places.count)
    (self.roles, self.places, self.batch, self.channels) = (roles, places, batch, channels)
    self.elementType = elementType
  }

  /// That of pictures of any size.
  init(layout: Layout, batch: Int, channels: Int, elementType: ElementType) {
    self.init(
      layout == .nchw ? [.batch, .channels, .height, .width] : [.batch, .height, .width, .channels],
      places: [nil, nil], batch: batch, channels: channels, elementType: elementType)
  }

  /// The order of the dimensions.
  public var layout: Layout { roles.last == .channels ? .nhwc : .nchw }
  /// The number of axes of places: 1 for a signal, 2 for a picture, 3 for a volume.
  public var rank: Int { places.count }
  /// What the axes of places count, outermost first.
  var placeRoles: [Factor.Role] { roles.filter(\.isPlace) }
  /// The height in pixels; nil if the file leaves it open, or for a signal.
  public var height: Int? { rank > 1 ? places[rank - 2] : nil }
  /// The width in pixels, or the samples of a signal; nil if the file leaves it open.
  public var width: Int? { places[rank - 1] }
  /// Whether the file leaves an extent of the places open.
  public var isSizeOpen: Bool { places.contains(nil) }
  /// Whether there is a dimension for the images of a run.
  public var hasBatch: Bool { roles.contains(.batch) }
  /// Whether there is a dimension for the channels; without one there is one channel.
  public var hasChannels: Bool { roles.contains(.channels) }
  /// Whether it has the channels of pictures.
  private var hasColours: Bool { channels == 1 || channels == 3 }
  /// Whether pictures are made into it.
  public var takesPictures: Bool { rank == 2 && hasColours }
  /// Whether the frames of a film are made into it.
  public var takesFrames: Bool { rank == 3 && hasColours }
  /// What it takes, in a word.
  public var noun: String {
    switch rank {
    case 1: "signal"
    case 2: "picture"
    default: "volume"
    }
  }

  /// The same dimensions for a number of images per run, if the file leaves that open.
  public func taking(_ count: Int) -> ImageShape {
    var shape = self
    if isBatchOpen { shape.batch = max(1, count) }
    return shape
  }

  /// Whether the file admits images of a size.
  public func admits(_ size: PixelSize) -> Bool {
    size.rank == rank && zip(places, size.extents).allSatisfy { $0 == nil || $0 == $1 }
  }

  /// A size with the extents that the file fixes in place of its own.
  func fixing(_ size: PixelSize) -> PixelSize {
    PixelSize(extents: zip(places, [size.depth, size.height, size.width].suffix(rank)).map { $0 ?? $1 })
  }

  /// The size of a picture as one of the input; any other size as it is.
  ///
  /// A signal is as long as the picture is wide; a volume has the depth that the file fixes, or that films often have.
  func completing(_ size: PixelSize) -> PixelSize {
    guard size.rank == 2, rank != 2 else { return size }
    return rank == 1 ? PixelSize(extents: [size.width]) : size.stacked(places[0] ?? 16)
  }

  /// Extents in the order of the dimensions.
  private func ordered<Extent>(_ batch: Extent, _ channels: Extent, _ places: [Extent]) -> [Extent] {
    var rest = places[...]
    return roles.map { role in
      switch role {
      case .batch: batch
      case .channels: channels
      default: rest.removeFirst()
      }
    }
  }

  /// The tensor's shape for images of a size.
  ///
  /// - Precondition: the size has the axes of the input.
  public func shape(for size: PixelSize) -> Shape {
    precondition(size.rank == rank)
    return Shape(ordered(batch, channels, size.extents))
  }

  /// Where the elements of an image of a size lie in the input, of one image.
  func elements(for size: PixelSize) -> FeatureMapLayout {
    let extents = ordered(1, channels, size.extents)
    return FeatureMapLayout(zip(roles, extents).map(Dimension.init))!
  }

  /// The number of images in a tensor of this input.
  public func count(in shape: Shape) -> Int { hasBatch && shape.rank > 0 ? shape[0] : 1 }

  /// The size of the images in a tensor; nil if the input does not take its shape.
  public func size(of shape: Shape) -> PixelSize? {
    guard shape.rank == roles.count else { return nil }
    let size = PixelSize(extents: zip(roles, shape.dimensions).filter { $0.0.isPlace }.map(\.1))
    return size.extents.allSatisfy { $0 > 0 } && admits(size) && shape == taking(count(in: shape)).shape(for: size)
      ? size : nil
  }
}

extension ImageShape: CustomStringConvertible {
  /// The extents in their order and the layout, such as `1×3×224×224 nchw` or `1×12×L ncl`; D, H, W and L where the file
  /// leaves them open.
  public var description: String {
    let open = zip(placeRoles, places).map { $1.map(String.init) ?? String($0.letter).uppercased() }
    return "\(ordered("\(batch)", "\(channels)", open).joined(separator: "×")) \(String(roles.map(\.letter)))"
  }
}

extension Factor.Role {
  /// The letter by which layouts name it.
  fileprivate var letter: Character {
    switch self {
    case .batch: "n"
    case .channels: "c"
    case .depth: "d"
    case .height: "h"
    case .width: "w"
    case .sample: "l"
    case .unknown: "?"
    }
  }
}

extension ComputeGraph {
  /// The inputs that have the shape of an image, batches of them before single ones; if there are none, those that take
  /// signals, volumes or pictures of other channels.
  ///
  /// Throws `unsupported` if there are none either.
  func findImageInputs(_ layout: ImageShape.Layout?, _ operators: OperatorSet) throws -> [ImageInput] {
    func images(_ read: (ValueID) -> ImageShape?) -> [ImageInput] {
      inputs.compactMap { id in read(id).map { ImageInput(value: id, name: values[id].name, shape: $0) } }
    }
    let found = images { id in
      ImageShape(values[id], layout: layout, openChannels: values[id].hasOpenChannels ? convolvedChannels(id) : nil)
    }
    if !found.isEmpty { return found }
    let single = images { ImageShape(single: $0, of: self, layout: layout) }
    if !single.isEmpty { return single }
    let others = findOtherInputs(layout, operators)
    if !others.isEmpty { return others }
    let names = inputs.map { "'\(values[$0].name)'" }.joined(separator: ", ")
    let order = layout == .nhwc ? "height, width, 1 or 3 channels" : "1 or 3 channels, height, width"
    throw GradCAMError(
      .unsupported,
      problem: "no input has the shape of an image (batch, \(order)), of a signal or of a volume among \(names)",
      advice: "export a network that takes one of these")
  }

  /// The number of channels that the first convolution reads which an input reaches; nil if there is none over two
  /// dimensions.
  func convolvedChannels(_ input: ValueID) -> Int? {
    var reached: Set<ValueID> = [input]
    for node in nodes where node.inputs.contains(where: { $0.map(reached.contains) ?? false }) {
      guard node.role == .convolution else {
        reached.formUnion(node.results)
        continue
      }
      guard node.inputs.count > 1, let shape = node.inputs[1].flatMap({ values[$0].constant?.shape }), shape.rank == 4
      else { return nil }
      return shape[1]
    }
    return nil
  }
}

extension ImageShape {
  /// Reads an input's declaration; nil if it cannot be an image.
  ///
  /// - Parameters:
  ///   - known: the layout; nil means as the number of channels or the dimensions' names suggest, else channels first.
  ///   - openChannels: the number of channels if the declaration leaves it open; nil means 3.
  init?(_ value: Value, layout known: Layout? = nil, openChannels: Int? = nil) {
    guard let extents = value.extents, extents.count == 4 else { return nil }
    let isLast = isColour(extents[3]) || extents[3] == nil && value.namesChannels(3)
    let layout = known ?? (isColour(extents[1]) || !isLast ? .nchw : .nhwc)
    self.init(layout: layout, batch: extents[0] ?? 1, channels: 3, elementType: value.elementType ?? .float32)
    let axis = layout == .nchw ? 1 : 3
    channels = extents[axis] ?? openChannels ?? 3
    places = layout == .nchw ? [extents[2], extents[3]] : [extents[1], extents[2]]
    guard isColour(channels) else { return nil }
    isBatchOpen = extents[0] == nil
  }

  /// Reads the declaration of an input that lacks a dimension for the batch or for the channels; nil if it cannot be an
  /// image.
  ///
  /// As the shape alone does not tell a picture from other tables, the input has to reach convolutions over two
  /// dimensions that read as many channels.
  init?(single input: ValueID, of graph: ComputeGraph, layout known: Layout?) {
    let value = graph.values[input]
    guard let extents = value.extents, (2...3).contains(extents.count), let count = graph.convolvedChannels(input),
      isColour(count)
    else { return nil }
    let type = value.elementType ?? .float32
    let isFirst = extents.count == 3 && extents[0] == count, isLast = extents.count == 3 && extents[2] == count
    let layout = known ?? (isFirst || !isLast ? .nchw : .nhwc)
    if extents.count == 2 {
      guard count == 1 else { return nil }
      self.init([.height, .width], places: extents, elementType: type)
    } else if layout == .nchw, isFirst {
      self.init([.channels, .height, .width], places: [extents[1], extents[2]], channels: count, elementType: type)
    } else if layout == .nhwc, isLast {
      self.init([.height, .width, .channels], places: [extents[0], extents[1]], channels: count, elementType: type)
    } else {
      // A batch of pictures of one channel.
      guard count == 1 else { return nil }
      self.init(
        [.batch, .height, .width], places: [extents[1], extents[2]], batch: extents[0] ?? 1, elementType: type)
      isBatchOpen = extents[0] == nil
    }
  }

  /// A fixed tensor of pseudo-random numbers in −2 … 2 (0 … 255 for integers), for timings.
  public func noise(_ size: PixelSize) -> Tensor {
    let shape = shape(for: size)
    var state: UInt32 = 1
    let values = (0..<shape.count).map { _ -> Float in
      state = state &* 1_664_525 &+ 1_013_904_223
      return Float(state >> 8) / Float(1 << 24)
    }
    return elementType.storage == .int64
      ? Tensor(values.map { Int64($0 * 255) }, shape: shape, elementType: elementType)
      : Tensor(values.map { $0 * 4 - 2 }, shape: shape)
  }
}

private func isColour(_ extent: Int?) -> Bool { extent == 1 || extent == 3 }

extension Value {
  /// Whether the file declares four dimensions and neither the second nor the last is a number of colours.
  fileprivate var hasOpenChannels: Bool {
    guard let extents, extents.count == 4 else { return false }
    return !isColour(extents[1]) && !isColour(extents[3])
  }

  /// Whether the file leaves an extent open and names it after channels.
  fileprivate func namesChannels(_ axis: Int) -> Bool {
    guard case .symbolic(let name)? = dimensions?[axis] else { return false }
    return ["c", "channel", "channels", "num_channels"].contains(name.lowercased())
  }

  /// The extents that the file declares, nil for those that it leaves open; nil if it declares none.
  var extents: [Int?]? {
    dimensions?.map { dimension in if case .fixed(let extent) = dimension, extent > 0 { extent } else { nil } }
  }
}
