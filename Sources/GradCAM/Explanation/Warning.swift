import Graph

/// Something that the user should know about an explanation.
public struct Warning: Sendable, Equatable {
  /// What it is about, by a stable name for scripts.
  public enum Code: String, Sendable {
    case axesAssumed = "axes-assumed"
    case backgroundLeftOut = "background-left-out"
    case boxesNotDrawn = "boxes-not-drawn"
    case boxesNotMerged = "boxes-not-merged"
    case channelsDrawn = "channels-drawn"
    case classImprobable = "class-improbable"
    case columnsAssumed = "columns-assumed"
    case extentsAssumed = "extents-assumed"
    case filesIgnored = "files-ignored"
    case filesRead = "files-read"
    case gradientZero = "gradient-zero"
    case imageRepeated = "image-repeated"
    case labelsAssumed = "labels-assumed"
    case labelsCount = "labels-count"
    case mapAllNegative = "map-all-negative"
    case mapAllZero = "map-all-zero"
    case mapConcentrated = "map-concentrated"
    case mapOnPadding = "map-on-padding"
    case methodSkipped = "method-skipped"
    case noSpatialExtent = "no-spatial-extent"
    case node
    case nodeIgnored = "node-ignored"
    case notFinite = "not-finite"
    case outputChosen = "output-chosen"
    case pictureBits = "picture-bits"
    case preparationDoubtful = "preparation-doubtful"
    case preprocessingAssumed = "preprocessing-assumed"
    case preprocessingInFile = "preprocessing-in-file"
    case probabilitySaturated = "probability-saturated"
    case scoresAssumed = "scores-assumed"

    /// Whether it only says what was done, and nothing about the result is doubtful.
    public var isNote: Bool {
      switch self {
      case .boxesNotDrawn, .channelsDrawn, .filesRead, .methodSkipped, .node, .preprocessingInFile: true
      default: false
      }
    }

    /// Whether it says that a map shows nothing.
    var meansEmptyMap: Bool {
      switch self {
      case .gradientZero, .mapAllNegative, .mapAllZero, .mapOnPadding: true
      default: false
      }
    }

    /// Whether it is about one map: a target at a node by a method.
    public var isAboutMap: Bool {
      switch self {
      case .gradientZero, .mapAllNegative, .mapAllZero, .mapConcentrated, .mapOnPadding, .noSpatialExtent, .notFinite:
        true
      default: false
      }
    }
  }

  /// What it is about.
  public let code: Code
  /// What it means and what to try.
  public let text: Message

  /// Creates a warning.
  public init(code: Code, text: Message) {
    self.code = code
    self.text = text
  }

  /// The same warning about one of several nodes.
  func about(node: String) -> Warning { Warning(code: code, text: "\(node): \(text)") }
}

extension [Warning] {
  /// Those that apply to a tensor as input, which is not preprocessed.
  public var aboutTensors: [Warning] {
    filter { ![.preprocessingAssumed, .preprocessingInFile, .imageRepeated, .extentsAssumed].contains($0.code) }
  }
}

extension Warning {
  static let singlePosition = Warning(
    code: .noSpatialExtent,
    text: "the node's feature map has one position, so its heat map is one number; choose a node nearer to the image")
  static let zeroGradient = Warning(
    code: .gradientZero,
    text: "the gradient at the node is zero everywhere, so the map is empty: nothing there changes this score; "
      + "try another node or class")
  static let onlyExtraTokens = Warning(
    code: .gradientZero,
    text: "the gradient at the node is zero for every token of the grid: only the class token counts after the last "
      + "attention; choose a node before it, as auto does")
  static let zeroMap = Warning(
    code: .mapAllZero,
    text: "the map is zero everywhere: nothing that the method weighs at this node speaks for or against this class; "
      + "try another node, class or method")
  static let negativeMap = Warning(
    code: .mapAllNegative,
    text: "the map is negative everywhere, so nothing is left after rectification: what the node shows speaks "
      + "against this class; try the top class or another node")

  static let onPadding = Warning(
    code: .mapOnPadding,
    text: "the map shows nothing on the picture: all of it lies on the padding around it; try another node, class or "
      + "method")

  /// About a map that stands out in a few places only; nil for any other, and for one of few positions.
  static func concentrated(_ map: HeatMap) -> Warning? {
    let count = map.values.count, largest = map.values.max()!
    let high = map.values.count { $0 > largest / 10 }
    guard count >= 400, largest > 0, 200 * high < count else { return nil }
    return Warning(
      code: .mapConcentrated,
      text:
        "almost all of the map lies in \(high) of its \(count) positions, so the picture looks empty; a node nearer "
        + "to the output or another method spreads it")
  }

