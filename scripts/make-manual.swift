// Writes the manual pages: gradcam --experimental-dump-help | make-manual FOLDER
//
// What a page says of a command and its options is the command's own help. Only the environment and the examples are
// kept here.
import Foundation

struct Help: Decodable {
  let command: Command
}

struct Command: Decodable {
  let commandName: String
  let abstract: String?
  let discussion: String?
  let subcommands: [Command]?
  let arguments: [Argument]?
  let shouldDisplay: Bool?
}

struct Argument: Decodable {
  struct Name: Decodable {
    let kind, name: String
  }

  let kind: String
  let names: [Name]?
  let valueName, abstract, discussion, defaultValue, sectionTitle: String?
  let allValues: [String]?
  let isOptional, isRepeating, shouldDisplay: Bool
}

struct Example {
  let says, command: String
}

/// What variables of the environment mean.
let environment = [
  "GRADCAM_MODELS": "The models folder, unless --models names one: NAME means NAME.onnx in it.",
  "GRADCAM_PLUGINS": "Plugins that are loaded besides those of --plugin and --plugin-dir: paths separated by colons.",
]

let examples: [String: [Example]] = [
  "gradcam": [
    Example(says: "Why does the network see what it sees?", command: "gradcam explain model.onnx photo.jpg"),
    Example(says: "Which nodes can be named?", command: "gradcam nodes model.onnx"),
  ],
  "explain": [
    Example(
      says: "The three most probable classes at two nodes, six pictures in a folder:",
      command: "gradcam explain model.onnx photo.jpg --top 3 --node Conv:-1 --node Conv:-2 --output maps/"),
    Example(
      says: "Every method in one picture:",
      command: "gradcam explain model.onnx photo.jpg --class 2 --method all --output methods.png"),
    Example(
      says: "The numbers in place of a picture alone:",
      command: "gradcam explain model.onnx photo.jpg --method layercam --save-map map.npy --json"),
  ],
  "serve": [
    Example(
      says: "The network in the browser, with a picture at the start; Ctrl-C ends it:",
      command: "gradcam serve model.onnx photo.jpg")
  ],
  "compare": [
    Example(
      says: "A page to open in a browser:",
      command: "gradcam compare model.onnx other.onnx --images photo.jpg --report comparison.html")
  ],
  "drift": [
    Example(
      says: "Where an int8 file differs from the network that it was made of:",
      command: "gradcam drift model.onnx int8.onnx --images photo.jpg")
  ],
  "merge": [
    Example(
      says: "The rows of three shards, which must be those of all pictures in a folder:",
      command: "gradcam merge 1.jsonl 2.jsonl 3.jsonl --output all.jsonl --expect photos")
  ],
  "sweep": [
    Example(says: "All nodes on one sheet:", command: "gradcam sweep model.onnx photo.jpg --output nodes.png"),
    Example(
      says: "The best node of this picture, for --node:", command: "gradcam sweep model.onnx photo.jpg --best"),
  ],
  "evaluate": [
    Example(
      says: "Is this method better than chance?",
      command: "gradcam evaluate model.onnx pictures --method gradcam --method random --metric insertion")
  ],
  "rerun": [
    Example(
      says: "Keep how a picture came about, and make sure later that it is still made the same:",
      command: "gradcam explain model.onnx photo.jpg --provenance run.json"),
    Example(says: "With the file of that run:", command: "gradcam rerun run.json"),
  ],
  "preprocess": [
    Example(
      says: "Under which preprocessing does the model see what is there?",
      command: "gradcam preprocess model.onnx photo.jpg")
  ],
  "nodes": [
    Example(
      says: "The names of all nodes, for a script:",
      command: "gradcam nodes model.onnx --all --json")
  ],
  "verify": [
    Example(says: "Is the gradient at a node right?", command: "gradcam verify model.onnx photo.jpg --node auto")
  ],
  "check": [
    Example(says: "All cases below a folder:", command: "gradcam check cases --json")
  ],
  "bench": [
    Example(says: "Where does the time go?", command: "gradcam bench model.onnx --runs 3 --profile")
  ],
  "models": [
    Example(says: "What is in a folder:", command: "gradcam models --models .")
  ],
  "plugins": [
    Example(says: "What the program provides itself:", command: "gradcam plugins")
  ],
]

func fail(_ text: String) -> Never {
  FileHandle.standardError.write(Data("make-manual: \(text)\n".utf8))
  exit(1)
}

