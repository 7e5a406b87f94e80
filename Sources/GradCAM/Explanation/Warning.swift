/// Something that the user should know about an explanation that was made all the same.
public struct Warning: Sendable, Equatable {
  /// A stable name for scripts, as `map-all-zero`.
  public let code: String
  /// What it means and what to try.
  public let text: String

  /// Creates a warning.
  public init(code: String, text: String) {
    self.code = code
    self.text = text
  }
}

extension Warning {
  static let singlePosition = Warning(
    code: "no-spatial-extent",
    text: "the node's feature map is 1×1, so that its heat map is one number; choose a node nearer to the image")
  static let notFinite = Warning(
    code: "not-finite",
    text: "the map holds numbers that are NaN or infinite; check the image's preprocessing and the model's weights")
  static let zeroGradient = Warning(
    code: "gradient-zero",
    text: "the gradient at the node is zero everywhere, so that the map is empty: nothing there changes this score; "
      + "with --score probability a saturated Softmax does this, try --score logit; else try another node or class")
  static let onlyExtraTokens = Warning(
    code: "gradient-zero",
    text: "the gradient at the node is zero for every token of the grid: only the class token counts behind the last "
      + "attention; choose a node before it, as auto does")
  static let zeroMap = Warning(
    code: "map-all-zero",
    text: "the map is zero everywhere: the node is not active where its gradient is not zero; "
      + "try another node or class")
  static let negativeMap = Warning(
    code: "map-all-negative",
    text: "the map is negative everywhere, so that nothing is left after rectification: what the node shows speaks "
      + "against this class; try the top class or another node")

  /// What is wrong with a map, nil for one that has something to show.
  ///
  /// - Parameter extraTokens: the number of tokens at the node that the map leaves out.
  static func about(_ map: HeatMap, from tap: Tap, extraTokens: Int = 0) -> Warning? {
    if map.values.contains(where: { !$0.isFinite }) { return notFinite }
    if tap.gradient.allSatisfy({ $0 == 0 }) { return extraTokens > 0 ? onlyExtraTokens : zeroGradient }
    if map.values.allSatisfy({ $0 == 0 }) { return zeroMap }
    if map.values.allSatisfy({ $0 <= 0 }) { return negativeMap }
    if map.width * map.height == 1 { return singlePosition }
    return nil
  }
}
