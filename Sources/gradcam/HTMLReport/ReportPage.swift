import GradCAM

/// A page as one self-contained HTML file, pictures, style and script included.
struct ReportPage {
  let title: String
  /// What it is about, in a sentence or two.
  let lead: HTML
  let sections: [Section]
  /// The command that made it.
  let command: String

  /// A part of the page with a heading of its own.
  struct Section {
    let id, title: String
    let content: HTML
    /// Whether the head of the page has a link to it.
    var isListed = true

    fileprivate var html: HTML {
      """
      <section id="\(id)" aria-labelledby="\(id)-title">
      <h2 id="\(id)-title">\(title)</h2>
      \(content)
      </section>

      """
    }
  }

  var text: String { html.text }

  private var html: HTML {
    """
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
    \(sections.filter(\.isListed).map { "<li><a href=\"#\($0.id)\">\($0.title)</a></li>\n" as HTML })</ul></nav>
    </header>
    <main id="main" tabindex="-1">
    \(sections.map(\.html))</main>
    <footer><p>Made by <code>gradcam \(command)</code>. This file contains its pictures, style and script, and loads \
    nothing else.</p></footer>
    <script>
    \(resource: PackageResources.report_js)</script>
    </body>
    </html>

    """
  }

  /// What the page shows, in words; nil if there is nothing to say.
  static func findings(_ findings: [Finding]) -> Section? {
    let cards = findings.map { finding -> HTML in
      let answer: HTML =
        (finding.part ?? finding.image.map { "image-\($0)" }).map {
          "<a href=\"#\($0)\">\(HTML.breakable(finding.answer))</a>"
        }
        ?? .breakable(finding.answer)
      return """
        <div><dt>\(finding.question)</dt><dd><strong>\(answer)</strong> <span>\(finding.detail)</span></dd></div>

        """
    }
    return cards.isEmpty ? nil : Section(id: "findings", title: "Findings", content: "<dl>\n\(cards)</dl>")
  }

  /// The script's control of how strong the heat is.
  static let heatControl: HTML = """
    <form id="controls" class="controls" aria-label="How the maps are shown" hidden="hidden">
    <label class="slider">Heat <input id="heat" type="range" min="0" max="100" step="5" value="50"/> \
    <output for="heat" id="strength">50%</output></label>
    </form>
    """

  /// A table that scrolls if it is wider than the page or, with `isTall`, taller than part of it.
  static func scrolling(_ table: HTML, isTall: Bool = false) -> HTML {
    "<div class=\"scroll\(isTall ? " tall" : "")\">\(table)</div>\n"
  }
}

extension ReportPage.Section {
  /// How a page was made: the command, what its numbers are, and the files that were read.
  static func making(_ provenance: Provenance, notes: HTML) -> ReportPage.Section {
    let inputs = provenance.inputs
    let files = (inputs.models + inputs.images + inputs.plugins + inputs.others).map { "<li>\($0.html)</li>\n" as HTML }
    return ReportPage.Section(
      id: "making", title: "How this was made",
      content: """
        <p>gradcam \(programVersion): <code>\(HTML.breakable(provenance.command))</code></p>
        <p>\(notes)</p>
        <details><summary>The files that were read</summary><ul class="files">
        \(files)</ul></details>
        """)
  }
}
