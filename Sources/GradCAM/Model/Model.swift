import Graph
import ONNXLoader
import Ops

/// An exported network, opened: its graph and what its file says about images and classes.
public struct Model: Sendable {
  /// The path it was opened from.
  public let path: String
  /// The network.
  public private(set) var graph: ComputeGraph
  /// The operators, methods and targets available to it.
  public let registry: Registry
  /// What its file says about its use.
  public let metadata: ModelMetadata
  /// The inputs that take pictures, signals or volumes, at least one, in the file's order.
  public private(set) var imageInputs: [ImageInput]
  /// The value that class scores are read from.
  public let head: ScoreHead
  /// Values that the file does not have.
  private(set) var added: [(what: AddedValue, value: ValueID)] = []

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
      var graph = registry.operators.resolving(loaded)
      metadata = try ModelMetadata(graph.metadata, beside: path)
      graph.files += metadata.files
      imageInputs = try graph.findImageInputs(layout ?? metadata.layout, registry.operators)
      head = try ScoreHead(graph, labelCount: metadata.labels?.count, named: output)
      self.graph = graph
    } catch let error as GradCAMError {
      throw error.within(path)
    }
  }

  /// The same model for a number of images per run, if the file leaves that open.
  public func taking(imagesPerRun count: Int) -> Model {
    var model = self
    model.imageInputs = imageInputs.map { ImageInput(value: $0.value, name: $0.name, shape: $0.shape.taking(count)) }
    return model
  }

  /// The same model with values more, of which it has none.
  func adding(_ values: [AddedValue]) -> Model {
    var model = self
    for what in values {
      let (graph, value) = what.add(to: model.graph)
      model.graph = graph
      model.added.append((what, value))
    }
    model.graph = operators.resolving(model.graph)
    return model
  }

  /// The same model with another graph, in which its values keep their identifiers.
  func with(_ graph: ComputeGraph) -> Model {
    var model = self
    model.graph = graph
    return model
  }

  /// The value that was added as one; nil if it was not.
  func value(of added: AddedValue) -> ValueID? { self.added.first { $0.what == added }?.value }

  /// What the dimensions of values count, as far as that can be followed from the images.
  func dimensions(_ infos: [ValueID: ValueInfo]) -> [ValueID: [Dimension]] {
    let images = imageInputs.filter { infos[$0.value].map { $0.constant == nil } ?? false }
    return DimensionTracker(
      graph, images: Dictionary(uniqueKeysWithValues: images.map { ($0.value, $0.shape.roles) })
    ) { infos[$0] }.dimensions
  }

  var operators: OperatorSet { registry.operators }

  /// The first of them.
  public var imageInput: ValueID { imageInputs[0].value }

  /// How it is laid out, and the extents that the file fixes.
  public var imageShape: ImageShape { imageInputs[0].shape }

  /// Whether a value is one of them.
  func takesImage(_ value: ValueID) -> Bool { imageInputs.contains { $0.value == value } }

  /// The number of elements in the file's constants, without the integers of shapes and indices.
  public var parameterCount: Int { graph.parameterCount }

  /// The file's name without folders and extension.
  public var name: String { Self.name(of: path) }

  /// A path's last part without `.onnx`.
  package static func name(of path: String) -> String {
    let file = fileName(path)
    return file.hasSuffix(".onnx") ? String(file.dropLast(5)) : file
  }
}
