import CGradCAMPlugin
import Graph

extension Plugin {
  /// Loads a library that implements the interface of `gradcam_plugin.h`; it stays loaded as long as the process lives.
  ///
  /// - Parameter log: receives the lines that it logs, from any thread.
  ///
  /// Throws `unreadable` if there is no such file, `badData` if it is not a plugin or its tables are wrong, and
  /// `unsupported` if it was built for a newer version of the interface.
  public init(contentsOf path: String, log: @escaping @Sendable (String) -> Void) throws {
    self = try located(path) {
      // A name without a separator would be searched for in the system's folders.
      guard let resolved = realpath(path, nil) else {
        throw GradCAMError(.unreadable, problem: "cannot be opened (\(String(cString: strerror(errno))))")
      }
      defer { free(resolved) }
      // Opening a pipe that nobody writes to would wait forever.
      var status = stat()
      guard stat(resolved, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
        throw GradCAMError(
          .unreadable, problem: "is not a regular file", advice: "give a shared library, built for this machine")
      }
      guard let library = dlopen(resolved, RTLD_NOW | RTLD_LOCAL) else {
        let reason = dlerror().map { String(cString: $0) } ?? "no reason given"
        throw GradCAMError(
          .badData, problem: "is not a library that can be loaded (\(reason))",
          advice: "give a shared library, built for this machine")
      }
      guard let symbol = dlsym(library, "gradcam_plugin_entry") else {
        throw GradCAMError(
          .badData, problem: "has no function gradcam_plugin_entry, which every plugin exports",
          advice: "docs/writing-a-plugin.md shows one")
      }
      return try PluginReader(
        path: String(cString: resolved), log: log, entry: unsafeBitCast(symbol, to: PluginReader.Entry.self)
      ).read()
    }
  }
}

/// Reads a plugin's tables, which may have fewer members than this program's.
struct PluginReader {
  typealias Entry =
    @convention(c) (UnsafePointer<gradcam_host>?, Int64, OpaquePointer?) -> UnsafePointer<gradcam_plugin>?

  let path: String
  let log: @Sendable (String) -> Void
  let entry: Entry

  /// Throws `badData` or `unsupported` for what is wrong with them.
  func read() throws -> Plugin {
    let call = PluginCall(PluginSource(name: fileName(path), log: log))
    let pointer = call.lend { entry(PluginHost.table, PluginHost.version, $0) }
    try call.check()
    guard let pointer else { throw wrong("its entry function returns no table and gives no reason") }

    let version = try table(pointer, through: \gradcam_plugin.abi_version, "plugin").abi_version
    guard version <= PluginHost.version else {
      throw GradCAMError(
        .unsupported,
        problem: "was built for version \(version) of the plugin interface, but this program has version "
          + "\(PluginHost.version)",
        advice: "update gradcam, or build the plugin with this program's gradcam_plugin.h")
    }
    guard version >= 1 else { throw wrong("declares version \(version) of the plugin interface, which never existed") }
    let plugin = try table(pointer, through: \gradcam_plugin.targets, "plugin")
    let name = try text(plugin.name, "plugin's name"), source = PluginSource(name: name, log: log)
    let operators = try list(plugin.operators, plugin.operator_count, through: \.vjp_reads_outputs, "operator") {
      try self.entry(of: $0, source, provider: source.place)
    }
    for (index, entry) in operators.enumerated()
    where operators[..<index].contains(where: { $0.name == entry.name && $0.since == entry.since }) {
      throw wrong("provides operator \(entry.name) of version \(entry.since) twice")
    }
    return Plugin(
      name: name, version: try text(plugin.version, "plugin's version"),
      summary: plugin.description.map { String(cString: $0) } ?? "", path: path, operators: OperatorSet(operators),
      methods: try list(plugin.methods, plugin.method_count, through: \.keeps_negative, "method") {
        try method(of: $0, source)
      },
      targets: try list(plugin.targets, plugin.target_count, through: \.gradient, "target") {
        try target(of: $0, source)
      })
  }

