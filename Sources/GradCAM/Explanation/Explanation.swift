import Graph

/// A class with its score.
public struct ScoredClass: Sendable {
  /// The class.
  public let index: Int
  /// Its name, where known.
  public let label: String?
  /// The raw score.
  public let logit: Float
  /// The probability behind it.
  public let probability: Float
}

/// One of several things that a method finds in a node.
public struct Concept: Sendable {
  /// Its number, from 1.
  public let number: Int
  /// The class that it is most like, where class scores are explained.
  public let scored: ScoredClass?
}

/// One map: why a model gave an image the score that a target has, seen at one node by one method.
public struct Explanation: Sendable {
  /// What is explained.
  public let target: any Target
  /// The target's score.
  public let score: Float
  /// The class with its scores, where one is explained.
  public let scored: ScoredClass?
  /// The box, where one is explained.
  public var detection: DetectionTarget? { target as? DetectionTarget }
  /// How the nodes are called: one, several whose maps are fused or that the method takes together, or the model's input
  /// where the map is of the whole network.
  public let nodes: [String]
  /// The tensors' names in the file.
  public let tensors: [String]
  /// The method's name.
  public let method: String
  /// The concept shown, by a method that finds several.
  public let concept: Concept?
  /// How the maps of the nodes became one; nil where there is one node for each map.
  public let fusion: Fusion?
  /// What made the map smoother.
  public let smoothing: [Smoothing]
  /// The method's result at the feature map's size, before rectification; fused, or the mean of changed images, it is in
  /// 0 … 1 and at the size of the network's input.
  public let map: HeatMap
  let drawing: MapDrawing
  let geometry: PreprocessingGeometry
  /// Activation and gradient at the node; nil where there are several, or many nodes one after another.
  public private(set) var tap: Tap?
  /// What the user should know.
  public internal(set) var warnings: [Warning]

  /// The map as it is drawn over the picture, in 0 … 1 and at its size; made anew each time that it is asked for.
  public var drawnMap: HeatMap { drawing.drawn(over: geometry) }
  /// The map at the size of the network's input, in 0 … 1; made anew each time that it is asked for.
  public var inputMap: HeatMap {
    drawing.drawn(over: PreprocessingGeometry(original: geometry.crop.size, resized: geometry.crop.size))
  }
  /// The map over the picture at another size, in 0 … 1.
  public func drawnMap(size: PixelSize) -> HeatMap {
    drawing.drawn(over: geometry.from(size))
  }
  /// The part that the network sees of the picture at another size.
  public func seen(size: PixelSize) -> PixelRectangle { geometry.from(size).seen }
  /// The same without what it was made of.
  var withoutTap: Explanation {
    var explanation = self
    explanation.tap = nil
    return explanation
  }
  /// What counts of the map: the values above 0, or all, as method and library have it.
  public var rectifiedMap: HeatMap { drawing.isRectified ? map.rectified() : map }
  /// The nodes as one word.
  public var node: String { nodes.joined(separator: "+") }
  /// The tensors as one word.
  public var tensor: String { tensors.joined(separator: "+") }
}

/// An image on its way through a model: the picture to draw on, and the tensor that the network sees.
public struct PreparedImage: Sendable {
  /// The picture that maps are drawn over; nil where the user gave a tensor.
  public let picture: Picture?
  /// The network's input.
  public let tensor: Tensor
  /// How the picture became the tensor.
  public let geometry: PreprocessingGeometry
}

/// Explains images: a session with labels, preprocessing and the rules of drawing.
///
/// Not for use by several threads at a time.
public final class Explainer {
  /// The model, planned.
  public let session: Session
  /// The names of the classes.
  public let labels: Labels
  /// How pictures are preprocessed.
  public let preprocessing: Preprocessing
  /// The library followed in drawing.
  public let compatibility: Compatibility
  /// What was assumed about the model because neither its file nor the user told.
  public let warnings: [Warning]
  /// What the user chose about methods.
  public var settings = MethodSettings()
  /// Whether the user named nodes.
  let namesNodes: Bool

