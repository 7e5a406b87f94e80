import ArgumentParser
import GradCAM
import Graph

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Which plugins are loaded: only those that the user names.
struct PluginOptions: ParsableArguments {
  @Option(
    name: .customLong("plugin"),
    help: ArgumentHelp(
      "A library of operators, CAM methods and targets, in addition to those in GRADCAM_PLUGINS, separated by colons. "
        + "Repeatable.", valueName: "LIB.so"), completion: .library)
  var libraries: [String] = []

  @Option(
    name: .customLong("plugin-dir"), help: ArgumentHelp("All libraries in a folder. Repeatable.", valueName: "DIR"),
    completion: .directory)
  var folders: [String] = []

  @Option(
    name: .customLong("prefer"),
    help: ArgumentHelp(
      "The plugin to use if several define the same name; gradcam is the program itself. Repeatable.",
      valueName: "NAME"))
  var preferred: [String] = []

  /// The options as command-line arguments.
  var arguments: [String] {
    libraries.flatMap { ["--plugin", $0] } + folders.flatMap { ["--plugin-dir", $0] }
      + preferred.flatMap { ["--prefer", $0] }
  }

  /// The libraries that the options and the environment name, each once.
  ///
  /// Throws `unreadable` if a folder cannot be listed.
  func paths() throws -> [String] {
    let environment = ProcessInfo.processInfo.environment["GRADCAM_PLUGINS"] ?? ""
    return (environment.split(separator: ":").map(String.init) + libraries + (try folders.flatMap(libraries(in:))))
      .withoutRepeats
  }

  /// Loads the plugins.
  ///
  /// Throws what finding and loading them throws, and `usage` if two define the same name.
  func registry() throws -> Registry {
    try Registry(contentsOf: paths(), preferring: preferred) { Console.say($0) }
  }

  private func libraries(in folder: String) throws -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: folder)
        .filter { ($0.hasSuffix(".so") || $0.hasSuffix(".dylib")) && !$0.hasPrefix(".") }.sorted()
        .map { folder + (folder.hasSuffix("/") ? "" : "/") + $0 }
    } catch {
      throw GradCAMError(
        .unreadable, at: "--plugin-dir \(folder)", problem: "is not a folder that can be listed",
        advice: "name the folder of your plugins")
    }
  }
}
