import Foundation
import GradCAM
import Testing

/// `make install`: the folder that it stages, its copy below a prefix, and the manual pages.
struct InstallationTests {
  /// The staged folder, made once of what was built for the tests.
  private static let stage: Result<String, any Error> = Result {
    let folder = Workplace.programs.appendingPathComponent("installation").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try run("swiftc", ofPackage("scripts/make-manual.swift"), "-o", folder + "/make-manual")
    try run(
      ofPackage("scripts/stage.sh"), Workplace.built("gradcam").path, Workplace.built("libGradCAMShared.so").path,
      folder + "/make-manual", folder + "/stage")
    return folder + "/stage"
  }

  private static func run(_ program: String, _ arguments: String...) throws {
    let outcome = try Workplace().run([program] + arguments, program: "/usr/bin/env")
    try #require(outcome.code == 0, "\(program) \(arguments): \(outcome.errors)")
  }

  private static let commands = [
    "explain", "serve", "compare", "drift", "sweep", "evaluate", "merge", "rerun", "preprocess", "nodes", "verify",
    "check", "bench", "models", "plugins",
  ]

  private let place: Workplace

  init() throws { place = try Workplace() }

  private func script(_ name: String, _ arguments: String...) throws -> Workplace.Outcome {
    try place.run(arguments, program: ofPackage("scripts/\(name).sh"))
  }

  @Test func everythingIsInItsUsualPlace() throws {
    let stage = try Self.stage.get()
    let files = Set((FileManager.default.enumerator(atPath: stage)?.compactMap { $0 as? String } ?? []))
    for file in [
      "bin/gradcam", "lib/libgradcam.so", "lib/pkgconfig/gradcam.pc", "include/gradcam.h", "share/man/man1/gradcam.1",
      "share/bash-completion/completions/gradcam", "share/zsh/site-functions/_gradcam",
      "share/fish/vendor_completions.d/gradcam.fish",
    ] + Self.commands.map({ "share/man/man1/gradcam-\($0).1" }) { #expect(files.contains(file), "\(file)") }
    #expect(!files.contains { $0.contains("gradcam-help") })
    for shell in ["bash-completion/completions/gradcam", "zsh/site-functions/_gradcam"] {
      #expect(
        try String(contentsOfFile: "\(stage)/share/\(shell)", encoding: .utf8).contains(
          "---completion explain -- --node"))
    }
  }

  @Test func uninstallingLeavesWhatWasThere() throws {
    let stage = try Self.stage.get(), prefix = place.path("prefix")
    for folder in ["bin", "share/man"] {
      try FileManager.default.createDirectory(atPath: "\(prefix)/\(folder)", withIntermediateDirectories: true)
    }
    try Data("mine".utf8).write(to: URL(fileURLWithPath: prefix + "/bin/other"))
    let before = place.files
    #expect(try script("install", stage, prefix).code == 0)
    let installed = place.files
    #expect(installed.count > before.count + 20)
    #expect(try place.run(["--version"], program: prefix + "/bin/gradcam").code == 0)
    // A second run changes nothing; a file that a later version no longer has goes.
    #expect(try script("install", stage, prefix).code == 0)
    #expect(place.files == installed)
    try FileManager.default.copyItem(atPath: stage, toPath: place.path("older"))
    try Data().write(to: URL(fileURLWithPath: place.path("older/bin/gone")))
    #expect(try script("install", place.path("older"), prefix).code == 0)
    try FileManager.default.removeItem(atPath: place.path("older"))
    #expect(place.files.contains("prefix/bin/gone"))
    #expect(try script("install", stage, prefix).code == 0)
    #expect(place.files == installed)
    // A file that somebody else added to a folder of ours stays, with the folder.
    try Data("mine".utf8).write(to: URL(fileURLWithPath: prefix + "/share/fish/mine"))
    #expect(try script("uninstall", prefix).code == 0)
    #expect(place.files == (before + ["prefix/share/fish", "prefix/share/fish/mine"]).sorted())
    let again = try script("uninstall", prefix)
    #expect(again.code == 1 && again.errors.hasPrefix("Nothing is installed below"))
  }

  @Test func aNewPrefixGoesAltogether() throws {
    let prefix = place.path("new prefix/local")
    try FileManager.default.createDirectory(atPath: place.path("new prefix"), withIntermediateDirectories: true)
    #expect(try script("install", Self.stage.get(), prefix).code == 0)
    #expect(place.files.contains("new prefix/local/bin/gradcam"))
    #expect(try script("uninstall", prefix).code == 0)
    #expect(place.files == ["new prefix"])
  }