  /// Plans a model for explanations.
  ///
  /// - Parameters:
  ///   - explained: the value that targets are numbers of; nil means the class scores.
  ///   - kept: values besides that a target needs, as `DetectionLayout.boxes`.
  ///   - nodes: names as `NodeCatalogue.matches` takes them; empty means `auto`.
  ///   - hint: what the dimensions of the nodes' tensors are, where the graph does not tell.
  ///   - preprocessing: nil means what the model's metadata say, else ImageNet's with a warning.
  ///   - inputSize: the size of the network's input where the model leaves it open.
  ///   - labels: nil means what the model's metadata say, else `no` and `yes` for one lone score, else ImageNet's for
  ///     1,000 classes with a warning.
  ///   - inputs: contents of inputs other than the image, by name.
  ///   - threadCount: the threads to run on; nil means one a core.
  ///   - reusesWeights: whether many images follow, so that packing weights pays.
  ///   - visitsNodes: whether the nodes are seen one after another, by `sweep` alone and by methods that need nothing but
  ///     the tap, which takes less memory.
  ///
  /// Throws what `Session` throws.
  public init(
    _ model: Model, explaining explained: ValueID? = nil, keeping kept: [ValueID] = [], nodes: [String] = [],
    hint: FeatureMapHint = FeatureMapHint(), preprocessing: Preprocessing? = nil, inputSize: PixelSize? = nil,
    labels: Labels? = nil, compatibility: Compatibility = .pytorchGradCAM, inputs: [String: Tensor] = [:],
    threadCount: Int? = nil, reusesWeights: Bool = false, visitsNodes: Bool = false
  ) throws {
    var warnings: [Warning] = []
    let known = preprocessing ?? model.metadata.preprocessing
    let size = Self.inputSize(of: model, preprocessing: preprocessing, asked: inputSize)
    self.preprocessing = known ?? Preprocessing(.imagenet, size: size)
    if known == nil {
      warnings.append(
        Warning(
          code: .preprocessingAssumed,
          text: "the file does not say how images are preprocessed; ImageNet's usual way at \(size) is assumed; "
            + "give \(.preset), or \(.mean), \(.std), \(.range) and the like"))
    }
    self.compatibility = compatibility
    namesNodes = !nodes.isEmpty
    session = try Session(
      model, explaining: explained, keeping: kept, nodes: nodes, hint: hint, inputSize: size, inputs: inputs,
      threadCount: threadCount, reusesWeights: reusesWeights, visitsTaps: visitsNodes)
    let (usual, isAssumed) = Labels.known(of: model, session.catalogue)
    self.labels = labels ?? usual
    if labels == nil, isAssumed {
      warnings.append(
        Warning(
          code: .labelsAssumed,
          text: "the file does not name its classes; with 1,000 of them ImageNet's are assumed; "
            + "give \(.labels, as: "FILE")"))
    }
    if !self.labels.names.isEmpty, session.classCount > 0, self.labels.names.count != session.classCount {
      warnings.append(
        Warning(
          code: .labelsCount,
          text: "there are \(self.labels.names.count) labels for \(session.classCount) classes; "
            + "give \(.labels) a file with one line a class, in the model's order"))
    }
    self.warnings = warnings
  }

  /// The size of the network's input that an explainer with these settings has.
  public static func inputSize(
    of model: Model, preprocessing: Preprocessing? = nil, asked: PixelSize? = nil
  ) -> PixelSize {
    asked ?? (preprocessing ?? model.metadata.preprocessing ?? Preprocessing()).inputSize(for: model.imageShape)
  }

  /// An explainer with the settings, plan and threads of another and with memory of its own.
  private init(sharing other: Explainer) {
    session = Session(sharing: other.session)
    labels = other.labels
    preprocessing = other.preprocessing
    compatibility = other.compatibility
    warnings = other.warnings
    settings = other.settings
    namesNodes = other.namesNodes
  }

