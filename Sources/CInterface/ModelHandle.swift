import CGradCAM
import GradCAM
import Graph
import Synchronization

/// The object that a model's handle refers to.
final class ModelHandle: HeldObject, @unchecked Sendable {
  let explainer: Explainer
  /// The node at which maps are taken, as the caller names it.
  private let node: String
  private let asker: Asker
  /// What the axes of volumes are.
  private let axes: NumberFile.VolumeAxes
  /// The image of the last run.
  private var observation: Observation?
  private var name: NamedImage?
  /// The file's metadata, sorted.
  private lazy var metadata = explainer.model.graph.metadata.sorted { $0.key < $1.key }
  /// The nodes as C structs.
  private lazy var nodes = explainer.focus.catalogue.entries.map(node)

  /// Opens the model that a path and options describe.
  init(_ path: String, _ options: gradcam_options) throws {
    let folder = text(options.models).map(ModelFolder.init) ?? .usual
    let model = try Model(
      contentsOf: folder.resolve(path), layout: choice(options.layout, "layout"), output: text(options.output),
      registry: Registry(options))
    guard (0...1024).contains(options.threads) else {
      throw GradCAMError(.usage, at: "threads", problem: "is \(options.threads)", advice: "use 1 to 1024, or 0")
    }
    node = text(options.node) ?? "auto"
    axes = try choice(options.axes, "axes") ?? .xyz
    let inputs = try model.tensors(options)
    explainer = try Explainer(
      model, nodes: [node],
      preprocessing: DecidedPreprocessing(
        PreprocessingChoice(options), for: model, inputs: inputs.mapValues { ValueInfo($0) }),
      labels: text(options.labels).map { try Labels(contentsOf: $0) },
      compatibility: choice(options.compat, "compat") ?? .pytorchGradCAM, inputs: inputs,
      threadCount: options.threads == 0 ? nil : Int(options.threads), reusesWeights: true)
    asker = try Asker(
      explainer, node: node, inputs: inputs, plugins: texts(options.plugins, options.plugin_count, "plugins"))
  }

  var info: gradcam_model_info {
    let focus = explainer.focus, size = explainer.planner.inputSize, shape = explainer.model.imageShape
    var info = gradcam_model_info()
    let node: String = focus.taps.first?.label ?? node
    info.node = memory.string(node)
    info.batch = Int32(clamping: shape.batch)
    info.channels = Int32(clamping: shape.channels)
    info.height = Int32(clamping: size.height)
    (info.axes, info.depth) = (Int32(clamping: size.rank), Int32(clamping: size.depth))
    info.width = Int32(clamping: size.width)
    info.channels_last = shape.layout == .nhwc ? 1 : 0
    info.class_count = Int32(clamping: focus.catalogue.classCount)
    info.node_count = Int32(clamping: focus.catalogue.entries.count)
    info.metadata_count = Int32(clamping: metadata.count)
    info.input_count = Int32(clamping: explainer.model.graph.inputs.count)
    let preprocessing: String = explainer.preprocessingText
    info.preprocessing = memory.string(preprocessing)
    return info
  }

  func metadata(at index: Int32) throws -> (key: UnsafePointer<CChar>, value: UnsafePointer<CChar>) {
    let entry = try element(metadata, at: Int(index), "entries")
    return (memory.string(entry.key), memory.string(entry.value))
  }

  var preprocessing: gradcam_preprocessing {
    let known = explainer.preprocessing
    var result = gradcam_preprocessing()
    result.resize = memory.string(known.resize.map(\.description))
    result.crop = memory.string(known.crop.map { "\($0.width)x\($0.height)" } as String?)
    result.channels = memory.string(known.channels.rawValue)
    result.interpolation = memory.string(known.interpolation.rawValue)
    result.mean = (known.mean[0], known.mean[1], known.mean[2])
    result.std = (known.std[0], known.std[1], known.std[2])
    result.range = known.range
    result.is_assumed = explainer.warnings.contains { $0.code == .preprocessingAssumed } ? 1 : 0
    return result
  }

  func label(_ classIndex: Int32) throws -> UnsafePointer<CChar>? {
    try explainer.focus.catalogue.checkClass(Int(classIndex))
    return memory.string(explainer.labels[Int(classIndex)])
  }

