import Graph
import ONNXLoader
import Ops

/// What is known about a network's file without running it, as far as the file can be read.
public struct ModelSummary: Sendable {
  /// The image input of a network.
  public struct Input: Sendable {
    /// Its name.
    public let name: String
    /// Its layout and the extents that the file fixes.
    public let shape: ImageShape
  }

  /// Its name in its folder.
  public let name: String
  /// The path of the file.
  public let path: String
  /// The size in bytes, including the files next to it that belong to it.
  public private(set) var byteCount = 0
  /// The program that wrote it, with its version; nil if the file does not say.
  public private(set) var exporter: String?
  /// The number of elements in its constants, without the integers of shapes and indices.
  public private(set) var parameterCount: Int?
  /// What takes the image.
  public private(set) var input: Input?
  /// What is done to pictures for it.
  public private(set) var preprocessing: DecidedPreprocessing?
  /// The number of its classes; nil if it gives no class scores.
  public private(set) var classCount: Int?
  /// The names of the classes.
  public private(set) var labels = Labels([])
  /// Whether the names are ImageNet's because there are as many classes.
  public private(set) var assumesLabels = false
  /// The node that `auto` means: a PyTorch module if the file names it, else a tensor; nil if there is none.
  public private(set) var auto: String?
  /// The operators that it needs and the program does not have; nil if the file cannot be read.
  public private(set) var missingOperators: [MissingOperator]?
  /// What keeps it from being explained; nil if nothing is known to.
  public private(set) var failure: GradCAMError?

  /// Reads a file without its weights.
  public init(contentsOf path: String, registry: Registry = .standard) {
    self.path = path
    name = Model.name(of: path)
    byteCount = fileSize(path)
    do {
      try read(registry)
    } catch let error as GradCAMError {
      failure = error
    } catch {
      failure = GradCAMError(.defect, at: path, problem: "\(error)")
    }
  }

  private mutating func read(_ registry: Registry) throws {
    let graph = try loadModel(at: path)
    byteCount = graph.files.map(fileSize).reduce(0, +)
    exporter = graph.producer.isEmpty ? nil : graph.producer
    parameterCount = graph.parameterCount
    missingOperators = registry.operators.missing(in: graph, for: graph.outputs.prefix(1))

    let model = try Model(graph, path: path, registry: registry)
    byteCount = model.graph.files.map(fileSize).reduce(0, +)
    missingOperators = registry.operators.missing(in: model.graph, for: [model.head.logits])
    input = Input(name: model.graph.values[model.imageInput].name, shape: model.imageShape)
    let decided = try DecidedPreprocessing(for: model), size = decided.inputSize
    preprocessing = decided
    let catalogue = try NodeCatalogue(model, size: size)
    classCount = catalogue.classCount == 0 || catalogue.isMeasurement ? nil : catalogue.classCount
    (labels, assumesLabels) = Labels.known(of: model, catalogue)
    auto = try? catalogue.match("auto").label
    failure = catalogue.failure
  }
}

extension ComputeGraph {
  /// The number of elements of all constants, including those of nested graphs, without 64-bit integers, Booleans and
  /// strings.
  var parameterCount: Int {
    func count(_ tensor: Tensor) -> Int {
      [.int64, .bool, .string].contains(tensor.elementType) ? 0 : tensor.shape.count
    }
    let held = nodes.flatMap(\.attributes.values).map { attribute in
      switch attribute {
      case .tensor(let tensor): count(tensor)
      case .graph(let graph): graph.parameterCount
      case .graphs(let graphs): graphs.map(\.parameterCount).reduce(0, +)
      default: 0
      }
    }
    return values.compactMap(\.constant).map(count).reduce(0, +) + held.reduce(0, +)
  }
}

/// The size of a file in bytes; 0 if there is none.
private func fileSize(_ path: String) -> Int {
  var status = stat()
  return stat(path, &status) == 0 ? Int(status.st_size) : 0
}
