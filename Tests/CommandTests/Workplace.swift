import Foundation
import GradCAM
import Testing

/// A folder of one test, in which it runs the program; gone when the test is over.
final class Workplace {
  let folder: URL

  init() throws { folder = try Workplace.newFolder() }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// What a run of the program did.
  struct Outcome {
    let code: Int32
    let output, errors: String

    /// Standard output as JSON.
    func json<Value>(_ type: Value.Type = Value.self) throws -> Value {
      try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? Value)
    }
  }

  /// Runs a program in the folder: of this package by its name, any by its path.
  ///
  /// - Parameters:
  ///   - environment: variables set besides those that the tests have.
  ///   - meanwhile: what is done while it runs.
  func run(
    _ arguments: [String], program: String = "gradcam", output: String? = nil, environment: [String: String] = [:],
    meanwhile: (Process) throws -> Void = { _ in }
  ) throws -> Outcome {
    // Files, not pipes: nobody has to read both at once.
    let logs = try Workplace.newFolder()
    defer { try? FileManager.default.removeItem(at: logs) }
    let paths = [output ?? logs.appendingPathComponent("output").path, logs.appendingPathComponent("errors").path]
    for path in paths where path.hasPrefix(logs.path) {
      #expect(FileManager.default.createFile(atPath: path, contents: nil))
    }

    let process = Process()
    process.executableURL = Self.built(program)
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.environment = ProcessInfo.processInfo.environment
      .merging(["COLUMNS": "80", "GRADCAM_MODELS": ""]) { $1 }.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try #require(FileHandle(forWritingAtPath: paths[0]))
    process.standardError = try #require(FileHandle(forWritingAtPath: paths[1]))
    try process.run()
    try meanwhile(process)
    process.waitUntilExit()
    #expect(process.terminationReason == .exit, "\(arguments) died of signal \(process.terminationStatus)")
    func text(_ path: String) throws -> String {
      path.hasPrefix(logs.path) ? String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self) : ""
    }
    return Outcome(code: process.terminationStatus, output: try text(paths[0]), errors: try text(paths[1]))
  }

  /// Runs the program and kills it after some seconds, unless it has ended.
  func kill(_ arguments: [String], after seconds: Double) throws {
    let process = Process()
    process.executableURL = Self.built("gradcam")
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    usleep(UInt32(seconds * 1e6))
    Foundation.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  /// Runs the program, which must succeed.
  func succeed(_ arguments: String...) throws -> Outcome {
    let outcome = try run(arguments)
    #expect(outcome.code == 0, "\(arguments): \(outcome.errors)")
    return outcome
  }

  /// The names of the files in the folder and below it, sorted.
  var files: [String] {
    (FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []).sorted()
  }

  func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
  func contents(_ name: String) throws -> Data { try Data(contentsOf: folder.appendingPathComponent(name)) }
  func picture(_ name: String) throws -> Picture { try Picture(contentsOf: path(name)) }
  func array(_ name: String) throws -> NPYArray { try NPYArray(contentsOf: path(name)) }

  /// The path of a program that the user has.
  static func found(_ name: String) -> String? {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Python, if the user has it, and whether it has NumPy.
  static let python = found("python3")
  static let hasNumPy =
    python.map { (try? Workplace().run(["-c", "import numpy"], program: $0).code) == 0 } ?? false

  /// A new folder among the system's temporary files.
  static func newFolder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("gradcam-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  /// Where a program or library of this package was built; a path from the root stays as it is.
  static func built(_ name: String) -> URL {
    name.hasPrefix("/") ? URL(fileURLWithPath: name) : programs.appendingPathComponent(name)
  }

  /// The folder of the bundle of tests that runs now, where the programs are too.
  static let programs: URL = {
    let bundle = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") } ?? Bundle.main
    return bundle.bundlePath.hasSuffix(".xctest") ? bundle.bundleURL.deletingLastPathComponent() : bundle.bundleURL
  }()
}

/// The path of a file beside the tests.
func fixture(_ name: String) -> String {
  URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures/\(name)").path
}

/// The path of a file that the project ships in `models`.
func shipped(_ name: String) -> String { ofPackage("models/\(name)") }

/// The path of a file of this package.
func ofPackage(_ path: String) -> String {
  URL(fileURLWithPath: #filePath).appendingPathComponent("../../../\(path)").standardizedFileURL.path
}
