import GradCAM

/// How a comparison was made.
struct Provenance {
  /// The command, as a shell would take it.
  let command: String
  /// For each model, its files with their SHA-256.
  let files: [[(path: String, digest: String)]]

  /// - Parameter files: each model's files.
  init(arguments: [String], files: [[String]]) {
    command = (["gradcam"] + arguments.dropFirst()).map(Self.quoted).joined(separator: " ")
    var known: [String: String] = [:]
    self.files = files.map { paths in
      paths.map { path in
        let digest = known[path] ?? FileDigest.sha256(of: path) ?? "not readable"
        known[path] = digest
        return (path, digest)
      }
    }
  }

  /// An argument, in quotation marks if a shell would not take it as it is.
  private static func quoted(_ argument: String) -> String {
    let isPlain =
      !argument.isEmpty
      && argument.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_./=:,+@%".contains($0)) }
    return isPlain ? argument : "'" + argument.replacing("'", with: "'\\''") + "'"
  }
}

extension HTMLReport {
  /// How the page was made: the command, what is done to pictures, and the models' files.
  var making: Section? {
    guard let provenance else { return nil }
    let models = comparison.models.indices.map { index -> HTML in
      let files = provenance.files[index].map { file -> HTML in
        "<br/><code>\(HTML.breakable(file.path))</code>, SHA-256 <code>\(HTML.breakable(file.digest))</code>"
      }
      return "<li>\(badge(index)): \(comparison.models[index].preprocessing)\(files)</li>\n"
    }
    let sources = Set(comparison.images.map(\.asked)).map(\.text).sorted()
    return Section(
      id: "making", title: "How this was made",
      content: """
        <p>gradcam \(programVersion): <code>\(HTML.breakable(provenance.command))</code></p>
        <p>The class asked about in an image is \(sources.joined(separator: ", or "))\
        \(comparison.measuresOwnClass && !comparison.metrics.isEmpty ? "; metrics are of each model’s own top class" : "").
        Intervals are the middle 95% of 1,000 resamples of the images.</p>
        <p>What is done to pictures, and the models’ files:</p>
        <ul class="files">
        \(models)</ul>
        """)
  }
}

extension ClassSource {
  /// What the class is, in words.
  fileprivate var text: String {
    switch self {
    case .given: "the one that was asked for"
    case .boxes: "each that has a box in it"
    case .truth: "the one that is known to be in it"
    case .vote: "the top class of most models"
    }
  }
}
