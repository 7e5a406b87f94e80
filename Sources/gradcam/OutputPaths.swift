import Foundation
import GradCAM
import Graph

/// Decides where pictures go: never over an input, never twice to one place.
struct OutputPaths {
  private let option: String?
  private let modelName: String
  private let isFile: Bool
  private let isSingle: Bool
  private var used: Set<String> = []

  /// - Parameters:
  ///   - option: `--output`: a file where there is one picture, else a folder.
  ///   - pictureCount: how many pictures will be made.
  init(option: String?, modelName: String, pictureCount: Int) {
    self.option = option
    self.modelName = modelName
    isSingle = pictureCount == 1
    var isFolder: ObjCBool = false
    let exists = option.map { FileManager.default.fileExists(atPath: $0, isDirectory: &isFolder) } ?? false
    isFile = option != nil && pictureCount == 1 && !(exists && isFolder.boolValue) && !(option ?? "").hasSuffix("/")
  }

  /// Makes the folder for several pictures.
  ///
  /// Throws `usage` where a file's extension is unknown, `unwritable` where the folder cannot be made.
  func checkWritable() throws {
    guard let option else { return }
    if isFile {
      try Picture.checkFormat(ofOutput: option)
      return
    }
    do {
      try FileManager.default.createDirectory(atPath: option, withIntermediateDirectories: true)
    } catch {
      throw GradCAMError(
        .unwritable, at: option, problem: "cannot be made a folder", advice: "several pictures need one; check the path"
      )
    }
  }

  /// The path for one explanation.
  mutating func next(image: String, _ explanation: Explanation, classCount: Int) throws -> String {
    if isFile, let option { return try claim(option, over: image) }
    let file = image.split(separator: "/").last.map(String.init) ?? image
    let stem = file.lastIndex(of: ".").map { String(file[..<$0]) } ?? file
    var name = stem
    if option != nil || !isSingle {
      name += ".\(modelName).\(explanation.node)"
      if classCount > 1 { name += ".\(explanation.scored.label ?? String(explanation.scored.index))" }
      name += ".\(explanation.method)"
    } else {
      name += ".gradcam"
    }
    let safe = String(name.map { $0 == "/" || $0 == " " || $0 == ":" || $0.isNewline ? "_" : $0 })
    let folder = option.map { $0.hasSuffix("/") ? $0 : $0 + "/" } ?? ""
    // Two images of one name in different folders, or two classes of one label.
    var path = folder + safe + ".png", copy = 2
    while used.contains(path) {
      path = folder + safe + "-\(copy).png"
      copy += 1
    }
    return try claim(path, over: image)
  }

  private mutating func claim(_ path: String, over image: String) throws -> String {
    func resolved(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }
    guard resolved(path) != resolved(image) else {
      throw GradCAMError(
        .usage, at: path, problem: "would be written over the image itself", advice: "give another --output")
    }
    used.insert(path)
    return path
  }
}
