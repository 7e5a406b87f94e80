import GradCAM
import Graph

/// What `explain` reports about one picture that it made.
struct ExplanationReport: Encodable {
  struct Concept: Encodable {
    let number: Int
    /// The class that it resembles most.
    @Nullable var top: TopClass?
  }

  /// How far the attributions add up.
  struct Sum: Encodable {
    let sum, difference: Double
    /// The part of the difference that is missing, or too much.
    @Nullable var error: Double?
  }

  /// The box explained: its index in the output and its four numbers there.
  struct Detection: Encodable {
    let box: Int
    @Nullable var `class`: Int?
    @Nullable var label: String?
    let coordinates: [Float]
  }

  /// A box in the picture.
  struct Box: Encodable {
    /// The number of better boxes.
    let rank: Int
    @Nullable var `class`: Int?
    @Nullable var label: String?
    let score: Float
    /// Left, top, right and bottom, in pixels of the picture.
    let box: [Double]
    /// The corners in turn, x and y, of a box that is turned.
    @Nullable var corners: [[Double]]?
    /// Whether it is explained.
    let explained: Bool

    init(_ box: DetectedBox, isExplained: Bool, in geometry: PreprocessingGeometry) {
      func rounded(_ number: Double) -> Double { (number * 100).rounded() / 100 }
      (rank, `class`, label, score) = (box.rank, box.classIndex, box.label, box.score)
      self.box = box.edges(in: geometry).map(rounded)
      corners = box.isTurned ? box.corners(in: geometry).map { [rounded($0.x), rounded($0.y)] } : nil
      explained = isExplained
    }
  }

  /// A part of the picture, in pixels.
  struct Part: Encodable { let x, y, width, height: Int }

  let image, model, node, tensor, target, method: String
  /// The extents of the map at the node.
  let shape: [Int]
  /// The file of the map's own picture, else of one that shows it with others.
  let output: String
  /// Whether that replaced an earlier file.
  let replaced: Bool
  @Nullable var fuse: String?
  let smooth: [String]
  @Nullable var grid: String?
  @Nullable var `class`: Int?
  @Nullable var label: String?
  let logit: Float
  @Nullable var probability: Float?
  @Nullable var concept: Concept?
  /// The sum of the map, and the difference of scores that it should be; nil unless the method says so.
  @Nullable var completeness: Sum?
  @Nullable var detection: Detection?
  /// Left, top, right and bottom of the box explained, in pixels of the picture; nil if it is not one, or its place is
  /// not known.
  @Nullable var box: [Double]?
  /// All boxes that are drawn; nil if none is explained, or their places are not known.
  @Nullable var boxes: [Box]?
  /// What was done to the picture; nil for a tensor.
  @Nullable var preprocessing: String?
  /// The part of the picture that the network sees; nil if it sees all of it.
  @Nullable var seen: Part?
  /// The share of the picture that it is.
  private var seenShare = 1.0
  /// The size of the network's input.
  private let inputSize: PixelSize
  let top: [TopClass]
  let warnings: [WarningReport]
  /// How it came about; nil if nobody asks.
  @Nullable var provenance: Provenance?

  private enum CodingKeys: CodingKey {
    case image, model, node, tensor, target, method, shape, output, replaced, fuse, smooth, grid, `class`, label
    case logit, probability, concept, completeness, detection, box, boxes, preprocessing, seen, top, warnings,
      provenance
  }

  init(
    image: String, model: String, _ explanation: Explanation, output: WrittenFile?, grid: WrittenFile?, sheet: String?,
    top: [ScoredClass], preprocessing: String?, warnings: [Warning], provenance: Provenance?
  ) {
    self.image = image
    self.model = model
    node = explanation.node
    tensor = explanation.tensor
    target = explanation.target.description
    method = explanation.method
    shape = explanation.map.size.extents
    fuse = explanation.fusion?.rawValue
    smooth = explanation.smoothing.map(\.rawValue)
    self.output = output?.path ?? sheet ?? ""
    replaced = output?.isReplaced ?? false
    self.grid = grid?.path
    self.preprocessing = preprocessing
    `class` = explanation.scored?.index
    label = explanation.scored?.label
    logit = explanation.scored?.logit ?? explanation.score
    probability = explanation.scored?.shownProbability
    concept = explanation.concept.map { Concept(number: $0.number, top: $0.scored.map { TopClass($0) }) }
    completeness = explanation.completeness.map { Sum(sum: $0.sum, difference: $0.difference, error: $0.error) }
    self.top = top.map { TopClass($0) }
    detection = explanation.detection.map {
      Detection(box: $0.box, class: $0.classIndex, label: $0.label, coordinates: $0.coordinates)
    }
    let shown = explanation.target.boxes.flatMap { found -> [Box]? in
      found.boxes.isEmpty
        ? nil : found.boxes.map { Box($0, isExplained: found.explains($0), in: explanation.geometry) }
    }
    let explained = (shown ?? []).filter(\.explained)
    (boxes, box) = (shown, explained.count == 1 ? explained[0].box : nil)
    seen = explanation.seen.map { Part(x: $0.x, y: $0.y, width: $0.size.width, height: $0.size.height) }
    seenShare = explanation.seenShare
    inputSize = explanation.inputSize
    self.warnings = warnings.map(WarningReport.init)
    self.provenance = provenance
  }

