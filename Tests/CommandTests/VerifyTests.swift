import Foundation
import Testing

struct VerifyTests {
  private let workplace: Workplace
  private let plain = fixture("plain.onnx")

  init() throws { workplace = try Workplace() }

  @Test func textNamesNodeDirectionAndBothNumbers() throws {
    let outcome = try workplace.succeed("verify", plain, "--node", "relu2", "--node", "Conv:0", "--class", "star")
    let lines = outcome.output.split(separator: "\n").map(String.init)
    #expect(lines.first == "\(plain), star, pseudo-random image")
    #expect(lines.count == 13)
    #expect(lines[2...6].allSatisfy { $0.hasPrefix("relu2 ") })
    #expect(lines[7...11].allSatisfy { $0.hasPrefix("Conv:0 (conv1) ") })
    for (line, direction) in zip(lines[2...], ["gradient", "weighted", "channel", "block", "random"]) {
      let words = line.split(separator: " ").map(String.init)
      #expect(words[1].hasPrefix(direction) && words.last == "agrees")
      let numbers = words.compactMap(Double.init)
      #expect(numbers.count == 2 && abs(numbers[0] - numbers[1]) <= 0.004 * abs(numbers[0]) + 1e-4)
    }
    #expect(lines[12].contains(" agree, 0 disagree, ") && lines[12].contains("; tolerance 0.400%, largest error 0."))
    #expect(outcome.errors.isEmpty && workplace.files.isEmpty)
  }

  @Test func jsonHasTheFieldsThatScriptsRelyOn() throws {
    let outcome = try workplace.succeed("verify", plain, fixture("disc.png"), "--node", "relu1", "--json")
    let report = try outcome.json([String: Any].self)
    #expect(Set(report.keys) == ["model", "image", "target", "class", "label", "tolerance", "nodes"])
    #expect(report["model"] as? String == plain)
    #expect(report["image"] as? String == fixture("disc.png"))
    #expect(report["tolerance"] as? Double == 0.004)
    let node = try #require((report["nodes"] as? [[String: Any]])?.first)
    #expect(Set(node.keys) == ["node", "tensor", "verdict", "comparisons"])
    #expect(node["node"] as? String == "relu1" && node["tensor"] as? String == "relu1")
    #expect(node["verdict"] as? String == "agrees")
    let comparisons = try #require(node["comparisons"] as? [[String: Any]])
    #expect(
      comparisons.map { $0["direction"] as? String } == ["gradient", "weighted", "channel", "block", "random"])
    for comparison in comparisons {
      #expect(Set(comparison.keys) == ["direction", "untied", "slopes", "error", "uncertainty", "verdict"])
      let slopes = try #require(comparison["slopes"] as? [[String: Double]])
      #expect(slopes.allSatisfy { Set($0.keys) == ["gradient", "difference"] })
      #expect(["agrees", "none"].contains(comparison["verdict"] as? String))
      #expect(comparison["error"] is Double && comparison["uncertainty"] is Double && comparison["untied"] is Bool)
    }
  }

  @Test func withoutNodesSomeAreChosen() throws {
    let report = try workplace.succeed("verify", plain, "--json").json([String: Any].self)
    #expect(report["image"] is NSNull && report["label"] is String)
    let nodes = try #require(report["nodes"] as? [[String: Any]])
    #expect(nodes.compactMap { $0["node"] as? String } == ["relu2", "#0", "#1", "#2"])
  }

  @Test func tensorsAreTakenAsExplainTakesThem() throws {
    let offset = "offset=\(fixture("offset.npy"))", image = fixture("image.npy")
    let report = try workplace.succeed(
      "verify", fixture("two-inputs.onnx"), "--tensor", offset, "--tensor", image, "--json"
    ).json([String: Any].self)
    #expect(report["image"] as? String == image)
    #expect(try workplace.succeed("verify", fixture("two-inputs.onnx"), "--tensor", offset).output.contains("agrees"))
  }

  @Test(arguments: ["channels-last", "channels-last-inside", "two-images", "grey", "dynamic", "sigmoid"])
  func otherKindsOfNetworksAgree(_ model: String) throws {
    let outcome = try workplace.succeed("verify", fixture("\(model).onnx"))
    #expect(outcome.output.contains(" agree, 0 disagree, "))
  }

  /// The derivative of Round is zero.
  @Test func aGradientThatTheScoreDoesNotFollowFails() throws {
    let outcome = try workplace.run(["verify", fixture("staircase.onnx"), "--node", "relu2", "--json"])
    #expect(outcome.code == 1 && outcome.errors.isEmpty)
    let nodes = try #require(outcome.json([String: Any].self)["nodes"] as? [[String: Any]])
    #expect(nodes[0]["verdict"] as? String == "disagrees")
    let text = try workplace.run(["verify", fixture("staircase.onnx"), "--node", "relu2"])
    #expect(text.code == 1 && text.output.contains("\n0 agree, 1 disagree, 0 without verdict; "))
  }

  @Test func aGradientThatIsZeroEverywhereHasNoVerdict() throws {
    let outcome = try workplace.succeed("verify", fixture("zero-map.onnx"), "--node", "conv2")
    #expect(outcome.output.contains("\n0 agree, 0 disagree, 1 without verdict; "))
  }

  @Test func nodesOfItsOwnChoiceThatRoundArePassedOverWithAWarning() throws {
    let outcome = try workplace.succeed("verify", fixture("quantized.onnx"), "--json")
    let nodes = try #require(outcome.json([String: Any].self)["nodes"] as? [[String: Any]])
    #expect(nodes.compactMap { $0["node"] as? String } == ["relu2", "#3", "#4"])
    let warnings = outcome.errors.split(separator: "\n")
    #expect(warnings.count == 2 && warnings.allSatisfy { $0.contains("(QuantizeLinear, #2): rounds to integers") })
  }
}
