import Foundation
import Testing

/// The help texts are as the files under Fixtures/help say; after a change that is meant, run once with
/// GRADCAM_UPDATE_HELP=1 in the environment and review what changed.
struct HelpTests {
  @Test(arguments: [
    "", "explain", "serve", "compare", "drift", "sweep", "evaluate", "merge", "rerun", "preprocess", "nodes", "verify",
    "check",
    "bench", "models", "plugins",
  ])
  func helpIsAsRecorded(_ command: String) throws {
    let outcome = try Workplace().run((command.isEmpty ? [] : [command]) + ["--help"])
    #expect(outcome.code == 0 && outcome.errors.isEmpty)
    let file = URL(fileURLWithPath: fixture("help/\(command.isEmpty ? "gradcam" : command).txt"))
    if ProcessInfo.processInfo.environment["GRADCAM_UPDATE_HELP"] != nil {
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(outcome.output.utf8).write(to: file)
    }
    #expect(outcome.output == String(decoding: try Data(contentsOf: file), as: UTF8.self))
  }

  @Test func versionIsANumber() throws {
    let version = try Workplace().succeed("--version").output
    #expect(version.split(separator: ".").count == 3)
  }
}