/// Text that roff prints as it is.
func roff(_ text: some StringProtocol) -> String {
  let plain = text.replacingOccurrences(of: "\\", with: "\\e").replacingOccurrences(of: "-", with: "\\-")
  return plain.hasPrefix(".") || plain.hasPrefix("'") ? "\\&" + plain : plain
}

/// The same as one argument of a macro.
func argument(_ text: some StringProtocol) -> String {
  "\"" + roff(text).replacingOccurrences(of: "\"", with: "\\(dq") + "\""
}

/// A text as a sentence of its own.
func sentence(_ text: some StringProtocol) -> String {
  let first = text.prefix(1).uppercased() + text.dropFirst()
  return first.isEmpty || ".:?!".contains(first.last!) ? first : first + "."
}

/// A line shown as it is, in a paragraph of its own.
func verbatim(_ line: some StringProtocol) -> [String] { [".PP", ".RS 4", ".nf", roff(line), ".fi", ".RE"] }

/// An entry of a list.
func entry(_ term: String, _ text: some StringProtocol) -> [String] { [".TP", term, roff(text)] }

/// Paragraphs; indented lines `term: text` are a list, other indented lines are shown as they are.
func paragraphs(_ text: String) -> [String] {
  text.split(separator: "\n", omittingEmptySubsequences: false).flatMap { line -> [String] in
    let content = line.drop { $0 == " " }
    if content.isEmpty { return [".PP"] }
    if content.count == line.count { return [roff(content)] }
    guard let colon = content.range(of: ": "), !content[..<colon.lowerBound].contains(" ") else {
      return verbatim(content)
    }
    return entry(".B " + argument(content[..<colon.lowerBound]), sentence(content[colon.upperBound...]))
  }
}

/// The exit codes, which the program's help lists in one line.
struct ExitCodes {
  let line: String
  let meanings: [(code: Int, text: String)]

  init(of program: Command) {
    let start = "Exit codes: "
    guard let line = program.discussion?.split(separator: "\n").first(where: { $0.hasPrefix(start) }) else {
      fail("the program's help has no line '\(start)…'")
    }
    self.line = String(line)
    meanings = line.dropFirst(start.count).split(separator: ",").map { item in
      let words = item.split(separator: " ", maxSplits: 1)
      guard words.count == 2, let code = Int(words[0]) else { fail("'\(item)' is not an exit code with its meaning") }
      return (code, sentence(words[1]))
    }
  }
}

extension Argument {
  var isOption: Bool { !(names ?? []).isEmpty }
  var isRequired: Bool { !isOptional }
  /// Whether every command has it.
  var isGeneral: Bool { names?.contains { ["help", "version"].contains($0.name) } ?? false }

  /// Its names, as they are typed.
  var spelling: String { (names ?? []).map { ($0.kind == "long" ? "--" : "-") + $0.name }.joined(separator: ", ") }

  /// Its names with its value.
  var usage: String {
    let value = argument(valueName ?? "")
    if !isOption { return isRepeating ? ".IR \(value) ..." : ".I \(value)" }
    return kind == "flag" ? ".B \(argument(spelling))" : ".BI \(argument(spelling + " ")) \(value)"
  }

  /// Its part of the synopsis; nil for one of the options that are summed up there.
  var synopsis: String? {
    if isOption { return isRequired ? usage + (isRepeating ? " \" ...\"" : "") : nil }
    let value = argument(valueName ?? "")
    return isRequired ? usage : ".RI [ \(value) \(isRepeating ? "\" ...]\"" : "]")"
  }

  /// What it does.
  var description: String {
    var texts = [abstract, discussion].compactMap { $0 }.filter { !$0.isEmpty }.map { sentence($0) }
    if texts.isEmpty { fail("\(spelling) \(valueName ?? "") is not explained") }
    if let allValues, !allValues.isEmpty { texts.append("Values: \(allValues.joined(separator: ", ")).") }
    if let defaultValue { texts.append("Default: \(defaultValue).") }
    return texts.joined(separator: " ")
  }
}

/// The page of the program or of one of its commands.
struct Page {
  let program: Command, command: Command

  /// The commands that have pages.
  static func commands(of program: Command) -> [Command] {
    (program.subcommands ?? []).filter { $0.shouldDisplay ?? true && $0.commandName != "help" }
  }

  var name: String { name(of: command) }

