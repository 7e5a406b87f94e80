import Graph
import Ops

/// What a library, or this program itself, provides: operators, CAM methods and targets by their names.
public struct Plugin: Sendable {
  /// A CAM method by its name.
  public typealias NamedCAMMethod = (name: String, method: any CAMMethod)
  /// A target function by its name, made with what the user wrote after the elements, which may be empty.
  public typealias NamedTargetFunction = (
    name: String, make: @Sendable (_ argument: String) throws -> any TargetFunction
  )

  /// A short name.
  public let name: String
  /// Its version.
  public let version: String
  /// What it is, in one line.
  public let summary: String
  /// The file that it was loaded from; nil for the program itself.
  public let path: String?
  /// The operators.
  public let operators: OperatorSet
  /// The CAM methods, in the order of lists.
  public let methods: [NamedCAMMethod]
  /// The target functions, in the order of lists.
  public let targets: [NamedTargetFunction]

  /// Collects what a plugin provides.
  public init(
    name: String, version: String, summary: String, path: String? = nil, operators: OperatorSet = OperatorSet([]),
    methods: [NamedCAMMethod] = [], targets: [NamedTargetFunction] = []
  ) {
    (self.name, self.version, self.summary, self.path) = (name, version, summary, path)
    (self.operators, self.methods, self.targets) = (operators, methods, targets)
  }

  /// Everything that is built in.
  public static let builtIn = Plugin(
    name: "gradcam", version: programVersion, summary: "ONNX's operators and the published CAM methods",
    operators: .standard, methods: CAMMethods.all, targets: TargetFunctions.all)

  /// Such as `plugin 'softclip' (/home/me/libsoftclip.so)`.
  var description: String { path.map { "plugin '\(name)' (\($0))" } ?? "the program itself ('\(name)')" }

  /// Whether the user means this plugin.
  func isCalled(_ text: String) -> Bool { text == name || text == path }
}
