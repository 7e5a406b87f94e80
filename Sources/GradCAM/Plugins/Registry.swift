import Graph

/// All operators, CAM methods and target functions, built in or provided by plugins, in one table.
public struct Registry: Sendable {
  /// Where everything comes from, the program itself first.
  public let plugins: [Plugin]
  /// The operators.
  public internal(set) var operators: OperatorSet
  /// The CAM methods, in the order of lists.
  public let methods: [Plugin.NamedCAMMethod]
  /// The target functions, in the order of lists.
  public let targets: [Plugin.NamedTargetFunction]

  /// The built-in registry.
  public static let standard = Registry()

  private init() {
    let builtIn = Plugin.builtIn
    plugins = [builtIn]
    (operators, methods, targets) = (builtIn.operators, builtIn.methods, builtIn.targets)
  }

  /// The built-in registry, extended by plugins.
  ///
  /// - Parameter preferred: names or paths of plugins, `gradcam` for the program itself: if several provide the same
  ///   name, the first of these wins.
  ///
  /// Throws `usage` naming both if two provide the same name and neither is preferred, or if a preferred one is not
  /// loaded.
  public init(adding added: [Plugin], preferring preferred: [String] = []) throws {
    let plugins = [.builtIn] + added
    for name in preferred where !plugins.contains(where: { $0.isCalled(name) }) {
      throw GradCAMError(
        .usage, at: "\(.prefer, name)", problem: "no such plugin is loaded",
        advice: "choose from \(plugins.map(\.name).joined(separator: ", "))")
    }
    let claims = Claims(plugins: plugins, preferred: preferred)
    let operators = try claims.owners("operator") { $0.operators.names }
    let methods = try claims.owners("CAM method") { $0.methods.map(\.name) }
    let targets = try claims.owners("target") { $0.targets.map(\.name) }
    self.plugins = plugins
    self.operators = plugins.enumerated().map { index, plugin in
      plugin.operators.keeping { operators[$0] == index }
    }.reduce(OperatorSet([])) { $0.joined(with: $1) }
    self.methods = plugins.enumerated().flatMap { index, plugin in plugin.methods.filter { methods[$0.name] == index } }
    self.targets = plugins.enumerated().flatMap { index, plugin in plugin.targets.filter { targets[$0.name] == index } }
  }

  /// The built-in registry, extended by the plugins in some libraries; two paths may lead to one.
  ///
  /// - Parameter log: receives the lines that plugins log, from any thread.
  ///
  /// Throws what loading them and the other initialiser throw.
  public init(
    contentsOf paths: [String], preferring preferred: [String] = [], log: @escaping @Sendable (String) -> Void
  ) throws {
    var seen: Set<String> = []
    let plugins = try paths.map { try Plugin(contentsOf: $0, log: log) }
      .filter { seen.insert($0.path ?? $0.name).inserted }
    self = plugins.isEmpty && preferred.isEmpty ? .standard : try Registry(adding: plugins, preferring: preferred)
  }

  /// The CAM method with the given name, in the form of a library, as the user's settings say.
  ///
  /// Throws `usage` listing the names if there is none.
  public func method(
    named name: String, following source: Compatibility = .pytorchGradCAM, settings: MethodSettings = MethodSettings()
  ) throws -> any CAMMethod {
    guard let entry = methods.first(where: { $0.name == name }) else {
      throw GradCAMError(
        .usage, at: "\(.method, name)", problem: "is not a method",
        advice: "choose from \(methods.map(\.name).joined(separator: ", "))")
    }
    return entry.method.following(source).configured(by: settings)
  }
}

/// Decides which of several plugins provides a name.
private struct Claims {
  let plugins: [Plugin]
  let preferred: [String]

  /// The plugin that provides each name.
  func owners<Name: Hashable>(_ kind: String, _ names: (Plugin) -> [Name]) throws -> [Name: Int] {
    var claimants: [Name: [Int]] = [:]
    for (index, plugin) in plugins.enumerated() {
      for name in names(plugin) { claimants[name, default: []].append(index) }
    }
    return try Dictionary(
      uniqueKeysWithValues: claimants.map { name, claimants in (name, try owner(of: "\(kind) \(name)", claimants)) })
  }

  private func owner(of what: String, _ claimants: [Int]) throws -> Int {
    if claimants.count == 1 { return claimants[0] }
    for name in preferred {
      let called = claimants.filter { plugins[$0].isCalled(name) }
      if called.count == 1 { return called[0] }
    }
    let (first, second) = (plugins[claimants[0]], plugins[claimants[1]])
    guard claimants[0] != claimants[1] else {
      throw GradCAMError(.badData, at: first.description, problem: "provides \(what) twice")
    }
    let names = first.name == second.name ? [first.path, second.path].compactMap { $0 } : [first.name, second.name]
    let preferences = names.dropFirst().reduce("\(.prefer, names[0])" as Message) { "\($0) or \(.prefer, $1)" }
    throw GradCAMError(
      .usage, at: "\(what)", problem: "is provided by \(first.description) and by \(second.description)",
      advice: "load one of them, or choose with \(preferences)")
  }
}
