import ArgumentParser
import GradCAM
import Graph

struct Plugins: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plugins",
    abstract: "Lists the operators, CAM methods and targets that the program and its plugins provide.",
    discussion: """
      Only what --plugin, --plugin-dir and GRADCAM_PLUGINS name is loaded. 'yes' marks operators that have a gradient.
      """)

  @OptionGroup var plugins: PluginOptions
  @Flag(help: "Print one JSON document.") var json = false

  func run() throws {
    let registry = try plugins.registry()
    if json { return try printJSON(registry.plugins.map(PluginReport.init)) }
    var table = Table(["plugin", "version", "kind", "name", "gradient", "from"])
    for plugin in registry.plugins {
      func add(_ kind: String, _ name: String, _ gradient: String = "") {
        table.add(plugin.name, plugin.version, kind, name, gradient, plugin.path ?? "part of the program")
      }
      for name in plugin.operators.names {
        add("operator", "\(name)", plugin.operators.isDifferentiable(name) ? "yes" : "no")
      }
      for (name, _) in plugin.methods { add("method", name) }
      for (name, _) in plugin.targets { add("target", name) }
    }
    try Console.print(table)
  }
}

/// What `--json` prints for a plugin.
private struct PluginReport: Encodable {
  struct Operator: Encodable {
    let domain, type: String
    let gradient: Bool
  }

  let name, version, description: String
  @Nullable var path: String?
  let operators: [Operator]
  let methods, targets: [String]

  init(_ plugin: Plugin) {
    name = plugin.name
    version = plugin.version
    description = plugin.summary
    path = plugin.path
    operators = plugin.operators.names.map {
      Operator(domain: $0.domain, type: $0.type, gradient: plugin.operators.isDifferentiable($0))
    }
    methods = plugin.methods.map(\.name)
    targets = plugin.targets.map(\.name)
  }
}
