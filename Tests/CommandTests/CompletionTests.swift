import Foundation
import GradCAM
import Testing

/// What shells complete arguments with.
struct CompletionTests {
  private let workplace: Workplace

  init() throws {
    workplace = try Workplace()
    let files = FileManager.default
    for folder in ["models", "others/deep", "my dir", "empty"] {
      try files.createDirectory(atPath: workplace.path(folder), withIntermediateDirectories: true)
    }
    for (model, place) in [
      (shipped("shapes-vgg.onnx"), "models/vgg.onnx"), (shipped("shapes-resnet.onnx"), "models/resnet.onnx"),
      (fixture("plain.onnx"), "others/deep/plain.onnx"), (fixture("plain.onnx"), "my dir/a model.onnx"),
    ] { try files.copyItem(atPath: model, toPath: workplace.path(place)) }
  }

  /// What the program answers a completion script that asks about the last of some words.
  private func answers(
    to argument: String, _ words: String..., shell: String = "", environment: [String: String] = [:]
  ) throws -> [String] {
    let outcome = try workplace.run(
      ["---completion", words[0], "--", argument, "\(words.count)", "\(words.last!.count)", "gradcam"] + words,
      environment: ["SAP_SHELL": shell].merging(environment) { $1 })
    #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome)")
    return outcome.output.split(separator: "\n").map(String.init)
  }

  @Test func modelsAreNamesAndFiles() throws {
    func models(_ typed: String) throws -> [String] { try answers(to: "positional@0", "explain", typed) }
    #expect(Set(try models("")) == ["resnet", "vgg", "models/", "others/", "my dir/", "empty/"])
    #expect(try models("models/") == ["models/resnet.onnx", "models/vgg.onnx"])
    #expect(try models("models/v") == ["models/vgg.onnx"])
    // A folder that is the only candidate gives way to what it holds.
    #expect(try models("others/") == ["others/deep/plain.onnx"])
    #expect(try models("nowhere/").isEmpty && models("models/vgg.onnx/").isEmpty)
  }

