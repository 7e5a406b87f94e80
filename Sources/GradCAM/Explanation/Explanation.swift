import Graph

/// A class with its score.
public struct ScoredClass: Sendable {
  /// The class.
  public let index: Int
  /// Its name, if known.
  public let label: String?
  /// The raw score.
  public let logit: Float
  /// The probability computed from it.
  public let probability: Float
  /// Whether the probability means something: the model's numbers may be measurements if there are two to four of them
  /// and nothing says that they are scores.
  public let hasMeaningfulProbability: Bool

  /// The probability, if it means something.
  package var shownProbability: Float? { hasMeaningfulProbability ? probability : nil }
}

/// One of several concepts that a method finds in a node.
public struct Concept: Sendable {
  /// Its number, from 1.
  public let number: Int
  /// The class that it resembles most, if class scores are explained.
  public let scored: ScoredClass?
}

/// An image input as a map shows it.
public struct ShownImage: Sendable {
  /// The input.
  public let input: ImageInput
  /// The picture that it got; nil for a tensor.
  public let picture: Picture?
  let geometry: PreprocessingGeometry
  /// What the input was given, for all images of the run, and which of them is explained.
  let tensor: Tensor
  let place: Int
  /// What is known of the numbers, if it is no picture.
  public let source: NumberSource

  /// The extents of the input.
  public var size: PixelSize { geometry.crop.size }
}

/// One map: why a model gave an image the target's score, seen at one node by one method.
public struct Explanation: Sendable {
  /// The target explained.
  public let target: any Target
  /// What it is computed from.
  let explained: ExplainedValue
  /// The taps that the method was given.
  let places: [NodeCatalogue.Match]
  /// What the user chose about methods.
  let settings: MethodSettings
  /// The target's score.
  public let score: Float
  /// The class with its scores, if one is explained.
  public let scored: ScoredClass?
  /// The box, if one is explained.
  public var detection: DetectionTarget? { target as? DetectionTarget }
  /// A detector's boxes over the first picture shown, if one or several are explained.
  public var boxes: DrawnBoxes? {
    target.boxes.flatMap { $0.boxes.isEmpty ? nil : DrawnBoxes($0, in: geometry) }
  }
  /// The nodes' names: one; several whose maps are fused or that the method takes together; or the model's input if the
  /// map is of the whole network.
  public let nodes: [String]
  /// The tensors' names in the file.
  public let tensors: [String]
  /// The method's name.
  public let method: String
  /// The concept shown, if the method finds several.
  public let concept: Concept?
  /// How far the attributions add up, if the method says so.
  public let completeness: Completeness?
  /// How the maps of the nodes became one; nil if each map is of one node.
  public let fusion: Fusion?
  /// The smoothing applied.
  public let smoothing: [Smoothing]
  /// The method's result at the feature map's size, before rectification; if fused or averaged over augmentations, in
  /// 0 … 1 and at the size of the network's input.
  public let map: HeatMap
  let drawing: MapDrawing
  /// The image inputs on which the nodes depend, at least one, with what they got: the map is drawn over their pictures.
  public let shown: [ShownImage]
  /// Activation and gradient at the node; nil if there are several nodes, or if they are swept.
  public private(set) var tap: Tap?
  /// What the user should know.
  public internal(set) var warnings: [Warning]

  /// Whether the map shows nothing, as a warning says.
  public var isEmpty: Bool { warnings.contains { $0.code.meansEmptyMap } }

  /// How the first picture shown became the network's input.
  package var geometry: PreprocessingGeometry { shown[0].geometry }
  /// Whether negative values of the map count as 0 when it is drawn.
  package var isRectified: Bool { drawing.isRectified }

  /// Whether the map is drawn with its sign: ½ is 0, and below is what speaks against the target.
  public var isSigned: Bool { drawing.isSigned }

  /// Draws the map over the picture of the first image input shown: values in 0 … 1, at the picture's size.
  public func drawnMap() -> HeatMap { drawnMap(over: shown[0]) }
  /// Draws the map over the picture of an image input shown: values in 0 … 1, at the picture's size.
  public func drawnMap(over image: ShownImage) -> HeatMap { drawing.drawn(over: image.geometry) }
  /// Draws the map over the network's input: values in 0 … 1, at the input's size; nothing, and not seen, on padding.
  public func inputMap() -> HeatMap { contentMap().padded(to: inputSize, at: geometry.content) }
  /// Draws the map over the part of the network's input that shows the picture: values in 0 … 1.
  ///
  /// - Parameter isRectified: whether negative values count as 0, if the method and the library say so; else the least of
  ///   them is 0.
  func contentMap(isRectified: Bool = true) -> HeatMap {
    (isRectified ? drawing : drawing.unrectified).drawn(over: geometry.ofContent)
  }
  /// Draws the map over the picture at another size: values in 0 … 1.
  public func drawnMap(size: PixelSize) -> HeatMap { drawing.drawn(over: geometry.from(size)) }
  /// The part of the picture, at another size, that the network sees.
  public func seen(size: PixelSize) -> PixelRectangle { geometry.from(size).seen }
  /// The part of the first picture shown that the network sees; nil if it sees all, or was given a tensor.
  public var seen: PixelRectangle? {
    let (seen, original) = (geometry.seen, geometry.original)
    return shown[0].picture == nil || seen.size == original ? nil : seen
  }
  /// The share of the first picture shown that the network sees, 0 … 1.
  public var seenShare: Double { Double(geometry.seen.size.count) / Double(geometry.original.count) }
  /// The size of the network's input.
  public var inputSize: PixelSize { geometry.crop.size }
  /// The same explanation without its tap.
  var withoutTap: Explanation {
    var explanation = self
    explanation.tap = nil
    return explanation
  }
  /// The part of the map that counts: positive values or all, depending on method and library.
  public func rectifiedMap() -> HeatMap { drawing.isRectified ? map.rectified() : map }
  /// The nodes' names, joined.
  public var node: String { nodes.joined(separator: "+") }
  /// The tensors' names, joined.
  public var tensor: String { tensors.joined(separator: "+") }
}
