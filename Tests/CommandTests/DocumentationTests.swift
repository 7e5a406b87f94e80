import Foundation
import Testing

/// README.md and the pages of docs: their commands run, print what is documented, and their links lead somewhere.
struct DocumentationTests {
  /// The paths of the pages in the package.
  static let pages: [String] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: ofPackage("docs"))) ?? []
    return ["README.md"] + names.filter { $0.hasSuffix(".md") }.sorted().map { "docs/\($0)" }
  }()

  private static func text(of page: String) throws -> String {
    try String(contentsOfFile: ofPackage(page), encoding: .utf8)
  }

  @Test func pagesHaveCommands() throws {
    let count = try Self.pages.map { try DocumentedCommand.blocks(of: Self.text(of: $0)).joined().count }.reduce(0, +)
    #expect(Self.pages.count > 15 && count > 50, "\(Self.pages.count) pages, \(count) commands")
  }

  /// A command must succeed, or end because it names a file that is not in the package: then its options exist, because
  /// the program reads all of them before it opens a file.
  @Test(arguments: pages)
  func commandsWork(_ page: String) throws {
    for block in try DocumentedCommand.blocks(of: Self.text(of: page)) {
      let place = try Workplace()
      for folder in ["models", "examples"] {
        try FileManager.default.createSymbolicLink(
          atPath: place.path(folder), withDestinationPath: ofPackage(folder))
      }
      for command in block {
        let path = "\(Workplace.programs.path):\(ProcessInfo.processInfo.environment["PATH"] ?? "")"
        let outcome = try place.run(["-c", command.line], program: "/bin/sh", environment: ["PATH": path])
        guard outcome.code != 66 else {
          let missing = try #require(outcome.missingFile, "\(page): \(command.line): \(outcome.errors)")
          #expect(command.line.contains(missing), "\(page): \(command.line): \(outcome.errors)")
          #expect(!Self.mustExist(missing), "\(page): \(command.line): \(outcome.errors)")
          continue
        }
        #expect(outcome.code == 0, "\(page): \(command.line): \(outcome.errors)")
        if let documented = command.output {
          let printed = DocumentedCommand.lines(outcome.output)
          #expect(
            DocumentedCommand.fits(printed[...], documented[...]),
            "\(page): \(command.line) prints\n\(outcome.output)")
        }
      }
    }
  }

  /// Whether a file that a page names is one of the package; plugins are built from it later.
  private static func mustExist(_ path: String) -> Bool {
    let isOfPackage = ["models/", "examples/", "shapes-"].contains { path.hasPrefix($0) }
    return isOfPackage && !path.hasSuffix(".so")
  }

  /// A link to a file of the package, and to a heading in it.
  @Test(arguments: pages)
  func linksLeadSomewhere(_ page: String) throws {
    let text = try Self.text(of: page), folder = page.hasPrefix("docs/") ? "docs/" : ""
    for link in text.matches(of: /\]\(([^()\s]+)\)/).map({ String($0.1) }) where !link.hasPrefix("http") {
      let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      let target = parts[0].isEmpty ? page : folder + parts[0]
      #expect(FileManager.default.fileExists(atPath: ofPackage(target)), "\(page) links to \(link)")
      guard parts.count > 1, target.hasSuffix(".md") else { continue }
      let anchors = try Self.text(of: target).matches(of: /(?m)^#+ (.+)$/).map { Self.anchor(String($0.1)) }
      #expect(anchors.contains(parts[1]), "\(page) links to \(link)")
    }
  }

  /// What a heading is called in links.
  private static func anchor(_ heading: String) -> String {
    let kept = heading.lowercased().filter { $0.isLetter || $0.isNumber || $0 == " " || $0 == "-" || $0 == "_" }
    return kept.replacing(" ", with: "-")
  }
}

/// A command of the program in a block of Markdown.
struct DocumentedCommand {
  /// What a shell would be given.
  let line: String
  /// The lines that it prints, of which `…` stands for any; nil if they are not documented.
  let output: [String]?

  /// The commands of each block of `sh` or `console` on a page.
  static func blocks(of page: String) -> [[DocumentedCommand]] {
    page.matches(of: /```(sh|console)\n([\s\S]*?)```/).map { block in
      let text = String(block.2).replacing("\\\n", with: "")
      return block.1 == "sh" ? commands(text) : dialogue(text)
    }
  }

  private static func commands(_ text: String) -> [DocumentedCommand] {
    lines(text).compactMap { line in command(line).map { DocumentedCommand(line: $0, output: nil) } }
  }

  /// Lines of input begin with `$ `.
  private static func dialogue(_ text: String) -> [DocumentedCommand] {
    var found: [DocumentedCommand] = [], input: String?, printed: [String] = []
    func isInput(_ line: String) -> Bool { line.hasPrefix("$ ") }
    for line in lines(text) + ["$ "] {
      guard isInput(line) else {
        printed.append(line)
        continue
      }
      if let input { found.append(DocumentedCommand(line: input, output: printed)) }
      (input, printed) = (command(String(line.dropFirst(2))), [])
    }
    return found
  }

  /// The command of the program that a line of shell begins with, without what it is piped to and without a comment; nil
  /// if it begins with another one.
  private static func command(_ line: String) -> String? {
    var quote: Character?, previous: Character = " ", end = line.endIndex
    for index in line.indices {
      let character = line[index]
      if let open = quote {
        if character == open { quote = nil }
      } else if character == "'" || character == "\"" {
        quote = character
      } else if "|;&>".contains(character) || character == "#" && previous == " " {
        end = index
        break
      }
      previous = character
    }
    let words = line[..<end].split(separator: " ", maxSplits: 1)
    guard words.count == 2, words[0] == "gradcam" || words[0].hasSuffix("/gradcam") else { return nil }
    return "gradcam \(words[1])"
  }

  /// The lines of a text, without the times in them, which differ from run to run.
  static func lines(_ text: String) -> [String] {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      String(line.replacing(/[0-9]+(\.[0-9]+)? (ms|s)\b/, with: "some time"))
    }
    return lines.last == "" ? lines.dropLast() : lines
  }

  /// Whether lines are as documented.
  static func fits(_ lines: ArraySlice<String>, _ documented: ArraySlice<String>) -> Bool {
    guard let first = documented.first else { return lines.isEmpty }
    if first == "…" {
      return (0...lines.count).contains { fits(lines.dropFirst($0), documented.dropFirst()) }
    }
    return lines.first == first && fits(lines.dropFirst(), documented.dropFirst())
  }
}

extension Workplace.Outcome {
  /// The file that the program's error is about, perhaps after the option that names it.
  fileprivate var missingFile: String? {
    guard let match = errors.firstMatch(of: /gradcam: error: (?:--[a-z-]+ )?([^:\n]+):/) else { return nil }
    return String(match.1)
  }
}