  func input(at index: Int32) throws -> gradcam_input {
    let model = explainer.model, id = try element(model.graph.inputs, at: Int(index), "inputs")
    let value = model.graph.values[id]
    var input = gradcam_input()
    input.name = memory.string(value.name)
    input.type = memory.string((value.elementType?.rawValue).map { "\($0)" } as String?)
    input.shape = value.dimensions.map { dimensions in
      memory.array(dimensions.map { if case .fixed(let extent) = $0 { extent } else { -1 } })
    }
    input.rank = Int32(clamping: value.dimensions?.count ?? 0)
    input.takes_image = model.imageInputs.contains { $0.value == id } ? 1 : 0
    return input
  }

  func node(at index: Int32) throws -> gradcam_node { try element(nodes, at: Int(index), "nodes") }

  private func node(_ entry: NodeCatalogue.Entry) -> gradcam_node {
    var node = gradcam_node()
    node.name = memory.string(entry.name)
    node.tensor = memory.string(entry.tensor)
    node.module = memory.string(entry.module)
    node.operator_name = memory.string("\(entry.operatorName)")
    node.shape = entry.shape.map { memory.array($0.dimensions) }
    node.rank = Int32(clamping: entry.shape?.rank ?? 0)
    node.is_mappable = entry.isMappable ? 1 : 0
    node.is_auto = entry.isAuto ? 1 : 0
    return node
  }

  func run(_ given: gradcam_image) throws {
    // Its memory is reused for the next one.
    (observation, name) = (nil, NamedImage(given))
    observation = try explainer.observe(explainer.prepare(given, axes))
  }

  private func currentObservation() throws -> Observation {
    guard let observation else {
      throw GradCAMError(.usage, at: "argument 'model'", problem: "was not run on an image", advice: "call gradcam_run")
    }
    return observation
  }

  /// The most probable classes of the image that was run.
  func classes(_ count: Int) throws -> [gradcam_class] {
    try explainer.classes(of: currentObservation(), count: count).map { gradcam_class($0, memory) }
  }

  /// Runs the model on an image that is asked about afterwards.
  func observe(_ given: gradcam_image) throws -> ObservationHandle {
    ObservationHandle(
      try explainer.observe(explainer.prepare(given, axes), isOpen: true), asker, NamedImage(given))
  }

  /// The maps of each image that answer a request, on as many threads as the model has.
  func ask(_ images: [gradcam_image], _ request: gradcam_request) throws -> [ExplanationList] {
    // One that cannot be prepared fails on its own.
    let prepared = images.lazy.compactMap { [explainer, axes] in try? explainer.prepare($0, axes) }
    var asker = asker
    if try explainer.dependsOnData {
      guard let image = prepared.first else { return try failed(images, Question(request)) }
      asker = asker.asking(try explainer.deciding { image })
    }
    let asked = try asker.asking(Question(request))
    let configuration = images.contains { $0.name != nil } ? asked.configuration : nil
    let progress = Progress(request), caller = pthread_self()
    let done = Atomic<Int>(0), isEnded = Atomic<Bool>(false)
    func report(_ part: Double) throws {
      if pthread_equal(pthread_self(), caller) != 0 {
        do {
          try progress.report((Double(done.load(ordering: .relaxed)) + part) / Double(images.count))
        } catch {
          isEnded.store(true, ordering: .relaxed)
        }
      }
      if isEnded.load(ordering: .relaxed) { throw Cancelled() }
    }
    var lists: [ExplanationList] = []
    struct Made {
      let rows: RowMaker?
      var isRead = false
      var maps: Result<[ExplanationHandle], any Error> = .success([])
    }
    try asked.explainer.explainMany(images.count) { index -> Made in
      let name = NamedImage(images[index])
      var made = Made(
        rows: configuration.flatMap { configuration in
          name.map { RowMaker(image: $0, model: explainer.model, configuration: configuration) }
        })
      made.maps = Result {
        try report(0)
        let image = try asked.explainer.prepare(images[index], axes)
        made.isRead = true
        let maps = try asked.explanations(of: asked.explainer.observe(image), rows: made.rows) { try report($0) }
        done.wrappingAdd(1, ordering: .relaxed)
        return maps
      }
      return made
    } deliver: { _, made in
      lists.append(try ExplanationList(made.maps, rows: made.rows, isRead: made.isRead))
    }
    return lists
  }

