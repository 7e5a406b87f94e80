import Foundation
import Testing

/// Compiles plugins for tests, with the compilers that come with Swift.
enum PluginLibraries {
  /// The folder of the example plugins, beside the programs, built by the lines that users are shown.
  static let examples: Result<String, any Error> = Result {
    let folder = Workplace.programs.appendingPathComponent("example-plugins")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try run("make", "-C", ofPackage("examples/plugins"), "OUT=\(folder.path)")
    return folder.path
  }

  /// The path of an example.
  static func example(_ name: String) throws -> String { try examples.get() + "/\(name).so" }

  /// Compiles a C file, of the fixtures where only its name is given, against a header, the current one unless another
  /// folder is named.
  static func compile(
    _ source: String, _ flags: String..., include: String = ofPackage("Sources/CGradCAMPlugin/include"),
    to library: String
  ) throws -> String {
    try run(
      "clang",
      ["-O1", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-I", include] + flags + [
        source.hasPrefix("/") ? source : fixture(source), "-lm", "-o", library,
      ])
    return library
  }

  private static func run(_ program: String, _ arguments: String...) throws { try run(program, arguments) }

  private static func run(_ program: String, _ arguments: [String]) throws {
    let process = Process(), errors = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [program] + arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = errors
    try process.run()
    let said = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(program) \(arguments): \(said)")
  }
}
