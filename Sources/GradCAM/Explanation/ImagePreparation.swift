import Graph
import Synchronization

extension Explainer {
  /// Resizes, crops and normalises a picture for the first image input.
  ///
  /// Throws `usage` if resize and crop do not fit the network's input.
  public func prepare(_ picture: Picture) throws -> PreparedImage {
    try prepare(.picture(picture), for: model.imageInputs[0], decided)
  }

  /// Reads a picture, and resizes, crops and normalises it for the first image input; or takes the numbers of a file that
  /// `NumberFile` knows by its extension.
  ///
  /// Throws what reading throws, and `usage` naming the picture if resize and crop do not fit the network's input.
  public func prepare(contentsOf path: String, axes: NumberFile.VolumeAxes = .xyz) throws -> PreparedImage {
    let contents = try ImageContents(contentsOf: path, for: model.imageShape, axes: axes)
    return try located(path) { try prepare(contents, for: model.imageInputs[0], decided) }
  }

  /// Puts as many images together as the network takes at a time.
  ///
  /// - Parameter place: which of them is explained.
  public func prepare(together images: [PreparedImage], explaining place: Int) -> PreparedImage {
    let tensor = Tensor(uninitialized: images[place].tensor.elementType, shape: images[place].tensor.shape)
    let size = tensor.byteCount / images.count
    for (index, image) in images.enumerated() {
      (tensor.storage.base + index * size).copyMemory(from: image.tensor.storage.base + index * size, byteCount: size)
    }
    return PreparedImage(
      picture: images[place].picture, tensor: tensor, geometry: images[place].geometry, place: place,
      preprocessing: images[place].preprocessing, warnings: images[place].warnings, others: images[place].others)
  }

  /// Takes a tensor as the contents of the first image input, unchanged.
  ///
  /// - Parameter place: which of its images is explained.
  public func prepare(_ tensor: Tensor, place: Int = 0) -> PreparedImage {
    PreparedImage(tensor, size: model.imageShape.size(of: tensor.shape) ?? planner.inputSize, place: place)
  }

  /// Prepares what several image inputs are given, by name.
  ///
  /// Throws `usage` if there is nothing for the first one, and what preparing a picture throws.
  public func prepare(_ given: [String: ImageContents]) throws -> PreparedImage {
    let first = model.imageInputs[0]
    guard let contents = given[first.name] else {
      throw GradCAMError(
        .usage, at: "input '\(first.name)'", problem: "takes a picture, but none was given",
        advice: "give \(.image, as: "\(first.name)=FILE") or \(.tensor, as: "\(first.name)=FILE.npy")")
    }
    var image = try prepare(contents, for: first, decided)
    for input in model.imageInputs.dropFirst() {
      guard let contents = given[input.name], let decided = decided.others[input.value] else { continue }
      let other = try prepare(contents, for: input, decided)
      image.others[input.value] = other
      image.warnings += other.warnings.map { $0.about(node: "input '\(input.name)'") }
    }
    return image
  }

  private func prepare(_ contents: ImageContents, for input: ImageInput, _ decided: DecidedPreprocessing) throws
    -> PreparedImage
  {
    let size = decided.inputSize
    let preprocessing = decided.preprocessing
    let picture: Picture
    switch contents {
    case .tensor(let tensor): return PreparedImage(tensor, size: input.shape.size(of: tensor.shape) ?? size)
    case .file(let file): return try prepare(file, for: input)
    case .frames(let frames): return try prepare(frames, for: input, decided)
    case .picture(let given): picture = given
    }
    guard input.shape.takesPictures else {
      throw GradCAMError(
        .unsupported, at: "input '\(input.name)'", problem: "takes \(input.shape), which no picture is made into",
        advice: "give \(.tensor, as: "FILE"), an array or a file of numbers")
    }
    let original = picture.size
    let shown: Picture
    let filter = compatibility.resizeFilter(preprocessing.interpolation)
    let geometry: PreprocessingGeometry
    if decided.takesAnySize || decided.keepsFittingPictures && original == size && compatibility != .recipe {
      (shown, geometry) = (picture, PreprocessingGeometry(original: original, resized: original))
    } else if compatibility == .recipe {
      shown = try picture.resized(width: size.width, height: size.height, filter: filter)
      geometry = PreprocessingGeometry(original: size, resized: size)
    } else {
      (shown, geometry) = (picture, try preprocessing.geometry(picture: original, input: size))
    }
    let tensor = preprocessing.tensor(try geometry.apply(to: shown, filter: filter), for: input.shape)
    return PreparedImage(
      picture: shown, tensor: tensor, geometry: geometry, preprocessing: preprocessing,
      warnings: preprocessing.warnings(about: picture))
  }

  /// The numbers of a file, in the input's order.
  private func prepare(_ file: NumberFile, for input: ImageInput) throws -> PreparedImage {
    let tensor = try file.tensor(for: input.shape)
    var image = PreparedImage(tensor, size: input.shape.size(of: tensor.shape)!)
    image.source = file.source
    return image
  }

