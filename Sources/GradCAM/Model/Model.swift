import Graph
import ONNXLoader
import Ops

/// An exported network, opened: its graph and what its file says about images and classes.
public struct Model: Sendable {
  /// The path it was opened from.
  public let path: String
  /// The network.
  public let graph: ComputeGraph
  /// The operators, methods and targets available to it.
  public let registry: Registry
  /// What its file says about its use.
  public let metadata: ModelMetadata
  /// The input that takes the image.
  public let imageInput: ValueID
  /// How the image input is laid out, and the extents that the file fixes.
  public private(set) var imageShape: ImageShape
  /// The value that class scores are read from.
  public let head: ScoreHead

  /// Opens a file; weights stay in it until they are used.
  ///
  /// - Parameters:
  ///   - layout: how the image input is laid out; nil means as the file says, else as its shape suggests.
  ///   - output: the name of the output that class scores are read from; nil means the one that most probably holds
  ///     them.
  ///   - registry: the operators, methods and targets available to it.
  ///
  /// Throws `unreadable`, `badData` or `unsupported` naming the file and the place in it, `usage` if there is no such
  /// output.
  public init(
    contentsOf path: String, layout: ImageShape.Layout? = nil, output: String? = nil, registry: Registry = .standard
  ) throws {
    try self.init(try loadModel(at: path), path: path, layout: layout, output: output, registry: registry)
  }

  init(
    _ loaded: ComputeGraph, path: String, layout: ImageShape.Layout? = nil, output: String? = nil, registry: Registry
  ) throws {
    self.path = path
    self.registry = registry
    do {
      graph = registry.operators.resolving(loaded)
      metadata = try ModelMetadata(graph.metadata)
      (imageInput, imageShape) = try graph.findImageInput(layout ?? metadata.layout)
      head = try ScoreHead(graph, labelCount: metadata.labels?.count, named: output)
    } catch let error as GradCAMError {
      throw error.within(path)
    }
  }

  /// The same model for a number of images per run, if the file leaves that open.
  public func taking(imagesPerRun count: Int) -> Model {
    var model = self
    model.imageShape = imageShape.taking(count)
    return model
  }

  var operators: OperatorSet { registry.operators }

  /// The number of elements in the file's constants, without the integers of shapes and indices.
  public var parameterCount: Int { graph.parameterCount }

  /// The file's name without folders and extension.
  public var name: String { Self.name(of: path) }

  /// A path's last part without `.onnx`.
  static func name(of path: String) -> String {
    let file = path.split(separator: "/").last.map(String.init) ?? path
    return file.hasSuffix(".onnx") ? String(file.dropLast(5)) : file
  }
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

  /// The tensor's shape for images of a size.
  public func shape(for size: PixelSize) -> Shape {
    layout == .nchw ? [batch, channels, size.height, size.width] : [batch, size.height, size.width, channels]
  }
}

extension ImageShape: CustomStringConvertible {
  /// The extents in their order and the layout, such as `1×3×224×224 nchw`; H and W if the file leaves them open.
  public var description: String {
    let (height, width) = (height.map(String.init) ?? "H", width.map(String.init) ?? "W")
    let extents =
      layout == .nchw ? "\(batch)×\(channels)×\(height)×\(width)" : "\(batch)×\(height)×\(width)×\(channels)"
    return "\(extents) \(layout.rawValue)"
  }
}

extension ComputeGraph {
  /// The first input that has the shape of an image.
  fileprivate func findImageInput(_ layout: ImageShape.Layout?) throws -> (ValueID, ImageShape) {
    for id in inputs {
      if let shape = ImageShape(values[id], layout: layout) { return (id, shape) }
    }
    let names = inputs.map { "'\(values[$0].name)'" }.joined(separator: ", ")
    let order = layout == .nhwc ? "height, width, 1 or 3 channels" : "1 or 3 channels, height, width"
    throw GradCAMError(
      .unsupported, problem: "no input has the shape of an image (batch, \(order)) among \(names)",
      advice: "export a network that takes pictures")
  }
}

extension ImageShape {
  /// Reads an input's declaration; nil if it cannot be an image.
  ///
  /// - Parameter known: the layout; nil means as the number of channels suggests, else channels first.
  init?(_ value: Value, layout known: Layout? = nil) {
    guard let dimensions = value.dimensions, dimensions.count == 4 else { return nil }
    let extents = dimensions.map { dimension -> Int? in
      if case .fixed(let extent) = dimension, extent > 0 { extent } else { nil }
    }
    func isColour(_ extent: Int?) -> Bool { extent == 1 || extent == 3 }
    layout = known ?? (isColour(extents[1]) || !isColour(extents[3]) ? .nchw : .nhwc)
    switch layout {
    case .nchw: (channels, height, width) = (extents[1] ?? 3, extents[2], extents[3])
    case .nhwc: (channels, height, width) = (extents[3] ?? 3, extents[1], extents[2])
    }
    guard isColour(channels) else { return nil }
    batch = extents[0] ?? 1
    isBatchOpen = extents[0] == nil
    elementType = value.elementType ?? .float32
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
