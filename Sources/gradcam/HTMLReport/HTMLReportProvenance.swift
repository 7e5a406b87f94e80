import GradCAM

extension HTMLReport {
  /// How the page was made: the command, what is done to pictures, and the files that were read.
  var making: Section? {
    guard let provenance = comparison.provenance else { return nil }
    let inputs = provenance.inputs, cpu = provenance.cpu
    let others = (inputs.images + inputs.plugins + inputs.others).map { "<li>\($0.html)</li>\n" as HTML }
    let machine = [cpu.name, cpu.instructions, cpu.blas].filter { !$0.isEmpty }.joined(separator: ", ")
    let models = comparison.models.indices.map { index -> HTML in
      let own = comparison.modelFiles[index]
      let files = inputs.models.filter { $0.sha256 != nil && own.contains($0.path) }.map { "<br/>\($0.html)" as HTML }
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
        <p>Computed by \(counted(provenance.threads, "thread")) on \(machine).</p>
        <p>What is done to pictures, and the models’ files:</p>
        <ul class="files">
        \(models)</ul>
        <details><summary>The other files that were read</summary><ul class="files">
        \(others)</ul></details>
        """)
  }
}

extension Provenance.File {
  /// The path, with the file's digest.
  var html: HTML {
    "<code>\(HTML.breakable(path))</code>, SHA-256 <code>\(HTML.breakable(sha256 ?? "not readable"))</code>"
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
