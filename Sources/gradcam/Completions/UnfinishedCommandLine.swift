import GradCAM
import Graph

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A command line at which a shell asks for completions.
///
/// What cannot be read completes with nothing.
struct UnfinishedCommandLine {
  /// The words as the program would get them.
  private let words: [String]
  /// The word to complete, and its part before the cursor, as typed.
  private let index: Int, typed: String

  /// - Parameters:
  ///   - words: the words as typed, the program's name first.
  ///   - index: the index of the word to complete.
  ///   - prefix: the part of the last word before the cursor.
  init(words: [String], index: Int, prefix: String) {
    self.words = words.map(\.asArgument)
    self.index = index
    typed = index == words.count - 1 || !words.indices.contains(index) ? prefix : words[index]
  }

  /// The names in the models folder, and the `.onnx` files and folders that the word may become.
  var models: [String] { (typed.contains("/") ? [] : (try? folder.names()) ?? []) + files(ending: ".onnx") }

  /// These, and the pictures and folders that the word may become.
  var modelsAndPictures: [String] { models + Picture.extensions.flatMap { files(ending: "." + $0) } }

  /// `auto`, and the names of nodes with feature maps.
  var nodes: [String] {
    ["auto"]
      + paths.flatMap { path -> [String] in
        guard let model = try? Model(contentsOf: path), let size = try? DecidedPreprocessing(for: model).inputSize,
          let catalogue = try? NodeCatalogue(model, size: size)
        else { return [] }
        return catalogue.entries.filter(\.isMappable).map(catalogue.readableName)
      }
  }

  var labels: [String] {
    if let file = value(of: "--labels") { return (try? Labels(contentsOf: file).names) ?? [] }
    return paths.flatMap { ModelSummary(contentsOf: $0).labels.names }
  }

  var outputs: [String] {
    paths.flatMap { path -> [String] in
      guard let graph = (try? Model(contentsOf: path))?.graph else { return [] }
      return graph.outputs.map { graph.values[$0].name }
    }
  }

  private var folder: ModelFolder { value(of: "--models").map { ModelFolder($0) } ?? .usual }

  /// The paths of the networks that other words name.
  private var paths: [String] {
    let folder = folder
    return words.enumerated().compactMap { position, word in
      guard position != index, !word.isEmpty, !word.hasPrefix("-"), let path = try? folder.resolve(word) else {
        return nil
      }
      return path.hasSuffix(".onnx") && FileManager.default.fileExists(atPath: path) ? path : nil
    }
  }

  /// The value of an option, given as the next word, or after `=`, at which bash splits words.
  private func value(of option: String) -> String? {
    if let word = words.last(where: { $0.hasPrefix(option + "=") }) { return String(word.dropFirst(option.count + 1)) }
    guard let position = words.lastIndex(of: option) else { return nil }
    return words[(position + 1)...].first { $0 != "=" }
  }

  /// The files with a suffix, and the folders, whose path begins with what is typed.
  ///
  /// A folder that is the only candidate gives way to what it holds, because shells end the word after the only one.
  private func files(ending suffix: String) -> [String] {
    let slash = typed.lastIndex(of: "/").map { typed.index(after: $0) } ?? typed.startIndex
    var folder = String(typed[..<slash]), start = String(typed[slash...])
    for _ in 0..<32 {
      let place = folder.isEmpty ? "." : folder.asArgument, files = FileManager.default
      let names = ((try? files.contentsOfDirectory(atPath: place)) ?? []).sorted()
      let found = names.compactMap { name -> String? in
        guard name.hasPrefix(start), start.hasPrefix(".") || !name.hasPrefix(".") else { return nil }
        if files.fileExists(atPath: "\(place)/\(name)/.") { return folder + name + "/" }
        return name.hasSuffix(suffix) ? folder + name : nil
      }
      guard found.count == 1, found[0].hasSuffix("/") else { return found }
      (folder, start) = (found[0], "")
    }
    return []
  }
}

extension String {
  /// A word as typed, without its quotes and backslashes, and with the home folder in place of `~`.
  fileprivate var asArgument: String {
    var text = "", quote: Character?, isEscaped = false
    for character in self {
      if isEscaped {
        text.append(character)
        isEscaped = false
      } else if character == "\\", quote != "'" {
        isEscaped = true
      } else if character == quote {
        quote = nil
      } else if quote == nil, "'\"".contains(character) {
        quote = character
      } else {
        text.append(character)
      }
    }
    guard hasPrefix("~/"), let home = ProcessInfo.processInfo.environment["HOME"] else { return text }
    return home + text.dropFirst()
  }
}
