/// A comparison as one self-contained HTML file, pictures, style and script included.
struct HTMLReport {
  let comparison: Comparison
  /// Distinct names of the images.
  let imageNames: [String]

  init(_ comparison: Comparison) {
    self.comparison = comparison
    imageNames = comparison.imageNames
  }

  var text: String { page.text }

  /// A part of the page with a heading of its own.
  struct Section {
    let id, title: String
    let content: HTML

    fileprivate var html: HTML {
      """
      <section id="\(id)" aria-labelledby="\(id)-title">
      <h2 id="\(id)-title">\(title)</h2>
      \(content)
      </section>

      """
    }
  }

  private var page: HTML {
    let sections = [findings, models, metrics, agreement, images, making].compactMap { $0 }
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8"/>
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; \
      style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"/>
      <meta name="viewport" content="width=device-width, initial-scale=1"/>
      <title>\(title)</title>
      <style>
      \(resource: PackageResources.report_css)</style>
      </head>
      <body>
      <a class="skip" href="#main">Skip to the findings</a>
      <header>
      <h1>\(title)</h1>
      <p class="lead">\(lead)</p>
      <nav aria-label="Sections"><ul>
      \(sections.map { "<li><a href=\"#\($0.id)\">\($0.title)</a></li>\n" as HTML })</ul></nav>
      </header>
      <main id="main" tabindex="-1">
      \(sections.map(\.html))</main>
      <footer><p>Made by <code>gradcam compare</code>. This file contains its pictures, style and script, and loads \
      nothing else.</p></footer>
      <script>
      \(resource: PackageResources.report_js)</script>
      </body>
      </html>

      """
  }

  private var title: String {
    let names = comparison.models.map(\.name)
    return "What \(names.count < 4 ? enumerated(names) : "\(names.count) models") "
      + "\(names.count == 1 ? "looks" : "look") at"
  }

  private var lead: HTML {
    let images = comparison.images, count = Set(images.map(\.image)).count
    let classes = Set(images.map(\.label)).count
    let asked = comparison.models.count > 1 ? "All models were asked about the same" : "The model was asked about the"
    let cases =
      images.count > count
      ? "classes of an image, \(comparison.caseCount) in all"
      : "class of an image\(classes > 1 ? ", \(classes) classes in all" : "")"
    return """
      \(counted(comparison.models.count, "model")) on \(counted(count, "image")), maps by \
      <code>\(comparison.method)</code>. \(asked) \(cases). Warm parts of a map are evidence for the class.
      """
  }

  private var findings: Section? {
    let cards = comparison.findings.map { finding -> HTML in
      let answer: HTML =
        finding.image.map { "<a href=\"#image-\($0)\">\(HTML.breakable(finding.answer))</a>" }
        ?? .breakable(finding.answer)
      return """
        <div><dt>\(finding.question)</dt><dd><strong>\(answer)</strong> <span>\(finding.detail)</span></dd></div>

        """
    }
    return cards.isEmpty ? nil : Section(id: "findings", title: "Findings", content: "<dl>\n\(cards)</dl>")
  }

  // MARK: Parts that several sections share

  /// The sign of a model: A, B … Z, A1 ….
  func sign(_ model: Int) -> String {
    String(UnicodeScalar(UInt8(65 + model % 26))) + (model < 26 ? "" : "\(model / 26)")
  }

  /// A model's sign and name.
  func badge(_ model: String) -> HTML { badge(comparison.models.firstIndex { $0.name == model }!) }

  func badge(_ model: Int) -> HTML {
    "<span class=\"sign\">\(sign(model))</span>\u{A0}<span class=\"name\">\(HTML.breakable(comparison.models[model].name))</span>"
  }

  /// A table that scrolls if it is wider than the page or, with `isTall`, taller than part of it.
  func scrolling(_ table: HTML, isTall: Bool = false) -> HTML {
    "<div class=\"scroll\(isTall ? " tall" : "")\">\(table)</div>\n"
  }
}
