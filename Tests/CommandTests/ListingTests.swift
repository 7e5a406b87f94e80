import Foundation
import Testing

/// `nodes`, `check` and `bench`.
struct ListingTests {
  private let workplace: Workplace

  init() throws { workplace = try Workplace() }

  @Test func nodesHaveTheFieldsThatScriptsRelyOn() throws {
    let outcome = try workplace.succeed("nodes", fixture("plain.onnx"), "--json")
    let entries = try outcome.json([[String: Any]].self)
    for entry in entries {
      #expect(Set(entry.keys) == ["index", "name", "tensor", "module", "operator", "shape", "auto"])
    }
    #expect(entries.compactMap { $0["index"] as? Int } == [0, 1, 2, 3])
    #expect(entries.compactMap { $0["name"] as? String }.first == "/conv1/Conv")
    #expect(entries.compactMap { $0["tensor"] as? String } == ["conv1", "relu1", "conv2", "relu2"])
    #expect(entries.compactMap { $0["operator"] as? String } == ["Conv", "Relu", "Conv", "Relu"])
    #expect(entries.compactMap { $0["shape"] as? [Int] }.last == [1, 6, 8, 8])
    #expect(entries.compactMap { $0["auto"] as? Bool } == [false, false, false, true])
  }

  @Test func allListsEveryNode() throws {
    let entries = try workplace.succeed("nodes", fixture("side-branch.onnx"), "--all", "--json")
      .json([[String: Any]].self)
    #expect(entries.compactMap { $0["index"] as? Int } == Array(0..<9))
    #expect(try #require(entries.first { $0["tensor"] as? String == "side" })["shape"] is NSNull)
  }

  @Test func everyListedNameResolves() throws {
    let model = shipped("shapes-resnet.onnx")
    let entries = try workplace.succeed("nodes", model, "--json").json([[String: Any]].self)
    let names = entries.flatMap { entry in
      ["#\(entry["index"] as? Int ?? -1)"] + ["name", "tensor", "module"].compactMap { entry[$0] as? String }
    }
    #expect(names.count == entries.count * 4)
    let options = names.flatMap { ["--node", $0] }
    let outcome = try workplace.run(
      ["explain", model, shipped("samples/single-003-star.png"), "--output", "maps", "--json"] + options)
    #expect(outcome.code == 0, "\(outcome.errors)")
    let asked = try outcome.json([[String: Any]].self).compactMap { $0["node"] as? String }
    #expect(Set(asked) == Set(names))
  }

  @Test(arguments: [("channels-last-inside", "first"), ("channels-last", "pixels"), ("plain", "relu2")])
  func autoIsTheLastMapWithAnExtent(_ model: String, _ tensor: String) throws {
    let entries = try workplace.succeed("nodes", fixture("\(model).onnx"), "--json").json([[String: Any]].self)
    #expect(entries.filter { $0["auto"] as? Bool == true }.map { $0["tensor"] as? String } == [tensor])
  }

  @Test func modelsThatCannotBeExplainedAreListed() throws {
    #expect(try workplace.succeed("nodes", fixture("segmentation.onnx")).output.contains("← auto"))
    #expect(try workplace.succeed("nodes", fixture("two-inputs.onnx")).output.contains("← auto"))
    #expect(try workplace.succeed("nodes", fixture("perceptron.onnx")).errors.contains("has no feature map"))
  }

  @Test func checkCountsCases() throws {
    let outcome = try workplace.run(["check", fixture("cases")])
    #expect(outcome.code == 1)
    let lines = outcome.output.split(separator: "\n").map(String.init)
    #expect(lines.count == 3 && lines.last == "1 passed, 1 failed, 1 skipped")
    #expect(
      lines.contains { $0.hasPrefix("skipped frobnicate: ") && $0.hasSuffix("operator Frobnicate is not supported") })
    #expect(lines.contains("failed relu-wrong: output 'y' is 0.0 at 0, expected -1.0"))
    let passing = try workplace.succeed("check", fixture("cases/relu"), fixture("cases/frobnicate"))
    #expect(passing.output.hasSuffix("\n1 passed, 0 failed, 1 skipped\n"))
    #expect(try workplace.succeed("check", fixture("cases/relu-wrong"), "--atol", "1").output.hasPrefix("1 passed"))
  }

  @Test func checkPrintsOneDocument() throws {
    let outcome = try workplace.run(["check", fixture("cases"), "--json"])
    let entries = try outcome.json([[String: Any]].self)
    #expect(entries.compactMap { $0["case"] as? String } == ["frobnicate", "relu", "relu-wrong"])
    #expect(entries.compactMap { $0["status"] as? String } == ["skipped", "passed", "failed"])
    #expect(entries[1]["reason"] is NSNull && entries[2]["reason"] is String)
  }

  @Test func benchHasTheFieldsThatScriptsRelyOn() throws {
    let outcome = try workplace.succeed(
      "bench", fixture("plain.onnx"), "--runs", "3", "--threads", "2", "--json", "--profile")
    let report = try outcome.json([String: Any].self)
    #expect(report["model"] as? String == fixture("plain.onnx"))
    #expect(report["node"] as? String == "relu2")
    #expect(report["threads"] as? Int == 2 && report["runs"] as? Int == 3)
    for key in ["load_ms", "peak_mb", "gflop"] { #expect(try #require(report[key] as? Double) > 0) }
    for key in ["forward_ms", "backward_ms", "map_ms", "whole_ms"] {
      let times = try #require(report[key] as? [String: Double])
      #expect(Set(times.keys) == ["min", "median"] && times["min"]! <= times["median"]!)
    }
    let steps = try #require(report["profile"] as? [[String: Any]])
    #expect(steps.contains { $0["backward"] as? Bool == true } && steps.allSatisfy { $0["ms"] is Double })
    #expect(steps.allSatisfy { $0["kernel"] is String && $0["node"] is String })
  }

  @Test func benchPrintsATable() throws {
    let text = try workplace.succeed("bench", fixture("plain.onnx"), "--runs", "1", "--profile").output
    for word in ["forward", "backward", "map", "whole", "peak memory", "effective GFLOP/s", "operator [kernel]"] {
      #expect(text.contains(word))
    }
  }
}
