/// The user's settings for methods.
public struct MethodSettings: Sendable {
  /// How many concepts `dff` looks for, at least 1.
  public var conceptCount = 5
  /// What attributions compare the image with.
  public var baseline = Baseline.zero
  /// The number of pictures between the baseline and the image for `integrated-gradients`, of random ones for other
  /// gradients of changed pictures; at least 1.
  public var steps = 50
  /// The extents of `occlusion`'s window; nil for about a seventh of the input's.
  public var window: PixelSize?
  /// How far `occlusion`'s window moves along each axis; nil for half of its extents.
  public var stride: PixelSize?
  /// The number of `rise`'s masks, at least 1.
  public var maskCount = 1000
  /// Whether maps keep what speaks against the target: they are drawn around 0.
  public var isSigned = false

  /// The largest numbers that front ends accept.
  public static let largestConceptCount = 64, largestStepCount = 10_000, largestMaskCount = 1_000_000

  /// The default settings.
  public init() {}
}
