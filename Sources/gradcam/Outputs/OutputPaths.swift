import ArgumentParser
import GradCAM
import Graph

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// How pictures are written.
struct PictureFileOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A file for one picture, a folder for several, or a name with fields: 'out/{image}-{class}.jpg'. Fields are "
        + "{image}, {model}, {node}, {class} and {method}. Default: {image}.{model}.{node}.{method}.png in the working "
        + "directory, with {class} if there are several.", valueName: "PATH"), completion: .file())
  var output: String?

  @Option(help: ArgumentHelp("The format of pictures whose name does not say it.", valueName: "png|jpg"))
  var format: PictureFormat?

  @Option(help: ArgumentHelp("The quality of JPEG files, 1 to 100.", valueName: "N"))
  var jpegQuality = Picture.usualJPEGQuality

  mutating func validate() throws {
    if !(1...100).contains(jpegQuality) { throw ValidationError("--jpeg-quality must be 1 to 100.") }
    if output == "" { throw ValidationError("--output is empty; name a file or a folder.") }
    if let output, let format, hasOutputExtension(output), !format.isOne(output) {
      throw ValidationError("--format \(format.rawValue) does not fit --output \(output).")
    }
  }
}

/// A format that pictures are written in.
enum PictureFormat: String, ExpressibleByArgument, CaseIterable {
  case png, jpg

  /// Whether a path has its extension.
  func isOne(_ path: String) -> Bool {
    let path = path.lowercased()
    return path.hasSuffix(".\(rawValue)") || self == .jpg && path.hasSuffix(".jpeg")
  }
}

/// Decides where pictures go: never over an input, never to the same path twice.
struct OutputPaths {
  private let template: NameTemplate
  /// The path, if there is only one picture and the user named its file.
  private let file: String?
  /// Whether folders on the way are created.
  private let createsFolders: Bool
  private let modelName: String
  /// Whether pictures lie as the images do, in folders with the images' names: then no two have the same.
  private let keepsNames: Bool
  /// The paths that are written to.
  var claimed: ClaimedPaths
  /// A path with the extension of the pictures.
  let example: String

  /// - Parameters:
  ///   - counts: how many pictures are made.
  ///   - keepsNames: whether `{image}` is the whole name that the image has in rows.
  ///   - claimed: the paths that are written or read besides.
  ///
  /// Throws `usage` if an extension is unknown, if a name would be that of several pictures, or if an input would be
  /// overwritten.
  init(
    _ options: PictureFileOptions, modelName: String, _ counts: ResultCounts, keepsNames: Bool, _ claimed: ClaimedPaths
  ) throws {
    (self.modelName, self.keepsNames, self.claimed) = (modelName, keepsNames, claimed)
    let suffix = options.format?.rawValue ?? "png"
    guard let option = options.output else {
      (template, file, createsFolders) = (.standard("", counts, suffix), nil, false)
      example = "map.\(suffix)"
      return
    }
    let place = "--output \(option)"
    if NameTemplate.isOne(option) {
      let path = hasOutputExtension(option) ? option : "\(option).\(suffix)"
      template = try NameTemplate(path, option: "--output")
      (file, createsFolders, example) = (nil, true, path)
      try Picture.checkFormat(ofOutput: path)
      try counts.check(template, place)
    } else if isFolder(option) || !hasOutputExtension(option) && (counts.total > 1 || !hasExtension(option)) {
      (file, createsFolders, example) = (nil, true, "map.\(suffix)")
      template = .standard(option.hasSuffix("/") ? option : option + "/", counts, suffix)
    } else {
      (template, file, createsFolders, example) = (NameTemplate([]), option, false, option)
      if !VolumeOutput.isOne(option) { try Picture.checkFormat(ofOutput: option) }
      guard counts.total == 1 else {
        throw GradCAMError(
          .usage, at: "\(place)", problem: "is one file, but there are \(counts.text) pictures",
          advice:
            "name a folder, put fields such as {image}, {node}, {class} and {method} into the name, or draw all in "
            + "one with --sheet")
      }
      try self.claimed.claim(option)
    }
  }

  /// The path for the picture of an explanation, in a folder that exists.
  ///
  /// - Parameter method: the method's part of the name, if it is not that of the explanation.
  ///
  /// Throws `unwritable` if the folder cannot be created, and `usage` if a picture that is read would be overwritten.
  mutating func next(image: SourceImage, _ explanation: Explanation, method: String? = nil) throws -> String {
    if let file { return file }
    let name = template.name(
      ResultNames(
        image: keepsNames ? image.name : image.path, keepsFolders: keepsNames, model: modelName, explanation,
        method: method))
    if createsFolders { try createFolder(of: name) }
    if keepsNames { try claimed.checkInputs(name) }
    return keepsNames ? name : claimed.claimFree(name)
  }
}

extension NameTemplate {
  /// The usual name in a folder.
  ///
  /// - Parameter folder: empty, or ending in a slash.
  static func standard(_ folder: String, _ counts: ResultCounts, _ suffix: String) -> NameTemplate {
    let fields: [NameField] = [.image, .model, .node] + (counts.classes > 1 ? [.class] : []) + [.method]
    return NameTemplate([.text(folder)] + fields.flatMap { [.field($0), .text(".")] } + [.text(suffix)])
  }
}

/// Whether a path's extension names a format that maps are drawn or written in.
private func hasOutputExtension(_ path: String) -> Bool {
  Picture.hasKnownExtension(path) || VolumeOutput.isOne(path)
}

/// Whether a path names a folder: it is one, or ends in a slash.
func isFolder(_ path: String) -> Bool {
  path.hasSuffix("/") || (try? FileManager.default.contentsOfDirectory(atPath: path)) != nil
}

/// Whether the name of a file has an extension.
private func hasExtension(_ path: String) -> Bool { stem(path) != fileName(path) }

/// Creates the folder of a file.
///
/// Throws `unwritable` if that fails.
func createFolder(of path: String) throws {
  // Elsewhere, folders are created with the files.
  guard case .asNamed = OutputFiles.destination else { return }
  guard let end = path.lastIndex(of: "/"), end != path.startIndex else { return }
  try createFolder(at: String(path[..<end]))
}
