import GradCAM
import Graph

/// A file that was written.
struct WrittenFile {
  let path: String
  /// Whether it replaced an earlier one.
  let isReplaced: Bool

  /// Writes a file, whole or not at all.
  init(_ bytes: [UInt8], to path: String) throws {
    self.path = path
    isReplaced = access(path, F_OK) == 0
    try writeAtomically(bytes, to: path)
  }

  /// For reading: the path, and that an earlier file was replaced.
  var text: String { path + (isReplaced ? " (replaced)" : "") }
}
