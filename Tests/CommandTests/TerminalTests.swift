import Foundation
import GradCAM
import Testing

/// `--terminal`, in terminals that answer and that do not.
struct TerminalTests {
  private let workplace: Workplace
  private static let model = shipped("shapes-vgg.onnx"), image = shipped("samples/pair-006-star-cross.png")
  private static let explain = ["explain", model, image, "--terminal"]

  init() throws { workplace = try Workplace() }

  private func terminal() throws -> PseudoTerminal { try PseudoTerminal(columns: 100, rows: 40, cell: (8, 16)) }

  /// The picture that `explain` writes.
  private func drawn() throws -> Picture {
    _ = try workplace.succeed("explain", Self.model, Self.image, "--output", "map.png")
    defer { try? FileManager.default.removeItem(atPath: workplace.path("map.png")) }
    return try workplace.picture("map.png")
  }

  private func caption(_ text: String) throws -> String {
    try #require(text.split(separator: "\n").last { $0.contains(" at features.") }.map(String.init))
  }

  @Test func kittyShowsTheVeryPicture() throws {
    let answers = "\u{1B}_Gi=31;OK\u{1B}\\\u{1B}P>|kitty(0.38.1)\u{1B}\\\u{1B}[?62;c"
    let outcome = try terminal().run(Self.explain, in: workplace.folder, answer: answers)
    #expect(outcome.code == 0 && outcome.isRestored, "\(outcome.text)")
    // What comes before is the question.
    let start = try #require(outcome.output.firstRange(of: Array("\u{1B}_Ga=T".utf8))).lowerBound
    let sent = try #require(TerminalPictures.kitty(Array(outcome.output[start...])))
    #expect(try Picture(decoding: sent.data) == drawn())
    #expect(outcome.text.contains("\r") == false && outcome.text.hasSuffix(" by gradcam\n"))
    #expect(!outcome.text.contains("▀") && workplace.files.isEmpty)
  }

  @Test func sixelsHaveTheColoursThatTheTerminalHas() throws {
    let answers = "\u{1B}P>|XTerm(379)\u{1B}\\\u{1B}[?1;0;16S\u{1B}[?63;1;4;22c"
    let outcome = try terminal().run(Self.explain, in: workplace.folder, answer: answers)
    #expect(outcome.code == 0 && outcome.isRestored)
    let start = try #require(outcome.output.firstRange(of: Array("\u{1B}P0;1;0q".utf8))).lowerBound
    let end = try #require(outcome.output[start...].firstRange(of: Array("\u{1B}\\".utf8))).upperBound
    let shown = try #require(TerminalPictures.sixel(outcome.output[start..<end]))
    #expect(outcome.text.contains("#15;2;") && !outcome.text.contains("#16;2;"))
    let drawn = try drawn().resized(width: shown.width, height: shown.height)
    #expect(shown.width == shown.height && TerminalPictures.likeness(shown, drawn) > 22)
  }

  @Test func iTermSaysItsName() throws {
    let outcome = try terminal().run(
      Self.explain, in: workplace.folder, answer: "\u{1B}P>|iTerm2 3.5.3\u{1B}\\\u{1B}[?64;4c")
    let code = try #require(outcome.text.firstMatch(of: /\u{1B}\]1337;File=inline=1;[^:]*:([^\u{7}]*)\u{7}/))
    #expect(try Picture(decoding: Array(try #require(Data(base64Encoded: String(code.1))))) == drawn())
  }

  @Test func otherTerminalsGetHalfBlocks() throws {
    let place = try PseudoTerminal(columns: 60, rows: 30)
    let outcome = try place.run(
      Self.explain, in: workplace.folder, environment: ["COLORTERM": "truecolor"], answer: "\u{1B}[?1;2c")
    #expect(outcome.code == 0 && outcome.isRestored)
    let lines = outcome.text.split(separator: "\n").filter { $0.contains("▀") }.map(String.init)
    let shown = try #require(TerminalPictures.halfBlocks(lines))
    #expect((shown.width, shown.height) == (56, 56), "two of 30 rows stay free")
    #expect(TerminalPictures.likeness(shown, try drawn().resized(width: 56, height: 56)) > 60)
  }

