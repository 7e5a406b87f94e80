import GradCAM
import Graph

/// Why a model gave a picture the target's score, at some nodes: the answer of `:explain`, and what a file holds.
struct ExplanationDocument: Encodable {
  struct ScoredClass: Encodable {
    let index: Int
    @Nullable var label: String?
    let logit: Float
    /// Nil if the model's numbers may be no scores.
    @Nullable var probability: Float?
  }

  struct Target: Encodable {
    let name, description: String
    let score: Float
    @Nullable var `class`: Int?
  }

  /// A detector's box.
  struct Box: Encodable {
    /// The number of better boxes: what `detection` takes.
    let rank: Int
    let label: String
    @Nullable var `class`: Int?
    let score: Float
    /// Whether it is explained, or one of those that are.
    let explained: Bool
    /// In pixels of the picture: x, y, width, height.
    let box: [Double]
    /// The corners in turn, x and y, of a box that is turned.
    let corners: [[Double]]?

    init(_ box: DetectedBox, of boxes: DetectedBoxes, in geometry: GradCAM.PreprocessingGeometry) {
      explained = boxes.explains(box)
      func rounded(_ number: Double) -> Double { (number * 100).rounded() / 100 }
      let edges = box.edges(in: geometry).map(rounded)
      (rank, `class`, score) = (box.rank, box.classIndex, box.score)
      label = box.label ?? box.classIndex.map { "class \($0)" } ?? "box"
      self.box = [edges[0], edges[1], rounded(edges[2] - edges[0]), rounded(edges[3] - edges[1])]
      corners = box.isTurned ? box.corners(in: geometry).map { [rounded($0.x), rounded($0.y)] } : nil
    }
  }

  /// How the picture became the network's input: resized whole, then cropped.
  struct Geometry: Encodable {
    let resized, crop: [Int]
  }

  struct Map: Encodable {
    /// The node; nil if the map is of the whole network.
    @Nullable var node: Int?
    /// The map before rectification.
    let map: NumberArray
    /// The part of the network's input that it covers, as shares: x, y, width, height; nil for all of it.
    let region: [Double]?
    /// Whether negative values count as 0 when it is drawn.
    let rectified: Bool
    /// Whether it shows nothing.
    let empty: Bool
    let warnings: [WarningReport]
  }

  struct Times: Encodable {
    /// That of the forward pass, 0 if it had run before; and that of the backward pass and the maps.
    let forward, maps: Double
  }

  /// The most probable classes, best first.
  let classes: [ScoredClass]
  let target: Target
  let method: String
  let geometry: Geometry
  /// A detector's boxes, best first; nil if none is explained, or their places are not known.
  let boxes: [Box]?
  /// The node with the feature map that the box explained is read from; nil if none is explained, or it is not known.
  let auto: Int?
  let maps: [Map]
  /// What holds for all maps.
  let warnings: [WarningReport]
  /// Nil in a file, which is the same whenever it is made.
  let milliseconds: Times?

  /// - Parameters:
  ///   - explanations: of one target by one method, at least one.
  ///   - classes: the most probable classes.
  ///   - assumed: what was assumed about the model and the picture.
  ///   - auto: the tensor with the feature map that the box explained is read from, if that is known.
  init(
    _ explanations: [Explanation], of model: Model, classes: [GradCAM.ScoredClass], assumed: [Warning],
    auto: String? = nil, times: Times? = nil
  ) {
    let first = explanations[0], geometry = first.geometry
    self.classes = classes.map {
      ScoredClass(index: $0.index, label: $0.label, logit: $0.logit, probability: $0.shownProbability)
    }
    target = Target(
      name: first.target.name, description: first.target.description, score: first.score, class: first.scored?.index)
    method = first.method
    self.geometry = Geometry(
      resized: [geometry.resized.width, geometry.resized.height],
      crop: [geometry.crop.x, geometry.crop.y, geometry.crop.size.width, geometry.crop.size.height])
    boxes = first.target.boxes.flatMap { boxes in
      boxes.boxes.isEmpty ? nil : boxes.boxes.map { Box($0, of: boxes, in: geometry) }
    }
    let nodes = model.nodesByTensor
    self.auto = auto.flatMap { nodes[$0] }
    maps = explanations.map { explanation in
      let map = explanation.map, region = map.region
      return Map(
        node: explanation.tensors.count == 1 ? nodes[explanation.tensors[0]] : nil,
        map: NumberArray(map.values, shape: map.size.extents),
        region: region == .whole ? nil : [region.x, region.y, region.width, region.height],
        rectified: explanation.isRectified, empty: explanation.isEmpty,
        warnings: explanation.warnings.filter(\.code.isAboutMap).map(WarningReport.init))
    }
    warnings = (assumed + first.warnings.filter { !$0.code.isAboutMap }).map(WarningReport.init).withoutRepeats
    milliseconds = times
  }
}

/// Single channels of a node: the answer of `:channels`.
struct ChannelsDocument: Encodable {
  struct Channel: Encodable {
    let index: Int
    /// The sum of its activations times its mean gradient: what it adds to the sum of Grad-CAM's map.
    let weight: Float
    let activation, gradient: NumberArray
  }

  @Nullable var node: Int?
  /// The number of channels of the node.
  let total: Int
  /// Those that count most first.
  let channels: [Channel]

  init(_ tap: Tap, node: Int?, count: Int) {
    self.node = node
    total = tap.channels
    let gradients = tap.meanGradient
    let weights = (0..<tap.channels).map { channel in
      gradients[channel] * tap.activation[channel * tap.plane..<(channel + 1) * tap.plane].reduce(0, +)
    }
    // What is not a number counts least.
    let sizes = weights.map { $0.isFinite ? abs($0) : -1 }
    channels = weights.indices.sorted { (sizes[$1], $0) < (sizes[$0], $1) }.prefix(count).map { channel in
      let plane = channel * tap.plane..<(channel + 1) * tap.plane, shape = tap.size.extents
      return Channel(
        index: channel, weight: weights[channel], activation: NumberArray(Array(tap.activation[plane]), shape: shape),
        gradient: NumberArray(Array(tap.gradient[plane]), shape: shape))
    }
  }
}

extension Model {
  /// The nodes by the names of their first outputs.
  var nodesByTensor: [String: Int] {
    Dictionary(
      graph.nodes.enumerated().compactMap { index, node in
        node.outputs.first.flatMap { $0 }.map { (graph.values[$0].name, index) }
      }, uniquingKeysWith: { first, _ in first })
  }
}