  /// Resizes, crops and normalises the frames of a film.
  private func prepare(_ frames: [Picture], for input: ImageInput, _ decided: DecidedPreprocessing) throws
    -> PreparedImage
  {
    let plane = decided.inputSize.plane, preprocessing = decided.preprocessing
    guard input.shape.takesFrames, !frames.isEmpty else {
      throw GradCAMError(
        .unsupported, at: "input '\(input.name)'", problem: "takes \(input.shape), which no frames are made into",
        advice: "give \(.tensor, as: "FILE"), an array or a file of numbers")
    }
    let size = plane.stacked(frames.count)
    guard input.shape.admits(size) else {
      throw GradCAMError(
        .badData, problem: "there are \(frames.count) frames, but input '\(input.name)' takes \(input.shape)",
        advice: "give as many frames as that")
    }
    let filter = compatibility.resizeFilter(preprocessing.interpolation)
    let prepared = try frames.map { frame in
      try preprocessing.geometry(picture: frame.size, input: plane).apply(to: frame, filter: filter)
    }
    var image = PreparedImage(preprocessing.tensor(frames: prepared, for: input.shape), size: size)
    image.source.isPreprocessed = true
    image.preprocessing = preprocessing
    return image
  }

  /// Runs the network on an image.
  ///
  /// - Parameter isOpen: whether questions about nodes and values outside the focus will follow.
  public func observe(_ image: PreparedImage, isOpen: Bool = false) throws -> Observation {
    let planner = try planners.planner(for: image)
    return try Observation(planner, image, focus(by: planner), isOpen: isOpen)
  }

  /// The same image, asked about what this explainer asks.
  ///
  /// The network runs on the image again if the target is computed from several outputs.
  /// - Parameter observation: an open one, of this explainer or of one that it was made from by `asking`.
  public func ask(_ observation: Observation) throws -> Observation {
    let planner = observation.planner.adding(target.added)
    let focus = try focus(by: planner)
    return planner === observation.planner
      ? try observation.focused(on: focus) : try Observation(planner, observation.image, focus, isOpen: false)
  }

  private func focus(by planner: ModelPlanner) throws -> Focus {
    planner === self.planner ? focus : try question.planned(by: planner, labels: givenLabels).1
  }

  /// Fixed tensors of pseudo-random numbers for all image inputs, for timings.
  public var noise: [String: ImageContents] {
    Dictionary(
      uniqueKeysWithValues: model.imageInputs.map { input in
        (input.name, ImageContents.tensor(input.shape.noise(size(of: input))))
      })
  }

  /// The size of an image input.
  public func size(of input: ImageInput) -> PixelSize {
    decided.others[input.value]?.inputSize ?? planner.inputSize
  }
}

/// One model planned for pictures of several sizes and for what its extents depend on in them, made when they are needed.
final class ModelPlanners: Sendable {
  /// The one for pictures of the usual size; if extents depend on pictures, for a certain one.
  let usual: ModelPlanner
  /// The one for pictures of the usual size, before any is known.
  let undecided: ModelPlanner
  /// Whether pictures become inputs of other sizes, too.
  private let variesSize: Bool
  private let make: @Sendable (PixelSize) throws -> ModelPlanner
  /// The most recently used last.
  private let kept = Mutex<[ModelPlanner]>([])
  private static let limit = 4

  init(_ decided: DecidedPreprocessing, _ make: @escaping @Sendable (PixelSize) throws -> ModelPlanner) throws {
    usual = try make(decided.inputSize)
    undecided = usual
    variesSize = decided.variesSize
    self.make = make
  }

  /// The same, with that for an image as the usual one.
  private init(_ others: ModelPlanners, usual: ModelPlanner) {
    (self.usual, undecided, variesSize, make) = (usual, others.undecided, others.variesSize, others.make)
  }

  /// The same, of the model with values that its file does not have.
  private init(_ others: ModelPlanners, adding values: [AddedValue]) {
    (usual, undecided) = (others.usual.adding(values), others.undecided.adding(values))
    (variesSize, make) = (others.variesSize, { try others.planner(for: $0).adding(values) })
  }

  /// The same, of the model with values that its file does not have; itself if there are none.
  func adding(_ values: [AddedValue]) -> ModelPlanners {
    values.isEmpty ? self : ModelPlanners(self, adding: values)
  }

  /// The same, with that for an image as the usual one if extents depend on it.
  func deciding(for image: PreparedImage) throws -> ModelPlanners {
    deciding(by: try planner(for: image))
  }

  /// The same, with a planner for an image as the usual one.
  func deciding(by planner: ModelPlanner) -> ModelPlanners {
    planner === usual ? self : ModelPlanners(self, usual: planner)
  }

  /// Frees the memory that is kept for the next runs.
  func freeIdleMemory() { for planner in kept.withLock({ $0 }) + [usual] { planner.freeIdleMemory() } }

  func planner(for image: PreparedImage) throws -> ModelPlanner {
    try planner(for: image.geometry.crop.size).decided(for: image)
  }

  private func planner(for size: PixelSize) throws -> ModelPlanner {
    guard variesSize, size != undecided.inputSize else { return undecided }
    if let known = kept.withLock({ kept in kept.first { $0.inputSize == size } }) { return known }
    let planner = try make(size)
    kept.withLock { kept in
      kept.append(planner)
      if kept.count > Self.limit { kept.removeFirst() }
    }
    return planner
  }
}
