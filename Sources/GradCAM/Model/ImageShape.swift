import Graph

/// An input that takes a picture.
public struct ImageInput: Sendable, Equatable {
  /// The value.
  public let value: ValueID
  /// Its name.
  public let name: String
  /// How it is laid out, and the extents that the file fixes.
  public let shape: ImageShape
}

/// The dimensions of an image input.
public struct ImageShape: Sendable, Equatable {
  /// The order of an image tensor's dimensions.
  public enum Layout: String, Sendable, CaseIterable {
    /// Batch, channels, height, width: PyTorch's order.
    case nchw
    /// Batch, height, width, channels: TensorFlow's order.
    case nhwc
  }

  /// The order of the dimensions.
  public var layout: Layout
  /// The number of images per run; 1 if the file leaves it open.
  public var batch: Int
  /// Whether the file leaves the number of images open.
  public var isBatchOpen = false
  /// 1 or 3.
  public var channels: Int
  /// The height in pixels; nil if the file leaves it open.
  public var height: Int?
  /// The width in pixels; nil if the file leaves it open.
  public var width: Int?
  /// The element type of the input.
  public var elementType: ElementType
  /// Whether there is a dimension for the images of a run.
  public var hasBatch = true
  /// Whether there is a dimension for the channels; without one there is one channel.
  public var hasChannels = true

  /// The same dimensions for a number of images per run, if the file leaves that open.
  public func taking(_ count: Int) -> ImageShape {
    var shape = self
    if isBatchOpen { shape.batch = max(1, count) }
    return shape
  }

  /// Whether the file admits images of a size.
  public func admits(_ size: PixelSize) -> Bool {
    (width ?? size.width, height ?? size.height) == (size.width, size.height)
  }

  /// The meaning of the dimensions, in their order.
  var roles: [Factor.Role] {
    let map: [Factor.Role] =
      !hasChannels
      ? [.height, .width] : layout == .nchw ? [.channels, .height, .width] : [.height, .width, .channels]
    return (hasBatch ? [.batch] : []) + map
  }

  /// Extents in the order of the dimensions.
  private func ordered<Extent>(_ batch: Extent, _ channels: Extent, _ height: Extent, _ width: Extent) -> [Extent] {
    roles.map { role in
      switch role {
      case .batch: batch
      case .channels: channels
      case .height: height
      default: width
      }
    }
  }

  /// The tensor's shape for images of a size.
  public func shape(for size: PixelSize) -> Shape { Shape(ordered(batch, channels, size.height, size.width)) }

  /// The number of images in a tensor of this input.
  public func count(in shape: Shape) -> Int { hasBatch && shape.rank > 0 ? shape[0] : 1 }

  /// The size of the images in a tensor; nil if the input does not take its shape.
  public func size(of shape: Shape) -> PixelSize? {
    guard let height = roles.firstIndex(of: .height), let width = roles.firstIndex(of: .width),
      shape.rank == roles.count
    else { return nil }
    let size = PixelSize(width: shape[width], height: shape[height])
    return shape == taking(count(in: shape)).shape(for: size) && admits(size) && size.width > 0 && size.height > 0
      ? size : nil
  }
}

extension ImageShape: CustomStringConvertible {
  /// The extents in their order and the layout, such as `1×3×224×224 nchw`; H and W if the file leaves them open.
  public var description: String {
    let extents = ordered("\(batch)", "\(channels)", height.map(String.init) ?? "H", width.map(String.init) ?? "W")
    let letters = hasBatch ? layout.rawValue : String(layout.rawValue.dropFirst())
    return "\(extents.joined(separator: "×")) \(hasChannels ? letters : letters.filter { $0 != "c" })"
  }
}

extension ComputeGraph {
  /// The inputs that have the shape of an image, batches of them before single ones.
  ///
  /// Throws `unsupported` if there are none.
  func findImageInputs(_ layout: ImageShape.Layout?) throws -> [ImageInput] {
    func images(_ read: (ValueID) -> ImageShape?) -> [ImageInput] {
      inputs.compactMap { id in read(id).map { ImageInput(value: id, name: values[id].name, shape: $0) } }
    }
    let found = images { id in
      ImageShape(values[id], layout: layout, openChannels: values[id].hasOpenChannels ? convolvedChannels(id) : nil)
    }
    if !found.isEmpty { return found }
    let single = images { ImageShape(single: $0, of: self, layout: layout) }
    if !single.isEmpty { return single }
    let names = inputs.map { "'\(values[$0].name)'" }.joined(separator: ", ")
    let order = layout == .nhwc ? "height, width, 1 or 3 channels" : "1 or 3 channels, height, width"
    throw GradCAMError(
      .unsupported, problem: "no input has the shape of an image (batch, \(order)) among \(names)",
      advice: "export a network that takes pictures")
  }

  /// The number of channels that the first convolution reads which an input reaches; nil if there is none over two
  /// dimensions.
  fileprivate func convolvedChannels(_ input: ValueID) -> Int? {
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
    layout = known ?? (isColour(extents[1]) || !isLast ? .nchw : .nhwc)
    switch layout {
    case .nchw: (channels, height, width) = (extents[1] ?? openChannels ?? 3, extents[2], extents[3])
    case .nhwc: (channels, height, width) = (extents[3] ?? openChannels ?? 3, extents[1], extents[2])
    }
    guard isColour(channels) else { return nil }
    batch = extents[0] ?? 1
    isBatchOpen = extents[0] == nil
    elementType = value.elementType ?? .float32
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
    (channels, batch, elementType) = (count, 1, value.elementType ?? .float32)
    let isFirst = extents.count == 3 && extents[0] == count, isLast = extents.count == 3 && extents[2] == count
    layout = known ?? (isFirst || !isLast ? .nchw : .nhwc)
    if extents.count == 2 {
      guard count == 1 else { return nil }
      (hasBatch, hasChannels, layout) = (false, false, .nchw)
      (height, width) = (extents[0], extents[1])
    } else if layout == .nchw, isFirst {
      hasBatch = false
      (height, width) = (extents[1], extents[2])
    } else if layout == .nhwc, isLast {
      hasBatch = false
      (height, width) = (extents[0], extents[1])
    } else {
      // A batch of pictures of one channel.
      guard count == 1 else { return nil }
      (hasChannels, layout) = (false, .nchw)
      batch = extents[0] ?? 1
      isBatchOpen = extents[0] == nil
      (height, width) = (extents[1], extents[2])
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
  fileprivate var extents: [Int?]? {
    dimensions?.map { dimension in if case .fixed(let extent) = dimension, extent > 0 { extent } else { nil } }
  }
}