  /// A terminal that never answers: what is known about it decides, and it is as it was before.
  @Test func silenceIsNotWaitedForLong() throws {
    let clock = ContinuousClock(), start = clock.now
    let outcome = try terminal().run(Self.explain, in: workplace.folder)
    #expect(outcome.code == 0 && outcome.isRestored && outcome.text.contains("\u{1B}[38;5;"))
    let without = try terminal().run(
      Self.explain + ["--terminal-protocol", "blocks"], in: workplace.folder, environment: ["TERM": "linux"])
    #expect(without.code == 0 && without.text.contains("\u{1B}[38;2;") && !without.text.contains("\u{1B}[c"))
    #expect(start.duration(to: clock.now) < .seconds(20))
  }

  /// Answers that come too late are not shown, and not left to the shell.
  @Test func lateAnswersVanish() throws {
    let place = try terminal()
    let outcome = try place.run(Self.explain, in: workplace.folder) { _, terminal in
      usleep(230_000)
      terminal.type("\u{1B}_Gi=31;OK\u{1B}\\\u{1B}[?62;c")
    }
    #expect(outcome.code == 0 && outcome.isRestored && !outcome.text.contains("[?62;c"))
    #expect(outcome.text.contains("▀") && !outcome.text.contains("_Ga=T"))
  }

  @Test(arguments: [SIGINT, SIGTERM]) func signalsRestoreTheTerminal(_ signal: Int32) throws {
    let place = try terminal()
    let outcome = try place.run(Self.explain, in: workplace.folder) { process, _ in
      usleep(50_000)
      kill(process, signal)
    }
    #expect(outcome.code == 128 + signal && outcome.isRestored)
  }

  /// A program that is interrupted while the terminal takes a picture ends its escape code.
  @Test(arguments: ["kitty", "iterm2", "sixel", "blocks"]) func interruptedPicturesAreEnded(_ name: String) throws {
    let triggers = ["kitty": "\u{1B}_Ga=T", "iterm2": "\u{1B}]1337", "sixel": "\u{1B}P0;1", "blocks": "▀"]
    let place = try PseudoTerminal(columns: 500, rows: 200, cell: (2, 4))
    let options = ["--terminal-protocol", name, "--method", "fast"]
    let outcome = try place.run(
      Self.explain + options, in: workplace.folder, environment: ["TERM": "linux"], trigger: triggers[name]!
    ) { process, _ in
      // The terminal's buffer is full by then.
      usleep(300_000)
      kill(process, SIGINT)
    }
    #expect(outcome.code == 130 && outcome.isRestored, "\(outcome.code), \(outcome.output.count) bytes")
    let end = try #require(outcome.text.range(of: "\u{1B}\\\u{1B}[0m\n", options: .backwards))
    #expect(outcome.text[end.upperBound...].count < 10, "nothing but the progress bar's end comes after it")
  }

  /// A pager, a log or a file gets text.
  @Test func redirectedOutputIsText() throws {
    let place = try PseudoTerminal(columns: 50, rows: 20)
    let path = workplace.path("log")
    let outcome = try place.run(Self.explain, in: workplace.folder, environment: ["TERM": "xterm-kitty"], output: path)
    let log = String(decoding: try workplace.contents("log"), as: UTF8.self)
    #expect(outcome.code == 0 && !log.contains("\u{1B}_") && !(log + outcome.text).contains("\u{1B}[c"))
    let lines = log.split(separator: "\n").filter { $0.contains("▀") }.map(String.init)
    #expect(lines.count == 18 && TerminalPictures.halfBlocks(lines)?.width == 36, "as large as the terminal")
  }

  @Test(arguments: [("80", 38, 76), ("30", 15, 30)])
  func variablesGiveASize(_ columns: String, _ down: Int, _ across: Int) throws {
    let outcome = try workplace.run(Self.explain, environment: ["COLUMNS": columns, "LINES": "40"])
    #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n").filter { $0.contains("▀") }
    #expect(lines.count == down && lines.allSatisfy { $0.count { $0 == "▀" } == across })
  }

  @Test func filesAreWrittenOnlyIfTheyAreNamed() throws {
    let shown = try workplace.run(Self.explain)
    #expect(workplace.files.isEmpty && !shown.output.contains("→"))
    let both = try workplace.run(Self.explain + ["--output", "map.png"])
    #expect(workplace.files == ["map.png"] && both.output.contains("▀"))
    #expect(try caption(both.output).hasSuffix("by gradcam → map.png"))
    let sheet = try workplace.run(Self.explain + ["--sheet", "sheet.png", "--top", "2"])
    #expect(workplace.files == ["map.png", "sheet.png"] && sheet.output.contains("▀"))
    let arrays = try workplace.run(Self.explain + ["--save-heat", "heat.npy", "--quiet"])
    #expect(workplace.files == ["heat.npy", "map.png", "sheet.png"])
    #expect(arrays.output.split(separator: "\n").allSatisfy { $0.contains("▀") })
  }

