import Graph

/// What one map of a method shows.
public enum MapScope: Sendable {
  /// One node: there are as many maps as nodes.
  case node
  /// All requested nodes together.
  case nodes
  /// The network from its input to its score, whatever nodes are requested.
  case network
}

/// The map of one of the concepts that a method finds.
public struct ConceptMap: Sendable {
  /// The map before rectification, at the feature map's own size.
  public let map: HeatMap
  /// The raw scores of the concept, if class scores are explained.
  public let logits: [Float]?
}

/// One way to make a map from a tap.
public protocol CAMMethod: Sendable {
  /// What it does, in a few words; empty if it does not say.
  var summary: String { get }

  /// What one map shows.
  var scope: MapScope { get }

  /// Whether negative values of the map are set to 0, if the library followed does so.
  var isRectified: Bool { get }

  /// Whether the map is of single pixels, of which few stand far out: the largest, which together make up 2% of the sum,
  /// are drawn alike.
  var isFineGrained: Bool { get }

  /// The map before rectification, at the feature map's own size.
  ///
  /// - Parameter probe: what else can be asked about the network at this tap.
  func map(of tap: Tap, probe: Probe) throws -> HeatMap

  /// The method with the formula of a library, if that differs.
  func following(_ source: Compatibility) -> any CAMMethod

  /// The method as the user's settings say.
  func configured(by settings: MethodSettings) -> any CAMMethod

  /// About how often the network, or the part downstream of the tap, runs for a map; 0 if the tap is all that it needs.
  func passCount(at tap: Tap) -> Int
}

extension CAMMethod {
  /// Empty.
  public var summary: String { "" }

  /// One node.
  public var scope: MapScope { .node }

  /// They are set to 0.
  public var isRectified: Bool { true }

  /// It is not.
  public var isFineGrained: Bool { false }

  /// The method itself.
  public func following(_ source: Compatibility) -> any CAMMethod { self }

  /// The method itself.
  public func configured(by settings: MethodSettings) -> any CAMMethod { self }

  /// None: the tap is already known.
  public func passCount(at tap: Tap) -> Int { 0 }

  /// Whether a map takes runs of the network besides the one that every explanation needs.
  var takesRuns: Bool {
    passCount(at: Tap(channels: 1, height: 1, width: 1, activation: [0], gradient: [0])) > 0
  }
}

/// A method whose map is a weighted sum over channels.
public protocol WeightingMethod: CAMMethod {
  /// The activations and their weights.
  func weighting(of tap: Tap, probe: Probe) throws -> Weighting
}

extension WeightingMethod {
  /// The sum.
  public func map(of tap: Tap, probe: Probe) throws -> HeatMap { try weighting(of: tap, probe: probe).sum() }
}

/// A method that finds several concepts in a node, each with a map of its own.
public protocol ConceptMethod: CAMMethod {
  /// How many concepts it looks for.
  var conceptCount: Int { get }

  /// As many concepts, the maps before rectification.
  func concepts(of tap: Tap, probe: Probe) throws -> [ConceptMap]
}

extension ConceptMethod {
  /// The map of the first concept.
  public func map(of tap: Tap, probe: Probe) throws -> HeatMap { try concepts(of: tap, probe: probe)[0].map }
}

/// A method that needs nothing but the tap.
public protocol TapMethod: CAMMethod {
  /// The map before rectification, at the feature map's own size.
  func map(of tap: Tap) throws -> HeatMap
}

extension TapMethod {
  /// The map of the tap alone.
  public func map(of tap: Tap, probe: Probe) throws -> HeatMap { try map(of: tap) }
}

/// A weighted sum over channels whose weights depend on the tap alone.
public protocol TapWeightingMethod: TapMethod, WeightingMethod {
  /// One weight for each channel, or one for each activation.
  func weights(of tap: Tap) -> [Float]
}

extension TapWeightingMethod {
  /// The activations and their weights.
  public func weighting(of tap: Tap, probe: Probe) -> Weighting { Weighting(tap, weights: weights(of: tap)) }

  /// The sum.
  public func map(of tap: Tap) -> HeatMap { tap.weightedSum(weights(of: tap)) }

  /// The sum.
  public func map(of tap: Tap, probe: Probe) -> HeatMap { tap.weightedSum(weights(of: tap)) }
}

/// The table of built-in methods.
public enum CAMMethods {
  /// Every method by its name, in the order of lists.
  public static let all: [Plugin.NamedCAMMethod] = [
    ("gradcam", GradCAMMethod()),
    ("cam", ClassActivationMapping()),
    ("hirescam", HiResCAM()),
    ("gradcam-elementwise", ElementwiseGradCAM()),
    ("gradcam++", GradCAMPlusPlus()),
    ("xgradcam", XGradCAM()),
    ("layercam", LayerCAM()),
    ("odam", ODAM()),
    ("eigencam", EigenCAM()),
    ("eigengradcam", EigenGradCAM()),
    ("segeigencam", SegEigenCAM()),
    ("kpca-cam", KernelPCACAM()),
    ("fem", FEM()),
    ("lafam", LaFAM()),
    ("scorecam", ScoreCAM()),
    ("sscam", SmoothedScoreCAM()),
    ("iscam", IntegratedScoreCAM()),
    ("gscorecam", GScoreCAM()),
    ("ablationcam", AblationCAM()),
    ("recipro-cam", ReciproCAM()),
    ("shapleycam", ShapleyCAM()),
    ("finercam", FinerCAM()),
    ("smoothgradcam++", SmoothGradCAMPlusPlus()),
    ("dff", DeepFeatureFactorization()),
    ("refinecam", RefineCAM()),
    ("fullgrad", FullGrad()),
    ("guided-backprop", GuidedBackpropagation()),
    ("guided-gradcam", GuidedGradCAM()),
    ("lrp", LayerwiseRelevance.epsilonPlus),
    ("lrp-gamma-box", LayerwiseRelevance.epsilonGammaBox),
    ("lrp-alpha2-beta1", LayerwiseRelevance.epsilonAlpha2Beta1),
    ("deeplift", DeepLIFT()),
    ("legrad", LeGrad()),
    ("attention-rollout", AttentionRollout()),
    ("transformer-attribution", TransformerAttribution()),
    ("attnlrp", AttnLRP()),
    ("input-gradient", InputGradient()),
    ("gradient-x-input", GradientTimesInput()),
    ("integrated-gradients", IntegratedGradients()),
    ("expected-gradients", ExpectedGradients()),
    ("smoothgrad", SmoothGrad(.mean)),
    ("vargrad", SmoothGrad(.variance)),
    ("occlusion", Occlusion()),
    ("rise", RISE()),
    ("d-rise", DRISE()),
    ("random", RandomWeighting()),
  ]
}
