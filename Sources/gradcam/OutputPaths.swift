import GradCAM
import Graph

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Decides where pictures and arrays go: never over an input, never to the same path twice.
struct OutputPaths {
  private let folder: String
  private let file: String?
  private let modelName: String
  private let naming: Naming
  /// The paths that are written to.
  var claimed: ClaimedPaths

  /// The parts of an explanation that a picture's name contains.
  enum Naming {
    /// The image alone.
    case image
    /// Image, model, node and method.
    case explanation
    /// These and the target.
    case explanationAndTarget
  }

  /// - Parameters:
  ///   - option: `--output`: a file if there is one picture, else a folder.
  ///   - imageCount: how many images are explained.
  ///   - pictureCount: how many pictures are made of each image, for example of several classes.
  ///   - inputs: the files that are read.
  ///
  /// Throws `usage` if a file's extension is unknown or an input would be overwritten.
  init(
    option: String?, modelName: String, imageCount: Int, pictureCount: Int, targetCount: Int, inputs: [String]
  ) throws {
    self.modelName = modelName
    claimed = ClaimedPaths(inputs: inputs)
    naming = targetCount > 1 ? .explanationAndTarget : option == nil && pictureCount == 1 ? .image : .explanation
    guard let option else {
      (file, folder) = (nil, "")
      return
    }
    guard !option.isEmpty else {
      throw GradCAMError(.usage, at: "--output", problem: "the name is empty", advice: "name a file or a folder")
    }
    if imageCount * pictureCount == 1, !Self.isFolder(option) {
      (file, folder) = (option, "")
      try Picture.checkFormat(ofOutput: option)
      try claimed.claim(option)
    } else {
      (file, folder) = (nil, option.hasSuffix("/") ? option : option + "/")
    }
  }

  /// Whether a path can only name a folder: it is one, ends in a slash, or does not have a picture's extension.
  static func namesFolder(_ option: String) -> Bool { isFolder(option) || !Picture.hasKnownExtension(option) }

  private static func isFolder(_ option: String) -> Bool {
    option.hasSuffix("/") || (try? FileManager.default.contentsOfDirectory(atPath: option)) != nil
  }

  /// A path with the extension of the pictures.
  var example: String { file ?? "map.png" }

  /// The path for the picture of an explanation, in a folder that exists.
  ///
  /// - Parameter method: the method's part of the name.
  ///
  /// Throws `unwritable` if the folder cannot be created.
  mutating func next(image: String, _ explanation: Explanation, method: String) throws -> String {
    if let file { return file }
    if !folder.isEmpty {
      do {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      } catch {
        throw GradCAMError(
          .unwritable, at: folder, problem: "cannot be created as a folder",
          advice: "several pictures need one; check the path and its permissions")
      }
    }
    return claimed.claimFree(folder + name(image: image, explanation, method), "png")
  }

  private func name(image: String, _ explanation: Explanation, _ method: String) -> String {
    let stem = stem(image)
    let nodes = explanation.nodes.count > 3 ? "\(explanation.nodes.count)_nodes" : explanation.node
    let kind = [method] + (explanation.fusion.map { [$0.rawValue] } ?? []) + explanation.smoothing.map(\.rawValue)
    let parts =
      switch naming {
      case .image: [stem, "gradcam"]
      case .explanation: [stem, modelName, nodes] + kind
      case .explanationAndTarget: [stem, modelName, nodes, explanation.target.name] + kind
      }
    let concept = explanation.concept.map { concept in
      ["\(concept.number)" + (concept.scored.map { "-\($0.label ?? String($0.index))" } ?? "")]
    }
    return String(
      (parts + (concept ?? [])).joined(separator: ".").map {
        $0 == "/" || $0 == ":" || $0.isWhitespace || $0.isNewline ? "_" : $0
      })
  }
}
