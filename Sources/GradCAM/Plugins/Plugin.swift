import Graph
import Ops

/// What a library brings, or this program itself: operators, CAM methods and targets by their names.
public struct Plugin: Sendable {
  /// A CAM method by its name.
  public typealias NamedCAMMethod = (name: String, method: any CAMMethod)
  /// What a target function is made of: what the user wrote behind the elements, empty where nothing.
  public typealias NamedTargetFunction = (
    name: String, make: @Sendable (_ argument: String) throws -> any TargetFunction
  )

  /// A short name.
  public let name: String
  /// Its version.
  public let version: String
  /// What it is, in a line.
  public let summary: String
  /// The file that it was loaded from; nil for what is part of the program.
  public let path: String?
  /// The operators.
  public let operators: OperatorSet
  /// The CAM methods, in the order of lists.
  public let methods: [NamedCAMMethod]
  /// The target functions, in the order of lists.
  public let targets: [NamedTargetFunction]

  /// Collects what a plugin brings.
  public init(
    name: String, version: String, summary: String, path: String? = nil, operators: OperatorSet = OperatorSet([]),
    methods: [NamedCAMMethod] = [], targets: [NamedTargetFunction] = []
  ) {
    self.name = name
    self.version = version
    self.summary = summary
    self.path = path
    self.operators = operators
    self.methods = methods
    self.targets = targets
  }

  /// Everything that is part of this program.
  public static let builtIn = Plugin(
    name: "gradcam", version: programVersion, summary: "ONNX's operators, and what is published of CAM methods",
    operators: .standard, methods: CAMMethods.all, targets: TargetFunctions.all)

  /// As `plugin 'softclip' (/home/me/libsoftclip.so)`.
  var description: String { path.map { "plugin '\(name)' (\($0))" } ?? "the program itself ('\(name)')" }

  /// Whether the user means this plugin.
  func isCalled(_ text: String) -> Bool { text == name || text == path }
}