  @Test func captionsSayWhatIsShown() throws {
    let outcome = try workplace.run(Self.explain + ["--class", "star", "--class", "moon", "--node", "features.10"])
    let captions = outcome.output.split(separator: "\n").filter { $0.contains(" by gradcam") }
    #expect(captions.count == 2 && captions.allSatisfy { $0.hasPrefix("  pair-006-star-cross.png: ") })
    #expect(captions[0].contains(/: star [0-9.]+% at features\.10 by gradcam$/))
    #expect(captions[1].contains(/: moon <?[0-9.]+% at features\.10 by gradcam$/))
  }

  @Test func methodsStandSideBySide() throws {
    let outcome = try workplace.run(
      Self.explain + ["--method", "fast"], environment: ["COLUMNS": "100"])
    #expect(outcome.code == 0 && workplace.files.isEmpty, "\(outcome.errors)")
    #expect(outcome.output.contains(/\nimage +gradcam/))
    #expect(try caption(outcome.output).contains(/by [0-9]+ methods$/))
  }

  @Test func compareShowsItsGrid() throws {
    let arguments = ["compare", Self.model, shipped("shapes-resnet.onnx"), Self.image, "--metric", "none"]
    let outcome = try workplace.run(arguments + ["--terminal"])
    #expect(outcome.code == 0 && workplace.files.isEmpty, "\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n").map(String.init)
    let rows = lines.filter { $0.contains("▀") }
    // The image and two models, of 25 columns each.
    #expect(!rows.isEmpty && rows.allSatisfy { $0.count { $0 == "▀" } == 75 })
    #expect(lines.contains { $0.contains("% shapes-vgg") && $0.contains("% shapes-resnet") })
    #expect(lines.contains { $0.contains("features.20") && $0.contains("star-cross.png") })
    _ = try workplace.run(arguments + ["--terminal", "--output", "grid.png"])
    #expect(workplace.files == ["grid.png"])
  }

  @Test(arguments: [
    ["explain", model, image, "--json", "--terminal"], ["explain", model, image, "--jsonl", "--terminal"],
    ["explain", model, image, "--json", "--terminal-protocol", "kitty"],
    ["compare", model, image, "--json", "--terminal"],
  ])
  func jsonHasStandardOutputToItself(_ arguments: [String]) throws {
    let outcome = try workplace.run(arguments)
    #expect(outcome.code == 64 && outcome.output.isEmpty)
    #expect(outcome.errors.contains("Give --terminal or JSON, not both"))
  }

  @Test func terminalsWithoutColoursAreAnError() throws {
    let outcome = try terminal().run(Self.explain, in: workplace.folder, environment: ["TERM": "dumb"])
    #expect(outcome.code == 64 && outcome.text.contains("error: --terminal: this terminal shows no colours"))
    #expect(!outcome.text.contains("▀") && !outcome.text.contains("\u{1B}[c"))
  }

  /// Names of any origin reach the terminal without their control characters.
  @Test func namesAreHarmless() throws {
    let name = "\u{1B}]0;owned\u{7}.png", labels = (0..<8).map { "\u{1B}[2J\u{9B}31m\($0)" }
    try FileManager.default.copyItem(atPath: Self.image, toPath: workplace.path(name))
    try JSONEncoder().encode(labels).write(to: URL(fileURLWithPath: workplace.path("labels.json")))
    for arguments in [
      ["explain", Self.model, name], ["explain", Self.model, name, "--method", "fast"],
      ["explain", Self.model, name, "--top", "3", "--sheet", "sheet.png"],
      ["compare", Self.model, shipped("shapes-resnet.onnx"), name, "--metric", "none"],
    ] {
      let outcome = try workplace.run(arguments + ["--terminal", "--labels", "labels.json"])
      #expect(outcome.code == 0, "\(outcome.errors)")
      let text = outcome.output.replacing(/\u{1B}\[[0-9;]*m/, with: "")
      #expect(text.unicodeScalars.allSatisfy { !$0.isControl || $0 == "\n" }, "\(text.visible)")
      #expect(!text.contains("owned\u{7}") && !outcome.output.contains("\u{1B}[2J"))
    }
  }
}