  var text: String {
    let exits = ExitCodes(of: program)
    let abstract = command.abstract ?? ""
    let brief = abstract.prefix(1).lowercased() + abstract.dropFirst(1)
    let discussion = (command.discussion ?? "").replacingOccurrences(of: exits.line, with: "")
    var lines = [
      ".\\\" Generated from the program's help.",
      ".TH \(argument(name.uppercased())) 1 \"\" \(argument(program.commandName)) \"User commands\"", ".nh", ".ad l",
      ".SH NAME", roff(name) + " \\- " + roff(brief.hasSuffix(".") ? brief.dropLast() : brief[...]), ".SH SYNOPSIS",
    ]
    lines += synopsis
    lines += [".SH DESCRIPTION", roff(sentence(abstract))]
    lines += discussion.isEmpty ? [] : [".PP"] + paragraphs(discussion.trimmingCharacters(in: .newlines))
    if isProgram { lines += section("COMMANDS", commands.flatMap { entry(reference($0), $0.abstract ?? "") }) }
    lines += section("ARGUMENTS", operands.flatMap { entry($0.usage, $0.description) }) + optionSections
    lines += section("EXIT STATUS", exits.meanings.flatMap { entry(".B \($0.code)", $0.text) })
    lines += section("ENVIRONMENT", variables.flatMap { entry(".B \($0)", environment[$0]!) })
    lines += section("EXAMPLES", shownExamples.flatMap { [".PP", roff($0.says)] + verbatim($0.command) })
    lines += section("SEE ALSO", others.dropLast().map { reference($0) + "," } + others.suffix(1).map(reference))
    // A section begins a paragraph of its own.
    let needed = zip([""] + lines, lines).filter { $1 != ".PP" || !$0.hasPrefix(".SH") }.map(\.1)
    return needed.joined(separator: "\n") + "\n"
  }

  private var isProgram: Bool { command.commandName == program.commandName }
  private var commands: [Command] { Page.commands(of: program) }
  /// The commands whose pages this one refers to.
  private var others: [Command] {
    isProgram ? [] : [program] + commands.filter { $0.commandName != command.commandName }
  }

  private var shown: [Argument] { (command.arguments ?? []).filter(\.shouldDisplay) }
  private var operands: [Argument] { shown.filter { !$0.isOption } }
  private var options: [Argument] { shown.filter(\.isOption) }

  private func name(of command: Command) -> String {
    command.commandName == program.commandName
      ? program.commandName : "\(program.commandName)-\(command.commandName)"
  }

  private func reference(_ command: Command) -> String { ".BR \(argument(name(of: command))) (1)" }

  private func section(_ title: String, _ lines: [String]) -> [String] {
    lines.isEmpty ? [] : [".SH \(argument(title))"] + lines
  }

  private var synopsis: [String] {
    let words =
      isProgram
      ? [".B \(argument(name))", ".I COMMAND"] : [".B \(argument("\(program.commandName) \(command.commandName)"))"]
    return words + (operands + options).compactMap(\.synopsis) + [".RI [ OPTION \" ...]\""]
  }

  /// The options under the titles of their groups.
  private var optionSections: [String] {
    var titles = [""]
    for title in options.compactMap(\.sectionTitle) where !titles.contains(title) { titles.append(title) }
    let general = "General"
    return [".SH OPTIONS"]
      + (titles + [general]).flatMap { title -> [String] in
        let members = options.filter { ($0.isGeneral ? general : $0.sectionTitle ?? "") == title }
        guard !members.isEmpty else { return [] }
        return (title.isEmpty ? [] : [".SS \(argument(title))"]) + members.flatMap { entry($0.usage, $0.description) }
      }
  }

  /// The variables that the command's help mentions.
  private var variables: [String] {
    let texts = (shown.map { $0.abstract ?? "" } + [command.discussion ?? ""]).joined(separator: " ")
    let words = texts.split { !($0.isLetter || $0 == "_") }.map(String.init)
    let mentioned = Set(words.filter { $0.hasPrefix("GRADCAM_") })
    for name in mentioned where environment[name] == nil { fail("\(name) is not explained") }
    return environment.keys.filter { isProgram || mentioned.contains($0) }.sorted()
  }

  private var shownExamples: [Example] {
    guard let found = examples[command.commandName] else { fail("\(name) has no example") }
    return found
  }
}

guard CommandLine.arguments.count == 2 else {
  fail("usage: gradcam --experimental-dump-help | make-manual FOLDER")
}
let folder = URL(fileURLWithPath: CommandLine.arguments[1])
do {
  let program = try JSONDecoder().decode(Help.self, from: FileHandle.standardInput.readDataToEndOfFile()).command
  for command in [program] + Page.commands(of: program) {
    let page = Page(program: program, command: command)
    try Data(page.text.utf8).write(to: folder.appendingPathComponent("\(page.name).1"))
  }
} catch {
  fail("\(error)")
}
