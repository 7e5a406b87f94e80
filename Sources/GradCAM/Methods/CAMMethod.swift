import Graph

/// One way to make a map from a tap.
public protocol CAMMethod: Sendable {
  /// The map before rectification, at the feature map's own size.
  ///
  /// - Parameter probe: what else can be asked about the network at this tap.
  func map(of tap: Tap, probe: Probe) throws -> HeatMap
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

  /// The method of a name.
  ///
  /// Throws `usage` listing the names.
  public static func named(_ name: String) throws -> any CAMMethod {
    guard let entry = all.first(where: { $0.name == name }) else {
      throw GradCAMError(
        .usage, at: "--method \(name)", problem: "is not a method",
        advice: "known are \(all.map(\.name).joined(separator: ", "))")
    }
    return entry.method
  }
}