  /// About a class that the network does not see in the image: not among its 50 most probable, and below 1‰.
  ///
  /// - Parameter classes: all classes with their scores.
  static func improbable(_ scored: ScoredClass, among classes: [ScoredClass]) -> Warning? {
    let before = classes.count { $0.probability > scored.probability }
    guard scored.hasMeaningfulProbability, before >= 50, scored.probability < 1e-3 else { return nil }
    let percent =
      scored.probability < 1e-5 ? "less than 0.001" : brief((Double(scored.probability) * 1e5).rounded() / 1e3)
    return Warning(
      code: .classImprobable,
      text: "the network does not see \(scored.label.map { "'\($0)'" } ?? "class \(scored.index)") here: it is number "
        + "\(before + 1) of \(classes.count) classes, with \(percent)%; the map shows what little speaks for it")
  }

  static func notFinite(_ what: String, _ source: NonFiniteSource) -> Warning {
    Warning(code: .notFinite, text: "\(what) NaN or infinite; \(source.message)")
  }

  static func notFinite(_ target: any Target) -> Warning {
    Warning(
      code: .notFinite,
      text:
        "\(target.description) is NaN or infinite, though the numbers it is computed from are finite; check the target")
  }

  static func saturated(_ target: ClassTarget, probability: Float) -> Warning {
    Warning(
      code: .probabilitySaturated,
      text: "the probability of \(target.name) is \(probability < 0.5 ? 0 : 1) within float32 rounding, so its "
        + "gradient is zero or rounding error; leave out \(.score, "probability") to explain the raw score")
  }

  /// About an output of which nothing says that it holds scores of classes.
  ///
  /// - Parameter count: the number of its elements for an image, or for a position.
  static func scoresAssumed(_ name: String, count: Int, isExplainedItself: Bool) -> Warning {
    let confirmation: Message = "give \(.labels, as: "FILE") or \(.outputName, as: name)"
    let nothing: Message = "nothing in the file says that"
    let text: Message =
      isExplainedItself
      ? "\(nothing) '\(name)' is a score, so the number itself is explained; \(confirmation) if it is that of a yes"
      : "\(nothing) the \(count) numbers of '\(name)' are scores of classes, but they are taken for them; "
        + "\(confirmation) to confirm it, or name a number with \(.target, as: "'\(name)[…]'")"
    return Warning(code: .scoresAssumed, text: text)
  }

  /// About a network that takes several images together, but is given one.
  static func imageRepeated(_ count: Int) -> Warning {
    Warning(
      code: .imageRepeated,
      text:
        "the network takes \(count) images together; a single one is given to it that often, and its map is that of "
        + "the first")
  }

  static func ignoredNode(by method: String) -> Warning {
    Warning(code: .nodeIgnored, text: "\(method) makes one map of the whole network, whatever \(.node) says")
  }

  /// What is wrong with a map.
  ///
  /// - Parameters:
  ///   - tap: what it was made from, if that is a node's.
  ///   - extraTokens: the number of tokens at the node that the map leaves out.
  ///   - isRectified: whether negative values are set to 0.
  ///   - scores: the numbers that the target is computed from.
  ///   - origin: finds the source of non-finite numbers.
  static func about(
    _ map: HeatMap, from tap: Tap?, extraTokens: Int, isRectified: Bool, scores: [Float],
    origin: () throws -> NonFiniteSource
  ) rethrows -> [Warning] {
    var found: [Warning] = []
    if map.values.contains(where: { !$0.isFinite }) {
      found.append(notFinite("the map holds numbers that are", try origin()))
    } else if scores.contains(where: { !$0.isFinite }) {
      found.append(notFinite("the map is finite, but the explained value is", try origin()))
    } else if map.values.allSatisfy({ $0 == 0 }) {
      let hasNoGradient = tap?.gradient.allSatisfy { $0 == 0 } ?? false
      found.append(!hasNoGradient ? zeroMap : extraTokens > 0 ? onlyExtraTokens : zeroGradient)
    } else if isRectified, map.values.allSatisfy({ $0 <= 0 }) {
      found.append(negativeMap)
    } else if let concentrated = concentrated(map) {
      found.append(concentrated)
    }
    if map.values.count == 1 { found.append(singlePosition) }
    return found
  }
}

/// What first held NaN or infinite numbers, on the way to a map.
enum NonFiniteSource {
  /// The network's input.
  case image
  /// A node of the network, as messages name it.
  case node(String, NonFiniteOrigin)
  /// The method, from finite numbers.
  case method
  /// Not looked for.
  case unknown

  /// Where they come from and what to try.
  var message: Message {
    switch self {
    case .image: "the network's input holds them already; check the tensor, or \(.mean), \(.std) and \(.range)"
    case .node(let node, let origin):
      if let constant = origin.constant {
        "they first appear at \(node), whose '\(constant)' holds them already; export the model again"
      } else if origin.isGradient {
        "they first appear in the gradient that \(node) passes back; choose a node nearer to the output"
      } else {
        "they first appear at \(node), whose inputs are finite; check the image's preprocessing, such as "
          + "\(.range), \(.mean) and \(.std), and the model's weights"
      }
    case .unknown: "explain this node alone to learn where they come from"
    case .method: "activation and gradient at the node are finite; choose another method or node"
    }
  }
}