  /// Works on many images: one a thread where there are as many as threads, the rest with all threads together.
  ///
  /// Results are the same, bit for bit, as of one image after another.
  /// - Parameters:
  ///   - work: makes the result of an image with the explainer that it is given, several at a time.
  ///   - deliver: takes the results in the images' order, never two at a time; few wait for their turn.
  ///
  /// Throws what `deliver` throws first; no more is delivered then.
  public func explainMany<Result>(
    _ count: Int, work: (_ index: Int, _ explainer: Explainer) -> Result, deliver: (_ index: Int, Result) throws -> Void
  ) throws {
    let threads = session.threadCount
    let oneEach = threads > 1 && session.fitsMemory(threads) ? count / threads * threads : 0
    if oneEach > 0 {
      let explainers = [self] + (1..<threads).map { _ in Explainer(sharing: self) }
      try OrderedWork.run(
        oneEach, places: threads, on: session.pool, work: { work($0, explainers[$1]) }, deliver: deliver)
    }
    for index in oneEach..<count { try deliver(index, work(index, self)) }
  }

  /// Resizes, crops and normalises a picture.
  ///
  /// Throws `usage` where resize and crop do not fit the network's input.
  public func prepare(_ picture: Picture) throws -> PreparedImage {
    let original = PixelSize(width: picture.width, height: picture.height), size = session.inputSize
    if compatibility == .recipe {
      let squashed = try picture.resized(width: size.width, height: size.height, filter: compatibility.resizeFilter)
      return PreparedImage(
        picture: squashed, tensor: preprocessing.tensor(squashed, for: session.model.imageShape),
        geometry: PreprocessingGeometry(original: size, resized: size))
    }
    let geometry = try preprocessing.geometry(picture: original, input: size)
    let input = try geometry.apply(to: picture, filter: compatibility.resizeFilter)
    return PreparedImage(
      picture: picture, tensor: preprocessing.tensor(input, for: session.model.imageShape), geometry: geometry)
  }

  /// Reads a picture, and resizes, crops and normalises it.
  ///
  /// Throws what reading throws, and `usage` naming the picture where resize and crop do not fit the network's input.
  public func prepare(contentsOf path: String) throws -> PreparedImage {
    let picture = try Picture(contentsOf: path)
    return try located(path) { try prepare(picture) }
  }

  /// Takes a tensor for the network's input as it is.
  public func prepare(_ tensor: Tensor) -> PreparedImage {
    PreparedImage(
      picture: nil, tensor: tensor,
      geometry: PreprocessingGeometry(original: session.inputSize, resized: session.inputSize))
  }

  /// Runs the network forward.
  ///
  /// - Returns: the classes by falling probability, `count` of them; none where the model gives no class scores.
  public func classify(_ image: PreparedImage, count: Int) throws -> [ScoredClass] {
    try session.forward(image.tensor)
    return classes(count: count)
  }

  /// The classes of the last image by falling probability, `count` of them; none where the model gives no class scores.
  public func classes(count: Int) -> [ScoredClass] { classes(of: session.logits, count: count) }

  /// The classes by falling probability of some raw scores.
  func classes(of logits: [Float], count: Int) -> [ScoredClass] {
    let scored = scoredClasses(logits)
    return Array(scored.sorted { ($1.logit, $0.index) < ($0.logit, $1.index) }.prefix(count))
  }

  /// The classes in their order, with their scores.
  func scoredClasses(_ logits: [Float]) -> [ScoredClass] {
    let scores = session.model.head.classScores(logits), probabilities = session.model.head.probabilities(logits)
    return scores.indices.map { index in
      ScoredClass(index: index, label: labels[index], logit: scores[index], probability: probabilities[index])
    }
  }

  /// The score of a class as a target.
  ///
  /// Throws `usage` where there is no such class, `unsupported` where something else is explained.
  public func target(classIndex: Int, score: ScoreKind = .logit) throws -> ClassTarget {
    try session.target(classIndex: classIndex, label: labels[classIndex], score: score)
  }
}