  private func wrong(_ problem: String) -> GradCAMError {
    GradCAMError(.badData, problem: problem, advice: "correct the plugin")
  }

  /// A table, as far as the plugin has it; the rest is zero.
  ///
  /// - Parameter last: the last member that version 1 has.
  private func table<Table: PluginTable, Member>(
    _ pointer: UnsafePointer<Table>, through last: KeyPath<Table, Member>, _ what: String
  ) throws -> Table {
    let size = UnsafeRawPointer(pointer).load(as: Int.self)
    let smallest = MemoryLayout<Table>.offset(of: last)! + MemoryLayout<Member>.size
    guard size >= smallest else {
      throw wrong("its \(what) table declares a size of \(size) bytes, but the first version has \(smallest)")
    }
    var table = Table()
    withUnsafeMutableBytes(of: &table) { bytes in
      bytes.copyMemory(from: UnsafeRawBufferPointer(start: pointer, count: min(size, bytes.count)))
    }
    return table
  }

  private func list<Table: PluginTable, Member, Element>(
    _ pointers: UnsafePointer<UnsafePointer<Table>?>?, _ count: Int, through last: KeyPath<Table, Member>,
    _ what: String, _ make: (Table) throws -> Element
  ) throws -> [Element] {
    try (0..<max(count, 0)).map { index in
      guard let pointer = pointers?[index] else { throw wrong("\(what) \(index) of \(count) has no table") }
      return try make(try table(pointer, through: last, what))
    }
  }

  private func text(_ pointer: UnsafePointer<CChar>?, _ what: String) throws -> String {
    guard let pointer, pointer.pointee != 0 else { throw wrong("the \(what) is missing") }
    return String(cString: pointer)
  }

  private func entry(of functions: gradcam_operator, _ source: PluginSource, provider: String) throws -> OperatorEntry {
    let domain = functions.domain.map { String(cString: $0) } ?? ""
    let name = OperatorName(domain: domain, type: try text(functions.type, "name of an operator"))
    guard functions.forward != nil else { throw wrong("operator \(name) has no forward function") }
    let elementTypes = try (0..<max(functions.element_type_count, 0)).map { index in
      guard let code = functions.element_types?[index], let type = ElementType(onnxCode: Int(clamping: code)) else {
        throw wrong("operator \(name) names an unknown element type")
      }
      return type
    }
    return PluginOperatorTable(
      source: source, name: name,
      elementTypes: elementTypes.isEmpty ? ElementType.allCases.filter(\.isFloatingPoint) : elementTypes,
      functions: functions
    ).entry(provider: provider)
  }

  private func method(of functions: gradcam_method, _ source: PluginSource) throws -> Plugin.NamedCAMMethod {
    let name = try text(functions.name, "name of a method")
    guard (functions.map == nil) != (functions.weights == nil) else {
      throw wrong("method '\(name)' has \(functions.map == nil ? "neither" : "both") of the functions map and weights")
    }
    return (name, PluginMethod.made(of: functions, name: name, source))
  }

  private func target(of functions: gradcam_target, _ source: PluginSource) throws -> Plugin.NamedTargetFunction {
    let name = try text(functions.name, "name of a target")
    guard functions.score != nil, functions.gradient != nil else {
      throw wrong("target '\(name)' lacks its score or its gradient function")
    }
    let target = PluginTarget(source: source, name: name, argument: "", functions: functions)
    return (name, { PluginTarget(source: target.source, name: name, argument: $0, functions: target.functions) })
  }
}

/// A plugin's table, all zero at first.
private protocol PluginTable { init() }

extension gradcam_plugin: PluginTable {}
extension gradcam_operator: PluginTable {}
extension gradcam_method: PluginTable {}
extension gradcam_target: PluginTable {}
