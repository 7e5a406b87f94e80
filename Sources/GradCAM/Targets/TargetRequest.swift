import Graph

/// What a user wants explained of each image; where nothing is said, the most probable class.
public struct TargetRequest: Sendable {
  /// Classes by number or label.
  public var classes: [String] = []
  /// How many of the most probable classes, where nothing else is asked for; nil means one.
  public var top: Int?
  /// What of a class is differentiated.
  public var score = ScoreKind.logit
  /// With classes of a segmentation: the path of a picture whose white part counts.
  public var mask: String?
  /// Two classes, as `A,B`: what speaks for the one rather than for the other.
  public var contrast: String?
  /// Elements of a value, as `ElementSelection` reads them.
  public var elements: String?
  /// The rank of a detector's box by its score, from 0.
  public var detection: Int?
  /// The path of an array, or of a picture, that an output is to be similar to.
  public var embedding: String?
  /// Whether what speaks against it is asked for.
  public var isCounterfactual = false

  /// A request that says nothing.
  public init() {}

  /// The files that are read.
  public var paths: [String] { [mask, embedding].compactMap { $0 } }

  /// What is given that says what is explained instead of a class.
  private var kinds: [Setting] {
    let kinds: [(Setting, isGiven: Bool)] = [
      (.contrast, contrast != nil), (.target, elements != nil), (.detection, detection != nil),
      (.embedding, embedding != nil),
    ]
    return kinds.filter(\.isGiven).map(\.0)
  }

  /// The first setting given that says what is explained; nil where it is the most probable classes.
  var chosen: Setting? { kinds.first ?? (classes.isEmpty ? nil : .class) }

  /// What is wrong with the request, whatever the model, without a final full stop; nil where nothing is.
  public var contradiction: Message? {
    func both(_ first: Setting, _ second: Setting) -> Message { "give \(first) or \(second), not both" }
    if kinds.count > 1 { return both(kinds[0], kinds[1]) }
    if let kind = kinds.first {
      if !classes.isEmpty, kind != .detection { return both(.class, kind) }
      if mask != nil { return both(.mask, kind) }
      if score == .probability, kind != .contrast {
        return "\(.score, score.rawValue) is of classes; leave it out with \(kind)"
      }
    }
    if mask != nil, classes.isEmpty { return "\(.mask) needs \(.class)" }
    if let detection, detection < 0 { return "\(.detection) is at least 0" }
    if let top, top < 1 { return "\(.top) is at least 1" }
    if top != nil, let chosen { return both(chosen, .top) }
    return nil
  }
}