  /// What is made of images none of which can be prepared, so that there is none to plan the model for.
  private func failed(_ images: [gradcam_image], _ question: Question) throws -> [ExplanationList] {
    let configuration = try asker.configuration(of: question)
    return try images.map { image in
      let maps = Result<[ExplanationHandle], any Error> {
        _ = try explainer.prepare(image, axes)
        return []
      }
      let rows = NamedImage(image).map { RowMaker(image: $0, model: explainer.model, configuration: configuration) }
      return try ExplanationList(maps, rows: rows, isRead: false)
    }
  }

  /// Explains the image that was run.
  func explain(_ request: gradcam_request) throws -> ExplanationHandle {
    let observation = try currentObservation(), method = text(request.method) ?? "gradcam"
    let (asking, target) = try target(request, observation)
    let explanations = try explainer.explain(target, of: observation, methods: [method])
    let number = max(1, request.concept_number)
    guard request.concept_number >= 0, explanations.count >= number else {
      throw GradCAMError(
        .usage, at: "concept_number", problem: "is \(request.concept_number)", advice: "use 1 to \(explanations.count)")
    }
    let rows = name.map { name in
      RowMaker(image: name, model: explainer.model, configuration: asker.configuration(of: asking))
    }
    return ExplanationHandle(explanations[Int(number) - 1], of: observation.image, by: explainer, rows: rows)
  }

  /// The line of the configuration that a request has.
  func configuration(_ request: gradcam_request) throws -> UnsafePointer<CChar> {
    let line: String = try asker.asking(Question(request)).configuration.line()
    return memory.string(line)
  }

  private func target(_ request: gradcam_request, _ observation: Observation) throws -> (Explainer, any Target) {
    var asked = TargetRequest()
    asked.classes = text(request.class_name).map { [$0] } ?? []
    asked.score = request.of_probability != 0 ? .probability : .logit
    asked.isCounterfactual = request.counterfactual != 0
    let (asking, choice) = try explainer.deciding(by: observation).asking(asked, nodes: [node])
    return (asking, try choice.targets(asking, of: observation)[0])
  }
}

extension Model {
  /// What options give inputs that take no image, by name.
  ///
  /// Throws `usage` for a name that is no such input, or that is given twice.
  fileprivate func tensors(_ options: gradcam_options) throws -> [String: Tensor] {
    guard options.input_count > 0 else { return [:] }
    var tensors: [String: Tensor] = [:]
    for given in UnsafeBufferPointer(start: try required(options.inputs, "inputs"), count: options.input_count) {
      let name = String(cString: try required(given.name, "inputs"))
      guard let input = graph.inputs.map({ graph.values[$0] }).first(where: { $0.name == name }), tensors[name] == nil,
        !imageInputs.contains(where: { $0.name == name })
      else {
        throw GradCAMError(
          .usage, at: "inputs", problem: "'\(name)' is no input of the model, takes an image, or is given twice")
      }
      let extents = try (0..<Int(given.rank)).map { Int(try required(given.shape, "inputs")[$0]) }
      let count = try located("input '\(name)'") { try Shape(checked: extents).count }
      let values = Array(UnsafeBufferPointer(start: try required(given.values, "inputs"), count: count))
      tensors[name] = NPYArray(shape: extents, values: values).tensor(of: input.elementType ?? .float32)
    }
    return tensors
  }
}

extension Registry {
  /// The built-in registry with the plugins that options name.
  fileprivate init(_ options: gradcam_options) throws {
    // What plugins say goes where what the library says would: nowhere.
    try self.init(
      contentsOf: texts(options.plugins, options.plugin_count, "plugins"),
      preferring: texts(options.preferred, options.preferred_count, "preferred")
    ) { _ in }
  }
}

