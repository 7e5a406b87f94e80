import CProtection
import Foundation
import Testing

@testable import GradCAMCommand

/// The kernel lets the program do what its command line names, and no more.
struct SandboxTests {
  private let workplace: Workplace
  private let outside: Workplace

  init() throws { (workplace, outside) = (try Workplace(), try Workplace()) }

  private static var kernelHasOne: Bool { sandbox_version() > 0 }

  /// A model in the workplace whose sidecar takes its labels from a file elsewhere.
  private func modelWithForeignLabels() throws -> String {
    try FileManager.default.copyItem(atPath: fixture("undescribed.onnx"), toPath: workplace.path("model.onnx"))
    try Data("circle\nsquare\nstar\n".utf8).write(to: outside.folder.appendingPathComponent("secret.txt"))
    let sidecar = #"{"preset": "raw", "labels": "\#(outside.path("secret.txt"))"}"#
    try Data(sidecar.utf8).write(to: workplace.folder.appendingPathComponent("model.json"))
    return workplace.path("model.onnx")
  }

  @Test(.enabled(if: kernelHasOne), arguments: [[], ["--sandbox", "on"]])
  func aFileThatOnlyAnotherFileNamesIsNotRead(_ option: [String]) throws {
    let model = try modelWithForeignLabels()
    let outcome = try workplace.run(["explain", model, fixture("disc.png")] + option)
    #expect(outcome.code == 66 && outcome.errors.split(separator: "\n").count == 1)
    #expect(outcome.errors.contains("secret.txt") && outcome.errors.contains("--sandbox off"), "\(outcome.errors)")
    #expect(workplace.files == ["model.json", "model.onnx"])
  }

  @Test func withoutASandboxItIsRead() throws {
    let model = try modelWithForeignLabels()
    _ = try workplace.succeed("explain", model, fixture("disc.png"), "--sandbox", "off", "--output", "map.png")
    #expect(workplace.files.contains("map.png"))
  }

  @Test(.enabled(if: kernelHasOne), arguments: [("on", "0"), ("auto", "1"), ("off", "1")])
  func pluginsAreConfinedOnlyIfThatIsAskedFor(_ mode: String, _ able: String) throws {
    try Data().write(to: outside.folder.appendingPathComponent("secret"))
    let library = try PluginLibraries.compile(
      "plugins/confined.c", #"-DSECRET="\#(outside.path("secret"))""#, to: workplace.path("confined.so"))
    let outcome = try workplace.run(["nodes", fixture("plain.onnx"), "--plugin", library, "--sandbox", mode])
    #expect(outcome.errors.contains("reads \(able), writes \(able), connects \(able)"), "\(outcome.errors)")
  }

  @Test func whatIsNamedMayBeRead() throws {
    let named = NamedFiles(
      models: ["nets/a.onnx"], read: ["photo.jpg"],
      written: [workplace.path("new/deep/{image}.png"), workplace.path(""), "."])
    let rules = named.rules(plugins: ["lib/p.so"])
    func access(_ path: String) -> NamedFiles.Access? { rules.last { $0.0 == path }?.1 }
    for path in ["nets", "nets/a.onnx", "nets/a.json", "nets/../config.json", "photo.jpg", "lib", "lib/p.so", "/proc"] {
      #expect(access(path) == .reading, "\(path)")
    }
    #expect(access(workplace.folder.path) == [.reading, .writing])
    #expect(access(".") == [.reading, .writing] && access("/") == nil && access("nets/..") == nil)
  }

  /// The peak of memory, which the program has the kernel reset, is measured in a sandbox too.
  @Test func memoryIsMeasured() throws {
    func peak(_ mode: String) throws -> Double? {
      let command = ["compare", fixture("plain.onnx"), fixture("disc.png"), "--metric", "none", "--json"]
      let report = try workplace.run(command + ["--sandbox", mode]).json([String: Any].self)
      let cost = try #require((report["models"] as? [[String: Any]])?.first?["cost"] as? [String: Any])
      return cost["peak_mb"] as? Double
    }
    #expect(try (peak("auto") == nil) == (peak("off") == nil))
  }

  /// An output that is a link to a file that does not exist yet.
  @Test func linkedOutputsAppearWhereTheLinkLeads() throws {
    try FileManager.default.createSymbolicLink(
      atPath: workplace.path("map.png"), withDestinationPath: outside.path("real.png"))
    _ = try workplace.succeed("explain", fixture("plain.onnx"), fixture("disc.png"), "--output", "map.png")
    #expect(outside.files == ["real.png"])
  }

  @Test func linksAreFollowedWhereverTheyLead() throws {
    try FileManager.default.copyItem(atPath: fixture("undescribed.onnx"), toPath: outside.path("model.onnx"))
    try FileManager.default.copyItem(atPath: fixture("disc.png"), toPath: outside.path("disc.png"))
    try Data(#"{"id2label": {"0": "a", "1": "b", "2": "c"}, "model_type": "x"}"#.utf8)
      .write(to: outside.folder.appendingPathComponent("blob"))
    try FileManager.default.createDirectory(atPath: workplace.path("images"), withIntermediateDirectories: false)
    for (link, target) in [("m.onnx", "model.onnx"), ("images/d.png", "disc.png"), ("config.json", "blob")] {
      try FileManager.default.createSymbolicLink(
        atPath: workplace.path(link), withDestinationPath: outside.path(target))
    }
    func explained(_ mode: String) throws -> String {
      let outcome = try workplace.succeed("explain", "m.onnx", "images", "--output", "map.png", "--sandbox", mode)
      try FileManager.default.removeItem(atPath: workplace.path("map.png"))
      return outcome.output + outcome.errors
    }
    let confined = try explained("auto")
    #expect(try confined == explained("off") && confined.contains("the names of the classes are read from config.json"))
  }
}
