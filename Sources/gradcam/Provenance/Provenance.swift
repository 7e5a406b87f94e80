import GradCAM
import Graph
import Ops

/// How results came about: what made them, of what, with which arguments and on which processor.
struct Provenance: Codable, Equatable {
  /// A file as it was.
  struct File: Codable, Equatable {
    let path: String
    /// The size and SHA-256 in hexadecimal; nil if there was no file that could be read.
    @Nullable var bytes: Int?
    @Nullable var sha256: String?
  }

  /// The files that were read.
  struct Inputs: Codable, Equatable {
    /// Those of the models: network, external data, and what lies beside it.
    var models: [File] = []
    var images: [File] = []
    var plugins: [File] = []
    /// Labels, boxes, arrays and the like.
    var others: [File] = []

    /// All but plugins.
    var data: [File] { models + images + others }
  }

  /// What decides the last bits of numbers.
  struct CPU: Codable, Equatable {
    let name: String
    /// The level of instructions that kernels use.
    let instructions: String
    /// OpenBLAS's version, and the processor that it takes this one for.
    let blas: String
  }

  /// What one result is of; nil is what it does not have, or what differs from image to image.
  struct Result: Codable, Equatable {
    @Nullable var image: String? = nil
    let model, node: String
    @Nullable var tensor: String? = nil
    @Nullable var target: String? = nil
    @Nullable var `class`: Int? = nil
    @Nullable var label: String? = nil
    let method: String
    /// What was done to the picture; nil for a tensor.
    @Nullable var preprocessing: String? = nil
    /// The file that shows it.
    @Nullable var output: String? = nil
  }

  /// A file that was written.
  struct Output: Codable, Equatable {
    let path: String
    let bytes: Int
    let sha256: String
    /// Whether it holds measured times, so that each run makes another one.
    let timed: Bool
  }

  /// gradcam's version.
  let version: String
  /// The arguments as given.
  let arguments: [String]
  /// The working directory.
  let directory: String
  /// Where models were looked for by name.
  let model_folder: String
  let threads: Int
  let cpu: CPU
  let inputs: Inputs
  /// Nil where they stand beside it.
  var results: [Result]?
  let outputs: [Output]

  /// The command, as a shell would take it.
  var command: String { (["gradcam"] + arguments).map(\.quotedForShell).joined(separator: " ") }
}

extension Provenance.CPU {
  /// This machine's.
  static var current: Self {
    Self(name: Processor.name, instructions: Processor.instructions, blas: Processor.blas)
  }
}

extension Provenance.File {
  /// The file as it is now.
  init(_ path: String) {
    let digest = FileDigest.ofFile(path)
    self.init(path: path, bytes: digest?.byteCount, sha256: digest?.hexadecimal)
  }

  /// The file at the same path as it is now; its bytes are only read if there are as many as before.
  var now: Self {
    var status = stat()
    guard let bytes, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, Int(status.st_size) != bytes else {
      return Self(path)
    }
    return Self(path: path, bytes: Int(status.st_size), sha256: nil)
  }
}

extension String {
  /// An argument, in quotation marks if a shell would not take it as it is.
  fileprivate var quotedForShell: String {
    let isPlain =
      !isEmpty && allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_./=:,+@%".contains($0)) }
    return isPlain ? self : "'" + replacing("'", with: "'\\''") + "'"
  }
}
