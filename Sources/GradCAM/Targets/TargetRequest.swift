import Graph

/// What a user wants explained of each image; by default the most probable class.
public struct TargetRequest: Sendable {
  /// Classes by number or label.
  public var classes: [String] = []
  /// How many of the most probable classes, if nothing else is requested; nil means one.
  public var top: Int?
  /// Whether scores or probabilities of classes are differentiated.
  public var score = ScoreKind.logit
  /// With classes of a segmentation: the path of a picture whose white part counts.
  public var mask: String?
  /// Two classes, as `A,B`: what speaks for the one rather than the other.
  public var contrast: String?
  /// Elements of a value, as `ElementSelection` reads them; or a part of a detector's box: `mask:0`, `keypoint:0,nose`,
  /// `angle:0`.
  public var elements: String?
  /// The rank of a detector's box by its score, from 0.
  public var detection: Int?
  /// A class of a detector's boxes whose scores are summed, with the least score that counts, as in `dog:0.4`.
  public var boxesOf: String?
  /// The share of their common area that two boxes of a class may share, else the one with the lesser score does not
  /// count; nil means 0.45 if the network does not select boxes itself, else 1.
  public var overlap: Float?
  /// What the numbers of a detector's boxes mean, each as `OUTPUT=COLUMNS`, where the file does not tell.
  public var columns: [String] = []
  /// The path of an array, or of a picture, that an output is to be similar to.
  public var embedding: String?
  /// Pictures that are not files, by the names that stand for their paths.
  public var pictures: [String: Picture] = [:]
  /// Whether to explain what speaks against the target.
  public var isCounterfactual = false

  /// An empty request.
  public init() {}

  /// The files that are read.
  public var paths: [String] { [mask, embedding].compactMap { $0 }.filter { pictures[$0] == nil } }

  /// The picture of a path.
  ///
  /// Throws what reading throws.
  func picture(at path: String) throws -> Picture { try pictures[path] ?? Picture(contentsOf: path) }

  /// The given settings that choose a target other than plain classes.
  private var kinds: [Setting] {
    let kinds: [(Setting, isGiven: Bool)] = [
      (.contrast, contrast != nil), (.target, elements != nil), (.detection, detection != nil),
      (.boxesOf, boxesOf != nil), (.embedding, embedding != nil),
    ]
    return kinds.filter(\.isGiven).map(\.0)
  }

  /// The first given setting that chooses the target; nil for the most probable classes.
  var chosen: Setting? { kinds.first ?? (classes.isEmpty ? nil : .class) }

  /// The only image of a run that the target is about, as far as its indices say; nil if it may be about any.
  ///
  /// - Parameter count: the number of images of a run.
  ///
  /// Throws `usage` if the request contradicts itself, or for elements that the model does not have.
  public func image(of count: Int, in model: Model) throws -> Int? {
    if let contradiction { throw GradCAMError(.usage, problem: contradiction) }
    guard let elements, boxPart == nil else { return nil }
    return try model.located { try ElementSelection(elements, in: model) }.firstIndex(of: count)
  }

  /// Whether it is about a detector's boxes.
  public var isAboutBoxes: Bool { detection != nil || boxesOf != nil || boxPart != nil }

  /// The part of a box that is explained, if it is one.
  var boxPart: BoxPart? { elements.flatMap { BoxPart($0) } }

  /// The method that points best at what is explained.
  public var usualMethod: String { isAboutBoxes ? "odam" : "gradcam" }

  /// What is wrong with the request, whatever the model, without a final full stop; nil if nothing is.
  public var contradiction: Message? {
    func both(_ first: Setting, _ second: Setting) -> Message { "give \(first) or \(second), not both" }
    if kinds.count > 1 { return both(kinds[0], kinds[1]) }
    if let kind = kinds.first {
      if !classes.isEmpty, kind != .detection { return both(.class, kind) }
      if mask != nil { return both(.mask, kind) }
      if score == .probability, kind != .contrast {
        return "\(.score, score.rawValue) applies to classes; leave it out with \(kind)"
      }
    }
    if mask != nil, classes.isEmpty { return "\(.mask) needs \(.class)" }
    if !columns.isEmpty, !isAboutBoxes { return "\(.columns) needs \(.detection) or \(.boxesOf)" }
    if let overlap {
      if !isAboutBoxes { return "\(.iou) needs \(.detection) or \(.boxesOf)" }
      if !(0...1).contains(overlap) { return "\(.iou) must be 0 to 1" }
    }
    if let detection, detection < 0 { return "\(.detection) must be at least 0" }
    if let top, top < 1 { return "\(.top) must be at least 1" }
    if top != nil, let chosen { return both(chosen, .top) }
    return nil
  }
}