  @Test func theModelsFolderIsTheOneThatIsMeant() throws {
    #expect(try answers(to: "positional@0", "nodes", "--models", "others/deep", "").contains("plain"))
    // bash splits words at '='.
    #expect(try answers(to: "positional@0", "nodes", "--models", "=", "others/deep", "").contains("plain"))
    #expect(try answers(to: "positional@0", "nodes", "--models=others/deep", "").contains("plain"))
    let environment = ["GRADCAM_MODELS": "others/deep"]
    #expect(try answers(to: "positional@0", "nodes", "", environment: environment).contains("plain"))
    #expect(
      try !answers(to: "positional@0", "nodes", "--models", "models", "", environment: environment).contains("plain"))
  }

  /// The names offered are the names that `nodes` lists, and each means its node.
  @Test(arguments: ["vgg", "resnet"])
  func nodesAreThoseOfTheModel(_ model: String) throws {
    let names = try answers(to: "--node", "explain", model, "photo.png", "--node", "")
    let listed = try workplace.succeed("nodes", model, "--json").json([[String: Any]].self)
    #expect(names.first == "auto" && names.count == listed.count + 1)
    for (name, node) in zip(names.dropFirst(), listed) {
      let forms = [node["name"], node["tensor"], node["module"]].compactMap { $0 as? String }
      #expect(
        forms.contains { name == $0 || name.hasPrefix($0 + ":") || $0.hasPrefix(name + ":") }, "\(name): \(forms)")
    }
    let options = names.flatMap { ["--node", $0] }
    let outcome = try workplace.run(["verify", model, "--json"] + options.suffix(4))
    #expect(outcome.code == 0, "\(outcome.errors)")
  }

  @Test func nodesOfAllModelsCompared() throws {
    let names = try answers(to: "--node", "compare", "vgg", "models/resnet.onnx", "--images", "a.png", "--node", "")
    #expect(names.contains("features.20") && names.contains { $0.hasPrefix("layer3.") })
    #expect(Set(names).count == names.count)
  }

  @Test func labelsAndOutputsAreThoseOfTheModel() throws {
    let labels = ["circle", "square", "triangle", "star", "cross", "ring", "heart", "moon"]
    #expect(try answers(to: "--class", "explain", "vgg", "photo.png", "--class", "") == labels)
    #expect(try answers(to: "--class", "explain", "--class", "") == [])
    try Data("tench\ngold fish\n".utf8).write(to: workplace.folder.appendingPathComponent("names.txt"))
    #expect(
      try answers(to: "--class", "explain", "vgg", "--labels", "names.txt", "--class", "") == ["tench", "gold fish"])
    #expect(try answers(to: "--output-name", "explain", "vgg", "--output-name", "") == ["logits"])
  }

  @Test func quotedWordsAreUnderstood() throws {
    for typed in [
      #"my\ dir/a\ model.onnx"#, "'my dir/a model.onnx'", #""my dir/a model.onnx""#, #"my" "dir/a' 'model.onnx"#,
    ] {
      #expect(try answers(to: "--node", "explain", typed, "--node", "").contains("relu2"), "\(typed)")
    }
    let home = ["HOME": workplace.folder.path]
    #expect(try answers(to: "--node", "explain", "~/models/vgg.onnx", "--node", "", environment: home).count > 10)
    #expect(try answers(to: "positional@0", "explain", "~/models/v", environment: home) == ["~/models/vgg.onnx"])
  }

  @Test func nothingIsSaidOfWhatCannotBeRead() throws {
    for broken in ["text", "cut-short", "no-image", "wrong-shape", "unknown-operator", "foreign-operator"] {
      let names = try answers(to: "--node", "explain", fixture("\(broken).onnx"), "--node", "")
      #expect(names.first == "auto", "\(broken)")
      _ = try answers(to: "--class", "explain", fixture("\(broken).onnx"), "--class", "")
    }
  }

  /// Completing is fast enough to wait for: 0.06 s, but other tests run meanwhile.
  @Test func answersComeAtOnce() throws {
    let clock = ContinuousClock()
    let fastest = try (0..<3).map { _ in
      try clock.measure { _ = try answers(to: "--node", "explain", "resnet", "--node", "") }
    }.min()!
    #expect(fastest < .seconds(1), "\(fastest)")
  }

  /// Every argument that the help describes has completions that fit.
  @Test func everyArgumentHasCompletionsThatFit() throws {
    let help = try workplace.succeed("--experimental-dump-help").json([String: Any].self)
    let program = try #require(help["command"] as? [String: Any])
    var count = 0
    for command in try #require(program["subcommands"] as? [[String: Any]])
    where command["commandName"] as? String != "help" {
      for argument in command["arguments"] as? [[String: Any]] ?? [] where argument["kind"] as? String != "flag" {
        let name = (argument["preferredName"] as? [String: Any])?["name"] as? String
        let value = argument["valueName"] as? String ?? "", kind = argument["completionKind"] as? [String: Any] ?? [:]
        let place: Comment = "\(command["commandName"] ?? "") \(name ?? "") \(value)"
        count += 1
        let list = (kind["list"] as? [String: Any])?["values"] as? [String]
        if let values = argument["allValues"] as? [String] { #expect(list == values, place) }
        let isPath = ["FILE", "PATH", "PNG", "IMAGE", "NPY", "LIB"].contains(where: value.contains)
        if isPath || ["images", "image"].contains(value) { #expect(kind["file"] != nil, place) }
        if value == "DIR" || ["folder", "folders"].contains(value) { #expect(kind["directory"] != nil, place) }
        if value == "model" || ["node", "class", "output-name"].contains(name) {
          #expect(kind["custom"] != nil, place)
        }
        switch name {
        case "method": #expect(list?.prefix(CAMMethods.all.count) == CAMMethods.all.map(\.name)[...], place)
        case "metric": #expect(list == Metrics.all.map(\.name) + ["none"], place)
        case "preset", "channels", "interpolation", "layout", "axis": #expect(list?.isEmpty == false, place)
        default: break
        }
      }
    }
    #expect(count > 200)
  }
}

/// The completion script in a real bash, which reads candidates as shell words.
struct BashCompletionTests {
  private static let hasBash = FileManager.default.isExecutableFile(atPath: "/bin/bash")
  private let workplace: Workplace

  init() throws {
    workplace = try Workplace()
    try FileManager.default.createDirectory(atPath: workplace.path("models"), withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      atPath: shipped("shapes-resnet.onnx"), toPath: workplace.path("models/resnet.onnx"))
  }

  /// What bash completes the last of some words with.
  private func completed(_ words: String...) throws -> [String] {
    let script = """
      source <(gradcam --generate-completion-script bash)
      COMP_WORDS=(gradcam "$@"); COMP_CWORD=$#; COMP_LINE="${COMP_WORDS[*]}"; COMP_POINT=${#COMP_LINE}
      _gradcam gradcam "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
      printf '%s\\n' "${COMPREPLY[@]}"
      """
    let path = Workplace.programs.path + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "")
    let outcome = try workplace.run(
      ["--norc", "--noprofile", "-c", script, "bash"] + words, program: "/bin/bash", environment: ["PATH": path])
    #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome)")
    return outcome.output.split(separator: "\n").map(String.init)
  }

  @Test(.enabled(if: hasBash, "needs bash"))
  func valuesAreCompleted() throws {
    #expect(try completed("expl") == ["explain"])
    #expect(try completed("explain", "res") == ["resnet"])
    #expect(try completed("explain", "resnet", "a.png", "--method", "layer") == ["layercam"])
    #expect(try completed("explain", "resnet", "a.png", "--style", "") == ["overlay", "heat", "side-by-side", "mask"])
    #expect(try completed("explain", "resnet", "a.png", "--class", "st") == ["star"])
    #expect(try completed("explain", "resnet", "a.png", "--node", "layer3.0.").contains("layer3.0.relu:1"))
    #expect(try completed("explain", "resnet", "a.png", "--save-m") == ["--save-map"])
    #expect(try completed("sweep", "resnet", "a.png", "--metric", "ro") == ["road"])
  }

  /// bash expands candidates, so a name from a file must not be a command.
  @Test(.enabled(if: hasBash, "needs bash"))
  func namesAreNotRun() throws {
    let hostile = [
      "$(touch pwned)", "`touch pwned`", "it's; touch pwned", "a b", "${HOME}", #"back\slash"#, "\"quoted\"",
    ]
    for name in hostile {
      try FileManager.default.copyItem(
        atPath: fixture("plain.onnx"), toPath: workplace.path("models/\(name).onnx"))
    }
    let names = try completed("explain", "")
    for name in hostile { #expect(names.contains(name), "\(name): \(names)") }
    #expect(!workplace.files.contains { $0.hasSuffix("pwned") })
    try Data((hostile.joined(separator: "\n") + "\n").utf8).write(
      to: workplace.folder.appendingPathComponent("names.txt"))
    #expect(try completed("explain", "resnet", "--labels", "names.txt", "--class", "") == hostile)
    #expect(!workplace.files.contains { $0.hasSuffix("pwned") })
  }
}
