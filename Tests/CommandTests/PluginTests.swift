import Foundation
import GradCAM
import TestSupport
import Testing

/// The example plugins, and how plugins are loaded.
struct PluginTests {
  private let workplace: Workplace
  private let model = ofPackage("examples/plugins/soft-clip.onnx"), picture = fixture("disc.png")

  init() throws { workplace = try Workplace() }

  private func explain(_ arguments: String...) throws -> [String: Any] {
    let outcome = try workplace.run(
      ["explain", fixture("plain.onnx"), picture, "--json", "--plugin-dir", PluginLibraries.examples.get()] + arguments)
    #expect(outcome.code == 0, "\(outcome.errors)")
    return try #require(outcome.json([[String: Any]].self).first)
  }

  @Test func pluginsAreListedWithWhatTheyBring() throws {
    let folder = try PluginLibraries.examples.get()
    let plugins = try workplace.succeed("plugins", "--plugin-dir", folder, "--json").json([[String: Any]].self)
    #expect(plugins.map { $0["name"] as? String } == ["gradcam", "entropy", "soft-clip", "winning-channels"])
    #expect(plugins.dropFirst().allSatisfy { $0["version"] as? String == "1.0" })
    for key in ["name", "version", "description", "path", "operators", "methods", "targets"] {
      #expect(plugins.allSatisfy { $0[key] != nil }, "\(key)")
    }
    #expect(plugins[0]["path"] is NSNull)
    #expect((plugins[0]["operators"] as? [Any])?.count ?? 0 > 150)
    #expect((plugins[0]["methods"] as? [String])?.first == "gradcam")
    #expect(plugins[0]["targets"] as? [String] == ["sum"])
    #expect(plugins[1]["targets"] as? [String] == ["entropy"])
    let operators = try #require(plugins[2]["operators"] as? [[String: Any]])
    #expect(operators.count == 1 && operators[0]["domain"] as? String == "example")
    #expect(operators[0]["type"] as? String == "SoftClip" && operators[0]["gradient"] as? Bool == true)
    let path = try #require(plugins[2]["path"] as? String)
    #expect(path.hasSuffix("/soft-clip.so"))
    #expect(plugins[3]["methods"] as? [String] == ["winning-channels", "signed-product"])

    let table = try workplace.succeed("plugins", "--plugin", PluginLibraries.example("soft-clip")).output
    let lines = table.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    #expect(lines[0] == ["plugin", "version", "kind", "name", "gradient", "from"])
    #expect(lines.last == ["soft-clip", "1.0", "operator", "example.SoftClip", "yes", path])
    #expect(lines.contains { $0.prefix(5) == ["gradcam", Plugin.builtIn.version, "operator", "Conv", "yes"] })
    #expect(lines.contains { $0.prefix(4) == ["gradcam", Plugin.builtIn.version, "method", "layercam"] })
  }

  @Test func nothingIsLoadedThatIsNotNamed() throws {
    let library = try PluginLibraries.example("soft-clip")
    try FileManager.default.copyItem(atPath: library, toPath: workplace.path("soft-clip.so"))
    try FileManager.default.createDirectory(atPath: workplace.path("plugins"), withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: library, toPath: workplace.path("plugins/soft-clip.so"))
    #expect(try workplace.succeed("plugins", "--json").json([Any].self).count == 1)
    let outcome = try workplace.run(["explain", model, picture])
    #expect(outcome.code == 69 && outcome.errors.contains("operator example.SoftClip is not supported"))
    #expect(outcome.errors.contains("'/clip1/SoftClip'") && outcome.errors.contains("--plugin"))
    for named in [["--plugin", "soft-clip.so"], ["--plugin-dir", "plugins"], ["--plugin-dir", "plugins/"]] {
      #expect(try workplace.run(["nodes", model] + named).code == 0)
    }
  }