extension PreprocessingChoice {
  /// What options say about preprocessing.
  fileprivate init(_ options: gradcam_options) throws {
    self.init()
    preset = try choice(options.preset, "preset")
    size = try PixelSize(options)
    resize = try parsed(options.resize, "resize", "a size, such as 256 or 224x224, or letterbox") {
      Preprocessing.Resize($0)
    }
    crop = try parsed(options.crop, "crop", "a size, such as 224 or 224x224") { PixelSize($0) }
    channels = try choice(options.channels, "channels")
    interpolation = try choice(options.interpolation, "interpolation")
    mean = options.mean.map { Array(UnsafeBufferPointer(start: $0, count: 3)) }
    std = options.std.map { Array(UnsafeBufferPointer(start: $0, count: 3)) }
    range = options.range == 0 ? nil : options.range
    guard (mean ?? []).allSatisfy(\.isFinite), (std ?? []).allSatisfy({ $0.isFinite && $0 != 0 }),
      range.map({ $0.isFinite && $0 > 0 }) ?? true
    else {
      throw GradCAMError(
        .usage, at: "mean, std and range", problem: "cannot be used",
        advice: "give finite numbers, std not 0 and range above 0")
    }
  }
}

extension gradcam_class {
  /// A class with its score; its label belongs to an object's memory.
  init(_ scored: ScoredClass, _ memory: LentMemory) {
    self.init(
      label: memory.string(scored.label), index: Int32(clamping: scored.index), logit: scored.logit,
      probability: scored.hasMeaningfulProbability ? scored.probability : .nan)
  }
}

extension PixelSize {
  /// The size that options ask for; nil if they ask for none.
  fileprivate init?(_ options: gradcam_options) throws {
    let extents = [options.width, options.height] + (options.depth == 0 ? [] : [options.depth])
    guard extents != [0, 0] else { return nil }
    guard let size = PixelSize(ofInput: extents.map { "\($0)" }.joined(separator: "x")) else {
      throw GradCAMError(
        .usage, at: extents.count == 2 ? "width and height" : "width, height and depth",
        problem: "are \(extents.map { "\($0)" }.joined(separator: " and "))",
        advice: "give all of them, from 1 to 65536, or none")
    }
    self = size
  }
}

/// Opens a model, as the header says.
@c @implementation
public func gradcam_open(
  _ path: UnsafePointer<CChar>!, _ options: UnsafePointer<gradcam_options>!,
  _ model: UnsafeMutablePointer<OpaquePointer?>!
) -> gradcam_status {
  hand(to: model, "model") {
    let path = String(cString: try required(path, "path"))
    return try ModelHandle(path, read(options, "options", empty: gradcam_options()) ?? gradcam_options())
  }
}

/// Closes a model, as the header says.
@c @implementation
public func gradcam_close(_ model: OpaquePointer!) { Handles.remove(model, ModelHandle.self) }

/// Describes a model, as the header says.
@c @implementation
public func gradcam_get_model_info(
  _ model: OpaquePointer!, _ info: UnsafeMutablePointer<gradcam_model_info>!
) -> gradcam_status {
  status { try Handles.use(model, "model", as: ModelHandle.self) { try fill(info, "info", $0.info) } }
}

/// Gives an entry of the metadata, as the header says.
@c @implementation
public func gradcam_get_metadata(
  _ model: OpaquePointer!, _ index: Int32, _ key: UnsafeMutablePointer<UnsafePointer<CChar>?>!,
  _ value: UnsafeMutablePointer<UnsafePointer<CChar>?>!
) -> gradcam_status {
  status {
    let entry = try Handles.use(model, "model", as: ModelHandle.self) { try $0.metadata(at: index) }
    key?.pointee = entry.key
    value?.pointee = entry.value
  }
}

/// Tells how pictures are preprocessed, as the header says.
@c @implementation
public func gradcam_get_preprocessing(
  _ model: OpaquePointer!, _ preprocessing: UnsafeMutablePointer<gradcam_preprocessing>!
) -> gradcam_status {
  status {
    try Handles.use(model, "model", as: ModelHandle.self) { try fill(preprocessing, "preprocessing", $0.preprocessing) }
  }
}

/// Names a class, as the header says.
@c @implementation
public func gradcam_get_label(
  _ model: OpaquePointer!, _ class_index: Int32, _ label: UnsafeMutablePointer<UnsafePointer<CChar>?>!
) -> gradcam_status {
  status {
    let result = try required(label, "label")
    result.pointee = nil
    result.pointee = try Handles.use(model, "model", as: ModelHandle.self) { try $0.label(class_index) }
  }
}