  @Test func whatFailsCanBeRemoved() throws {
    try FileManager.default.createDirectory(atPath: place.path("prefix"), withIntermediateDirectories: true)
    try Data("mine".utf8).write(to: URL(fileURLWithPath: place.path("prefix/lib")))
    let before = place.files
    let outcome = try script("install", Self.stage.get(), place.path("prefix"))
    #expect(outcome.code != 0 && !outcome.output.contains("is installed"))
    #expect(try script("uninstall", place.path("prefix")).code == 0)
    #expect(place.files == before)
  }

  private func page(_ command: String) throws -> String {
    let name = command.isEmpty ? "gradcam" : "gradcam-\(command)"
    return try String(contentsOfFile: Self.stage.get() + "/share/man/man1/\(name).1", encoding: .utf8)
  }

  /// A page has every option of `--help`, and the sections that readers look for.
  @Test(arguments: [""] + commands)
  func pagesSayWhatTheHelpSays(_ command: String) throws {
    let page = try page(command), plain = page.replacingOccurrences(of: "\\-", with: "-")
    for title in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES"] {
      #expect(page.contains(".SH \"\(title)\"") || page.contains(".SH \(title)\n"), "\(title)")
    }
    let help = try place.run((command.isEmpty ? [] : [command]) + ["--help"], environment: ["COLUMNS": "10000"]).output
    let options = Set(help.matches(of: /--[a-z][a-z-]*/).map { String($0.0) })
    #expect(!options.isEmpty)
    for option in options { #expect(plain.contains(option), "\(option)") }
    // Options stand under the titles that the help gives them.
    for title in help.matches(of: /\n([A-Z][A-Z ]+):\n/).map({ String($0.1) }) where title != "SUBCOMMANDS" {
      #expect(page.uppercased().contains("\"\(title)\"") || title == "OPTIONS", "\(title)")
    }
    for code in ["0", "1", "64", "65", "66", "69", "70", "73", "130"] {
      #expect(page.contains(".B \(code)\n"), "\(code)")
    }
    let variables = Set(help.matches(of: /GRADCAM_[A-Z]+/).map { String($0.0) })
    for name in variables { #expect(page.contains(".B \(name)\n"), "\(name)") }
    #expect(["", "check", "merge"].contains(command) || variables.count > 0)
    // Text that begins with a dot or an apostrophe would be a request.
    for line in page.split(separator: "\n") where line.hasPrefix("'") || line.hasPrefix(".") {
      #expect(line.firstMatch(of: /^\.(\\"|[A-Z]{1,2}\b|nh|ad|nf|fi)/) != nil, "\(line)")
    }
  }

  /// The examples work as they stand.
  @Test(arguments: [""] + commands)
  func examplesRun(_ command: String) throws {
    let files = FileManager.default
    for name in ["model", "int8"] {
      try files.copyItem(atPath: shipped("shapes-vgg.onnx"), toPath: place.path("\(name).onnx"))
    }
    try files.copyItem(atPath: shipped("shapes-resnet.onnx"), toPath: place.path("other.onnx"))
    try files.createDirectory(atPath: place.path("pictures"), withIntermediateDirectories: true)
    try Picture(contentsOf: shipped("samples/pair-006-star-cross.png")).write(to: place.path("photo.jpg"))
    try files.copyItem(atPath: place.path("photo.jpg"), toPath: place.path("pictures/photo.jpg"))
    try files.copyItem(atPath: fixture("plugins/cases"), toPath: place.path("cases"))
    try files.createDirectory(atPath: place.path("photos"), withIntermediateDirectories: true)
    for number in 1...4 {
      try files.copyItem(atPath: place.path("photo.jpg"), toPath: place.path("photos/\(number).jpg"))
    }
    // What is merged: the rows of the shards of a folder.
    if command == "merge" {
      for number in 1...3 {
        _ = try place.succeed("explain", "model.onnx", "photos", "--rows", "\(number).jsonl", "--shard", "\(number)/3")
      }
    }
    let examples = try page(command).split(separator: ".SH \"EXAMPLES\"").last!.split(separator: "\n")
      .filter { $0.hasPrefix("gradcam ") }.map { $0.replacingOccurrences(of: "\\-", with: "-") }
    #expect(!examples.isEmpty)
    for example in examples {
      let words = example.split(separator: " ").dropFirst().map(String.init), isServer = words[0] == "serve"
      let outcome = try place.run(words) { process in
        guard isServer else { return }
        usleep(1_000_000)
        process.terminate()
      }
      #expect(outcome.code == (isServer ? 128 + SIGTERM : 0), "\(example): \(outcome.errors)")
    }
  }
}