  /// What it is of.
  var result: Provenance.Result {
    Provenance.Result(
      image: image, model: model, node: node, tensor: tensor, target: target, class: `class`, label: label,
      method: ([method] + (fuse.map { [$0] } ?? []) + smooth).joined(separator: "."), preprocessing: preprocessing,
      output: output)
  }

  /// Prints what was found in one image and where its pictures went, and shows those that are to be shown.
  ///
  /// - Parameter input: what was done to the picture, if that is to be said.
  static func describe(_ pictures: [ReportedPicture], top: [ScoredClass], input: String?) throws {
    guard let first = pictures.first?.report else { return }
    try Console.print(first.image)
    for scored in top.prefix(5) {
      let value = scored.shownProbability.map(Self.aligned) ?? significant(Double(scored.logit))
      try Console.print("  \(value)  \(scored.label ?? "class \(scored.index)")")
    }
    if let input { try Console.print("  input: \(input)") }
    if first.seen != nil, first.seenShare < 0.995 {
      try Console.print(
        "  the network sees the middle \(decimal(first.seenShare * 100, 0))% of the picture, inside the frame; "
          + "--resize \(first.inputSize) shows all of it, squashed")
    }
    for picture in pictures {
      if let shown = picture.shown { try PictureWriting.write(shown) }
      try Console.print("  " + picture.line)
      if picture.methods == nil, let sum = picture.report.completeness {
        let error = sum.error.map { " (\(percent($0)) off)" } ?? ""
        try Console.print(
          "    the map's sum is \(significant(sum.sum)) of the score's \(significant(sum.difference)) above the baseline's"
            + error)
      }
    }
  }

  /// What a picture shows: the target, the node and the method.
  ///
  /// - Parameters:
  ///   - methods: how many methods it shows; nil for the one map.
  ///   - isCaption: whether it stands below the picture, and names the image too.
  fileprivate func caption(methods: Int?, isCaption: Bool) -> String {
    let method =
      switch methods {
      case nil: method + conceptName
      case 1: method
      case let count?: "\(count) methods"
      }
    var name = isCaption ? "\(fileName(image)): " : ""
    name += label ?? `class`.map { "class \($0)" } ?? target
    if isCaption, let probability { name += " \(percent(probability))" }
    if let box {
      name += " (\(box.map { decimal($0, 0) }.joined(separator: ", ")))"
    } else if let detection, !detection.coordinates.isEmpty {
      name += " (\(detection.coordinates.map { decimal(Double($0), 2) }.joined(separator: ", ")))"
    }
    if `class` == nil { name += " = \(significant(Double(logit)))" }
    let how = ((fuse.map { [$0] } ?? []) + smooth).joined(separator: ", ")
    return "\(name) at \(place(node: node, tensor: tensor)) by \(method)\(how.isEmpty ? "" : " (\(how))")"
  }

  /// For example `, concept 2 (moon)`; empty for a map that shows no concept.
  private var conceptName: String {
    guard let concept else { return "" }
    let name = concept.top.map { " (\($0.label ?? "class \($0.class)"))" } ?? ""
    return ", concept \(concept.number)\(name)"
  }

  private static func aligned(_ probability: Float) -> String {
    let text = percent(probability)
    return String(repeating: " ", count: max(0, 6 - text.count)) + text
  }
}

/// A picture that `explain` made, of one map or of many methods.
struct ReportedPicture {
  /// What is reported about its map, or about the first one.
  let report: ExplanationReport
  /// How many methods it shows; nil if it is the picture of one map.
  var methods: Int?
  /// The file that it is in, for reading; nil if it is not written.
  let file: String?
  /// What shows it in the terminal, if that is asked for.
  let shown: [UInt8]?

  /// What it shows, and its file.
  fileprivate var line: String {
    report.caption(methods: methods, isCaption: shown != nil) + (file.map { " → \($0)" } ?? "")
  }
}

/// A node as the user gave it, with its tensor if it was given by count or index instead of by name.
func place(node: String, tensor: String) -> String {
  node.contains(":") || node.hasPrefix("#") ? "\(node) (\(tensor))" : node
}
