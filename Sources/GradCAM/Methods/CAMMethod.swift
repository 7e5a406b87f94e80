import Graph

/// One way to make a map from a tap.
public protocol CAMMethod: Sendable {
  /// The map before rectification, at the feature map's own size.
  ///
  /// - Parameter probe: what else can be asked about the network at this tap.
  func map(of tap: Tap, probe: Probe) throws -> HeatMap

  /// The method as a library has it whose formula differs.
  func following(_ source: Compatibility) -> any CAMMethod

  /// About how often the network, or what of it lies behind the tap, runs for a map.
  func passCount(at tap: Tap) -> Int
}

extension CAMMethod {
  /// The method itself.
  public func following(_ source: Compatibility) -> any CAMMethod { self }

  /// One, for what is at the tap already.
  public func passCount(at tap: Tap) -> Int { 1 }
}

/// A method whose map is a weighted sum over channels.
public protocol WeightingMethod: CAMMethod {
  /// What is summed.
  func weighting(of tap: Tap, probe: Probe) throws -> Weighting
}

extension WeightingMethod {
  /// The sum.
  public func map(of tap: Tap, probe: Probe) throws -> HeatMap { try weighting(of: tap, probe: probe).sum() }
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

/// A weighted sum over channels whose weights are the tap's.
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

/// The table of methods.
public enum CAMMethods {
  /// Every method by the name that `--method` takes, in the order of help texts.
  public static let all: [(name: String, method: any CAMMethod)] = [
    ("gradcam", MeanGradientWeighting()),
    ("hirescam", HiResCAM()),
    ("gradcam-elementwise", ElementwiseGradCAM()),
    ("gradcam++", GradCAMPlusPlus()),
    ("xgradcam", XGradCAM()),
    ("layercam", LayerCAM()),
    ("eigencam", EigenCAM()),
    ("eigengradcam", EigenGradCAM()),
    ("segeigencam", SegEigenCAM()),
    ("kpca-cam", KernelPCACAM()),
    ("fem", FeatureExplanation()),
    ("scorecam", ScoreCAM()),
    ("sscam", SmoothedScoreCAM()),
    ("iscam", IntegratedScoreCAM()),
    ("ablationcam", AblationCAM()),
    ("recipro-cam", ReciproCAM()),
    ("shapleycam", ShapleyCAM()),
    ("finercam", FinerCAM()),
    ("smoothgradcam++", SmoothGradCAMPlusPlus()),
    ("random", RandomWeighting()),
  ]

  /// The method of a name, as a library has it.
  ///
  /// Throws `usage` listing the names.
  public static func named(
    _ name: String, following source: Compatibility = .pytorchGradCAM
  ) throws -> any CAMMethod {
    guard let entry = all.first(where: { $0.name == name }) else {
      throw GradCAMError(
        .usage, at: "--method \(name)", problem: "is not a method",
        advice: "known are \(all.map(\.name).joined(separator: ", "))")
    }
    return entry.method.following(source)
  }
}