/// Describes an input, as the header says.
@c @implementation
public func gradcam_get_input(
  _ model: OpaquePointer!, _ index: Int32, _ input: UnsafeMutablePointer<gradcam_input>!
) -> gradcam_status {
  status { try Handles.use(model, "model", as: ModelHandle.self) { try fill(input, "input", $0.input(at: index)) } }
}

/// Describes a node, as the header says.
@c @implementation
public func gradcam_get_node(
  _ model: OpaquePointer!, _ index: Int32, _ node: UnsafeMutablePointer<gradcam_node>!
) -> gradcam_status {
  status { try Handles.use(model, "model", as: ModelHandle.self) { try fill(node, "node", $0.node(at: index)) } }
}

/// Runs a model on an image, as the header says.
@c @implementation
public func gradcam_run(_ model: OpaquePointer!, _ image: UnsafePointer<gradcam_image>!) -> gradcam_status {
  status {
    let image = try required(read(image, "image", empty: gradcam_image()), "image")
    try Handles.use(model, "model", as: ModelHandle.self) { try $0.run(image) }
  }
}

/// Runs a model on an image to be asked about, as the header says.
@c @implementation
public func gradcam_observe(
  _ model: OpaquePointer!, _ image: UnsafePointer<gradcam_image>!,
  _ observation: UnsafeMutablePointer<OpaquePointer?>!
) -> gradcam_status {
  hand(to: observation, "observation") {
    let image = try required(read(image, "image", empty: gradcam_image()), "image")
    return try Handles.use(model, "model", as: ModelHandle.self) { try $0.observe(image) }
  }
}

/// Explains many images, as the header says.
@c @implementation
public func gradcam_ask_many(
  _ model: OpaquePointer!, _ images: UnsafePointer<UnsafePointer<gradcam_image>?>!, _ count: Int,
  _ request: UnsafePointer<gradcam_request>!, _ explanations: UnsafeMutablePointer<OpaquePointer?>!
) -> gradcam_status {
  status {
    guard count > 0 else { return }
    let handles = UnsafeMutableBufferPointer(start: try required(explanations, "explanations"), count: count)
    handles.update(repeating: nil)
    let pointers = UnsafeBufferPointer(start: try required(images, "images"), count: count)
    let images = try pointers.enumerated().map { index, image in
      try required(read(image, "images[\(index)]", empty: gradcam_image()), "images[\(index)]")
    }
    let request = try read(request, "request", empty: gradcam_request()) ?? gradcam_request()
    let lists = try Handles.use(model, "model", as: ModelHandle.self) { try $0.ask(images, request) }
    for (index, list) in lists.enumerated() { handles[index] = Handles.add(list) }
  }
}

/// Gives the best classes, as the header says.
@c @implementation
public func gradcam_classify(
  _ model: OpaquePointer!, _ classes: UnsafeMutablePointer<gradcam_class>!, _ capacity: Int,
  _ count: UnsafeMutablePointer<Int>!
) -> gradcam_status {
  write(to: classes, capacity, count) { capacity in
    try Handles.use(model, "model", as: ModelHandle.self) { try $0.classes(capacity) }
  }
}

/// Writes as many classes as there is room for, and their number.
func write(
  to buffer: UnsafeMutablePointer<gradcam_class>?, _ capacity: Int, _ count: UnsafeMutablePointer<Int>?,
  _ classes: (_ capacity: Int) throws -> [gradcam_class]
) -> gradcam_status {
  status {
    count?.pointee = 0
    let found = try classes(max(capacity, 0))
    _ = try checkedBuffer(buffer, "classes", capacity: capacity, needed: found.count).initialize(from: found)
    count?.pointee = found.count
  }
}

/// Explains a class, as the header says.
@c @implementation
public func gradcam_explain(
  _ model: OpaquePointer!, _ request: UnsafePointer<gradcam_request>!,
  _ explanation: UnsafeMutablePointer<OpaquePointer?>!
) -> gradcam_status {
  hand(to: explanation, "explanation") {
    let request = try read(request, "request", empty: gradcam_request()) ?? gradcam_request()
    return try Handles.use(model, "model", as: ModelHandle.self) { try $0.explain(request) }
  }
}