  @Test func theEnvironmentNamesPluginsToo() throws {
    let libraries = try ["soft-clip", "entropy"].map(PluginLibraries.example)
    // One of them twice, once by another path: it is loaded once.
    let outcome = try workplace.run(
      ["plugins", "--json", "--plugin", libraries[0].replacingOccurrences(of: "/soft", with: "/./soft")],
      environment: ["GRADCAM_PLUGINS": libraries.joined(separator: ":")])
    #expect(
      try outcome.json([[String: Any]].self).map { $0["name"] as? String } == ["gradcam", "soft-clip", "entropy"])
  }

  @Test(arguments: ["1", "2"])
  func theOperatorsGradientAgreesWithCentralDifferences(threads: String) throws {
    let outcome = try workplace.succeed(
      "verify", model, picture, "--plugin", PluginLibraries.example("soft-clip"), "--node", "conv1", "--node", "clip1",
      "--node", "conv2", "--threads", threads, "--json")
    let nodes = try #require(outcome.json([String: Any].self)["nodes"] as? [[String: Any]])
    #expect(nodes.map { $0["verdict"] as? String } == ["agrees", "agrees", "agrees"])
    for node in nodes {
      let comparisons = try #require(node["comparisons"] as? [[String: Any]])
      #expect(comparisons.allSatisfy { $0["verdict"] as? String == "agrees" })
    }
  }

  /// Of y = limit · tanh(x ⁄ limit), from what the program says of the values around it.
  @Test func theOperatorComputesWhatItsNameSays() throws {
    let plugin = try PluginLibraries.example("soft-clip")
    func arrays(_ node: String) throws -> (activation: [Float], gradient: [Float]) {
      _ = try workplace.succeed(
        "explain", model, picture, "--plugin", plugin, "--node", node, "--class", "star", "--output", "\(node).png",
        "--save-activation", "a.npy", "--save-gradient", "g.npy")
      return (try workplace.array("a.npy").values, try workplace.array("g.npy").values)
    }
    let before = try arrays("conv1"), after = try arrays("clip1")
    #expect(before.activation.contains { abs($0) > 1.5 })
    let shares = before.activation.map { tanh($0 / 1.5) }
    expectClose(after.activation, shares.map { 1.5 * $0 }, within: 1e-6)
    expectClose(before.gradient, zip(after.gradient, shares).map { $0 * (1 - $1 * $1) }, within: 1e-6)
  }

  /// The blocks of C of docs/writing-a-plugin.md: an operator, a method, and the weights of another one.
  private var blocksOfPage: [String] {
    get throws {
      let page = try String(contentsOfFile: ofPackage("docs/writing-a-plugin.md"), encoding: .utf8)
      return page.matches(of: /```c\n([\s\S]*?)```/).map { String($0.1) }
    }
  }

  /// Compiles one of them.
  private func compilePage(block: Int, _ change: (String) -> String = { $0 }) throws -> String {
    try Data(change(blocksOfPage[block]).utf8).write(to: workplace.folder.appendingPathComponent("page\(block).c"))
    return try PluginLibraries.compile(
      workplace.path("page\(block).c"), "-Wno-unused-parameter", to: workplace.path("page\(block).so"))
  }

  /// A map with a plugin, before it is scaled.
  private func map(_ library: String, of model: String, at node: String, _ method: String) throws -> [Float] {
    _ = try workplace.succeed(
      "explain", model, picture, "--plugin", library, "--node", node, "--method", method, "--save-map", "m.npy")
    return try workplace.array("m.npy").values
  }

  @Test func thePageGoesFromNothingToAnOperator() throws {
    func values(_ library: String) throws -> [Float] { try map(library, of: model, at: "conv1", "gradcam") }
    let found = try values(compilePage(block: 0)), example = try values(PluginLibraries.example("soft-clip"))
    #expect(found == example && found.contains { $0 > 0 })
  }

  @Test func thePageGoesFromNothingToAMethod() throws {
    let library = try compilePage(block: 1)
    func values(_ method: String) throws -> [Float] { try map(library, of: fixture("plain.onnx"), at: "relu2", method) }
    let found = try values("positive-evidence")
    expectClose(found, try values("layercam"), within: 1e-6)
    let other = try values("gradcam")
    #expect(found.contains { $0 > 0 } && found != other)
    let listed = try workplace.succeed("plugins", "--plugin", library).output
    #expect(listed.contains("method    positive-evidence"), "\(listed)")
  }

  @Test func thePagesWeightsAreThoseOfGradCAM() throws {
    let weights = try blocksOfPage[2]
    let library = try compilePage(block: 1) { method in
      method.replacingOccurrences(
        of: "static const gradcam_method pos", with: weights + "static const gradcam_method pos"
      )
      .replacingOccurrences(of: "= map}", with: "= NULL, .weights = weights}")
      .replacingOccurrences(of: "static gradcam_status map(", with: "gradcam_status map(")
    }
    func values(_ method: String) throws -> [Float] { try map(library, of: fixture("plain.onnx"), at: "relu2", method) }
    let found = try values("positive-evidence")
    expectClose(found, try values("gradcam"), within: 1e-6)
    #expect(found.contains { $0 > 0 })
  }

  @Test func aMethodThatWeighsChannelsIsLikeABuiltInOne() throws {
    _ = try explain("--method", "winning-channels", "--save-map", "m.npy", "--save-activation", "a.npy")
    _ = try explain("--method", "gradcam", "--save-gradient", "g.npy")
    let a = try workplace.array("a.npy"), g = try workplace.array("g.npy").values
    let channels = a.shape[1], plane = a.shape[2] * a.shape[3]
    let means = (0..<channels).map { g[$0 * plane..<($0 + 1) * plane].reduce(0, +) / Float(plane) }
    let kept = try #require(means.indices.max { means[$0] < means[$1] })
    #expect(channels <= 10, "then one channel is kept")
    let map = try workplace.array("m.npy").values
    expectClose(map, a.values[kept * plane..<(kept + 1) * plane].map { max(0, means[kept] * $0) }, within: 1e-6)
    #expect(map.contains { $0 > 0 })
    let smooth = try explain("--method", "winning-channels", "--smooth", "eigen", "--smooth", "aug")
    #expect(smooth["method"] as? String == "winning-channels" && smooth["smooth"] as? [String] == ["aug", "eigen"])
  }

  @Test func aMethodThatMakesAMapMayKeepWhatIsNegative() throws {
    _ = try explain(
      "--method", "signed-product", "--save-map", "m.npy", "--save-activation", "a.npy", "--save-gradient", "g.npy")
    let a = try workplace.array("a.npy").values, g = try workplace.array("g.npy").values
    let map = try workplace.array("m.npy").values
    let sums = map.indices.map { position in
      stride(from: position, to: a.count, by: map.count).reduce(Float(0)) { $0 + a[$1] * g[$1] }
    }
    expectClose(map, sums)
    #expect(map.contains { $0 < 0 })
    let outcome = try workplace.run(
      ["explain", fixture("plain.onnx"), picture, "--method", "signed-product", "--smooth", "eigen", "--plugin"]
        + [PluginLibraries.example("winning-channels")])
    #expect(outcome.code == 69 && outcome.errors.contains("signed-product is not a weighted sum over channels"))
  }

  @Test func allMethodsAreThosePluginsBringToo() throws {
    let outcome = try workplace.run(
      ["explain", fixture("plain.onnx"), picture, "--method", "all", "--output", "all.png", "--json", "--plugin"]
        + [PluginLibraries.example("winning-channels")])
    let methods = try outcome.json([[String: Any]].self).compactMap { $0["method"] as? String }
    #expect(methods.contains("winning-channels") && methods.contains("signed-product") && methods.contains("gradcam"))
    let unknown = try workplace.run(["explain", fixture("plain.onnx"), picture, "--method", "winning-channels"])
    #expect(unknown.code == 64 && unknown.errors.contains("is not a method; choose from gradcam, cam"))
  }

  @Test func aTargetIsANumberOfAnOutput() throws {
    let report = try explain("--target", "entropy(scores)", "--save-output", "o.npy", "--method", "gradcam")
    let scores = try workplace.array("o.npy").values, sum = scores.map(exp).reduce(0, +)
    let entropy = -scores.map { exp($0) / sum }.map { $0 * log($0) }.reduce(0, +)
    #expect(abs(Float(try #require(report["logit"] as? Double)) - entropy) < 1e-5)
    #expect(report["target"] as? String == "entropy(scores)")
    // Nothing in the parentheses means the scores; what follows the comma is the plugin's.
    #expect(try explain("--target", "entropy()")["logit"] as? Double == report["logit"] as? Double)
    let warm = scores.map { exp($0 / 3) }, whole = warm.reduce(0, +)
    let warmEntropy = -warm.map { $0 / whole }.map { $0 * log($0) }.reduce(0, +)
    let warmed = try explain("--target", "entropy(scores[0,:], 3)", "--counterfactual")
    #expect(abs(Float(try #require(warmed["logit"] as? Double)) + warmEntropy) < 1e-5)
    #expect(warmed["target"] as? String == "−(entropy(scores[0,:], 3))")
    // The sum is a target like others.
    let plain = try explain("--target", "scores[0,1:]"), sameSum = try explain("--target", "sum(scores[0,1:])")
    #expect(plain["logit"] as? Double == sameSum["logit"] as? Double)
  }

  @Test func aTargetsGradientAgreesWithCentralDifferences() throws {
    for target in ["entropy()", "entropy(scores[0,1:], 0.5)"] {
      let outcome = try workplace.succeed(
        "verify", fixture("plain.onnx"), picture, "--plugin", PluginLibraries.example("entropy"), "--target", target,
        "--node", "relu2", "--json")
      let node = try #require((outcome.json([String: Any].self)["nodes"] as? [[String: Any]])?.first)
      #expect(node["verdict"] as? String == "agrees", "\(target)")
    }
  }

  @Test(arguments: [
    ("entropy(scores, warm)", "plugin 'entropy': target 'entropy': the temperature 'warm' is not a number above 0"),
    ("entropy(nothing)", "the model computes no value 'nothing'"),
    ("surprise(scores)", "there is no target 'surprise'"),
    ("sum(scores, 3)", "sum takes nothing after the elements"),
  ])
  func wrongTargetsAreNamed(target: String, problem: String) throws {
    let outcome = try workplace.run(
      ["explain", fixture("plain.onnx"), picture, "--plugin", PluginLibraries.example("entropy"), "--target", target])
    #expect((64...65).contains(outcome.code) && outcome.errors.contains(problem), "\(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").count == 1)
  }

  @Test func whatTwoBringMustBePreferred() throws {
    let first = try PluginLibraries.example("soft-clip")
    let second = try PluginLibraries.compile("plugins/faulty.c", "-DFAULT=NONE", to: workplace.path("second.so"))
    func nodes(_ arguments: String...) throws -> Workplace.Outcome {
      try workplace.run(["nodes", model, "--plugin", first, "--plugin", second] + arguments)
    }
    let clash = try nodes()
    #expect(clash.code == 64)
    for text in [
      "operator example.SoftClip: is provided by plugin 'soft-clip' (", "and by plugin 'faulty' (", "/second.so)",
      "--prefer soft-clip or --prefer faulty",
    ] { #expect(clash.errors.contains(text), "\(clash.errors)") }
    #expect(try nodes("--prefer", "faulty").code == 0)
    #expect(try nodes("--prefer", "soft-clip").code == 0)
    let unknown = try nodes("--prefer", "third")
    #expect(unknown.code == 64 && unknown.errors.contains("choose from gradcam, soft-clip, faulty"))
    let copy = workplace.path("copy.so")
    try FileManager.default.copyItem(atPath: second, toPath: copy)
    let same = try workplace.run(["plugins", "--plugin", copy, "--plugin", second])
    #expect(same.code == 64 && same.errors.contains("copy.so or --prefer "), "\(same.errors)")
    let path = try #require(URL(fileURLWithPath: copy).resolvingSymlinksInPath().path as String?)
    #expect(try workplace.run(["plugins", "--plugin", copy, "--plugin", second, "--prefer", path]).code == 0)
  }

  @Test func aPluginMayReplaceWhatIsBuiltIn() throws {
    let library = try PluginLibraries.compile(
      "plugins/faulty.c", "-DFAULT=FAILING_FORWARD", "-DDOMAIN=\"\"", "-DTYPE=\"Relu\"", to: workplace.path("relu.so"))
    func explain(_ arguments: String...) throws -> Workplace.Outcome {
      try workplace.run(["explain", fixture("plain.onnx"), picture, "--plugin", library] + arguments)
    }
    let clash = try explain()
    #expect(
      clash.code == 64 && clash.errors.contains("operator Relu: is provided by the program itself ('gradcam') and by"))
    #expect(clash.errors.contains("--prefer gradcam or --prefer faulty"))
    #expect(try explain("--prefer", "gradcam").code == 0)
    // Also where the program would fuse Relu into the convolution before it.
    let replaced = try explain("--prefer", "faulty")
    #expect(replaced.code == 65 && replaced.errors.contains("plugin 'faulty': no forward today"), "\(replaced.errors)")
  }

  @Test func casesAreCheckedWithPlugins() throws {
    let cases = fixture("plugins/cases")
    let alone = try workplace.run(["check", cases])
    #expect(alone.code == 0 && alone.output.hasSuffix("1 passed, 0 failed, 1 skipped\n"))
    let outcome = try workplace.succeed("check", cases, "--plugin", PluginLibraries.example("soft-clip"))
    #expect(outcome.output == "2 passed, 0 failed, 0 skipped\n")
    let strict = try workplace.run(
      ["check", cases, "--plugin", PluginLibraries.example("soft-clip"), "--atol=-1", "--json"])
    let rows = try strict.json([[String: Any]].self)
    #expect(strict.code == 1 && rows.map { $0["status"] as? String } == ["passed", "failed"], "relu is exact")
    #expect((rows[1]["reason"] as? String)?.contains("output 'y' is ") == true)
    try Data("pass relu\nfail soft-clip # for the test\n".utf8).write(to: workplace.folder.appendingPathComponent("m"))
    let surprise = try workplace.run(
      ["check", cases, "--plugin", PluginLibraries.example("soft-clip"), "--manifest", "m"])
    #expect(surprise.code == 1 && surprise.errors.contains("soft-clip passes; the manifest says otherwise"))
  }

  @Test func aCrashIsAFailedCase() throws {
    let library = try PluginLibraries.compile(
      "plugins/faulty.c", "-DFAULT=CRASHING_FORWARD", to: workplace.path("crash.so"))
    let outcome = try workplace.run(["check", fixture("plugins/cases"), "--plugin", library])
    #expect(outcome.code == 1)
    #expect(outcome.output.hasSuffix("1 passed, 1 failed, 0 skipped\n"))
    #expect(outcome.output.hasPrefix("failed soft-clip: the plugin crashed: signal 11 ("), "\(outcome.output)")
    let noPlugin = try workplace.run(["check", fixture("plugins/cases"), "--plugin", picture])
    #expect(noPlugin.code == 65 && noPlugin.errors.contains("is not a library that can be loaded"))
    #expect(noPlugin.errors.split(separator: "\n").count == 1)
  }
}
