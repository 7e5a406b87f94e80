import ArgumentParser
import GradCAM

/// The options of commands that go through many images.
struct ManyImagesOptions: ParsableArguments {
  @Option(
    name: .customLong("images-from"),
    help: ArgumentHelp(
      "A file that lists images, one path a line, or - for standard input; as find -print0 ends them, too.",
      valueName: "FILE"), completion: .file())
  var list: String?
  @Option(
    help: ArgumentHelp(
      "Only the images of the K-th of N parts, K from 1; an image's name, relative to its folder, decides its part.",
      valueName: "K/N"))
  var shard: Shard?
  @Flag(help: "Continue the rows of an interrupted run.") var resume = false

  /// Whether the list can be read only once.
  private var isRead: Bool { list == NameList.standardInput }

  /// Throws a validation error if a list is named that cannot be read again.
  func validate(_ provenance: ProvenanceOptions) throws {
    if list == "" { throw ValidationError("--images-from is empty; name a file, or -.") }
    if isRead, provenance.path != nil {
      throw ValidationError("--provenance cannot say what standard input listed; give --images-from a file.")
    }
  }

  /// The images that are named.
  ///
  /// - Parameters:
  ///   - paths: files, folders and archives.
  ///   - folder: what the names of the list are relative to; nil for the working directory.
  ///   - limit: the greatest number of images; nil for any.
  ///
  /// Throws as `NamedImages.init` does.
  func images(_ paths: [String], relativeTo folder: String? = nil, limit: Int? = nil) throws -> NamedImages {
    try NamedImages(paths, list: list, relativeTo: folder, shard: shard, limit: limit)
  }
}
