import GradCAM
import Graph

/// What `drift` found as one self-contained HTML file.
struct DriftPage {
  /// A picture with the maps of both files over it.
  struct Picture {
    let path: String
    let shown: ComparedPicture
    /// JPEG files of the maps at the node that `auto` means, and the part of the picture that they show; empty if there
    /// are none.
    let heats: [(jpeg: [UInt8], seen: PixelRectangle)]

    /// - Parameter explanations: of both files at that node.
    ///
    /// Throws `unsupported` for numbers, which the page cannot show, and what resizing and encoding throw.
    init(_ path: String, _ image: PreparedImage, _ explanations: [Explanation]) throws {
      self.path = path
      guard let picture = image.picture else {
        throw GradCAMError(
          .unsupported, at: path, problem: "is no picture, over which the page could draw maps",
          advice: "give pictures, or leave out --report")
      }
      let shown = try ComparedPicture(picture)
      self.shown = shown
      heats = try explanations.map { explanation in
        let map = explanation.drawnMap(size: shown.pageSize)
        let heat = (map.seen.map(map.cropped) ?? map).colored(with: .jet)
        let whole = PixelRectangle(x: 0, y: 0, width: shown.size.width, height: shown.size.height)
        return (
          try heat.encoded(for: "heat.jpg"), map.seen.map { $0.scaled(from: map.size, to: shown.size) } ?? whole
        )
      }
    }
  }

  let report: DriftReport
  let pictures: [Picture]
  private var names: [String] { distinctEnds(of: pictures.map(\.path)) }

  var text: String {
    let sections = [ReportPage.findings(report.findings), course, nodes, images, making]
    return ReportPage(title: title, lead: lead, sections: sections.compactMap { $0 }, command: "drift").text
  }

  private var files: (first: String, second: String) {
    let ends = distinctEnds(of: [report.model, report.other_model])
    return (ends[0], ends[1])
  }

  private var title: String { "From \(files.first) to \(files.second)" }

  private var lead: HTML {
    """
    \(counted(report.nodes.count, "node")) of two files of one network on \(counted(pictures.count, "picture")). The \
    signal-to-noise ratio of a node says how large its numbers are compared with the change in them, in decibels: 20 dB \
    is a change of a tenth, 40 dB of a hundredth. Its own is of the error that it makes itself, if it is given the first \
    file’s numbers.
    """
  }

  // MARK: Node by node

  private var course: ReportPage.Section {
    let chart = DriftChart(id: "course", nodes: report.nodes.sorted { $0.index < $1.index })
    return ReportPage.Section(
      id: "course-section", title: "From the first node to the last",
      content: """
        <figure class="chart">\(chart.html)<figcaption>Filled dots: the node’s own error. Circles: all of the error \
        that has reached it. Higher is better.</figcaption></figure>
        """)
  }

  private var nodes: ReportPage.Section {
    let rows = report.nodes.map { node -> HTML in
      let operators: HTML =
        node.operator == node.other_operator ? "\(node.operator)" : "\(node.operator) → \(node.other_operator)"
      return """
        <tr><th scope="row">\(node.rank). <span class="name">\(HTML.breakable(node.node))</span>\
        \(node.breaks ? " <span class=\"differs\">breaks</span>" : "" as HTML)</th>\
        <td>\(number(node.own_snr, 1, "it cannot be run alone"))</td><td>\(typeset(node.snr, 1))</td>\
        <td>\(number(node.map_pearson, 3, "no map to compare"))</td>\
        <td>\(number(node.map_ssim, 3, "no map to compare"))</td>\
        <td class="text">\(operators)</td><td class="text">\(node.shape.map(String.init).joined(separator: "×"))</td>\
        <td class="text">\(HTML.breakable(node.other_node))</td><td class="text">\(node.matched_by)\
        \(node.reordered ? ", axes in another order" : "" as HTML)</td></tr>

        """
    }
    let missing =
      report.unmatched + report.other_unmatched == 0
      ? ""
      : " \(report.unmatched) nodes of the first file and \(report.other_unmatched) of the second are folded into "
        + "others, or have no certain counterpart."
    return ReportPage.Section(
      id: "nodes", title: "Nodes",
      content: ReportPage.scrolling(
        """
        <table><caption><span>Those that break, then the others by the errors that they make themselves.\
        \(missing)</span></caption>
        <thead><tr><th scope="col">Node</th><th scope="col">Own, dB</th><th scope="col">All, dB</th>\
        <th scope="col">Pearson</th><th scope="col">SSIM</th><th scope="col" class="text">Operator</th>\
        <th scope="col" class="text">Shape</th><th scope="col" class="text">In the second file</th>\
        <th scope="col" class="text">Found by</th></tr></thead>
        <tbody>
        \(rows)</tbody></table>
        """, isTall: true))
  }

  private func number(_ value: Double?, _ places: Int, _ reason: String) -> HTML {
    value.map { "\(typeset($0, places))" } ?? .missing(reason)
  }

  // MARK: Images

  private var images: ReportPage.Section? {
    guard !report.images.isEmpty else { return nil }
    let rows = report.images.enumerated().map { index, image -> HTML in
      func text(_ top: TopClass, _ probability: Float?) -> String {
        top.name + (probability.map { " \(percent($0))" } ?? "")
      }
      let change = image.probability - (image.top.probability ?? image.probability)
      return """
        <tr><th scope="row"><a href="#image-\(index)">\(names[index])</a></th>\
        <td class="text">\(text(image.top, image.top.probability))</td>\
        <td class="text">\(image.agrees ? "the same" : "\(text(image.other_top, image.other_top.probability))")</td>\
        <td>\(typeset(Double(change) * 100, 1)) points</td></tr>

        """
    }
    let table = ReportPage.scrolling(
      """
      <table><caption><span>The most probable class, and how much the probability of the first file’s changed.</span>\
      </caption>
      <thead><tr><th scope="col">Picture</th><th scope="col" class="text">\(files.first)</th>\
      <th scope="col" class="text">\(files.second)</th><th scope="col">Change</th></tr></thead>
      <tbody>
      \(rows)</tbody></table>
      """, isTall: true)
    let hasHeats = pictures.contains { !$0.heats.isEmpty }
    return ReportPage.Section(
      id: "images", title: "Pictures",
      content: "\(table)\(hasHeats ? ReportPage.heatControl : "")\n\(pictures.indices.map(article))")
  }

  private func article(_ index: Int) -> HTML {
    let picture = pictures[index], size = picture.shown.size, name = names[index]
    func place(_ part: PixelRectangle) -> HTML {
      "x=\"\(part.x)\" y=\"\(part.y)\" width=\"\(part.size.width)\" height=\"\(part.size.height)\""
    }
    func figure(_ heat: (jpeg: [UInt8], seen: PixelRectangle)?, _ caption: String) -> HTML {
      let photograph: HTML =
        heat == nil
        ? """
        <image id="photograph-\(index)" width="\(size.width)" height="\(size.height)" preserveAspectRatio="none" \
        href="\(jpeg: picture.shown.photograph)"/>
        """ : "<use href=\"#photograph-\(index)\"/>"
      let overlay: HTML =
        heat.map {
          "<image class=\"heat\" \(place($0.seen)) preserveAspectRatio=\"none\" href=\"\(jpeg: $0.jpeg)\"/>"
        } ?? ""
      return """
        <figure><svg class="picture" viewBox="0 0 \(size.width) \(size.height)" role="img" \
        aria-label="\(name): \(caption)">\(photograph)\(overlay)</svg><figcaption><p class="name">\(caption)</p>\
        </figcaption></figure>

        """
    }
    let captions = ["Map of \(files.first)", "Map of \(files.second)"]
    return """

      <article class="image" id="image-\(index)" aria-labelledby="image-\(index)-title">
      <h3 id="image-\(index)-title">\(name)</h3>
      <div class="figures">
      \(figure(nil, "Photograph"))\(zip(picture.heats, captions).map { figure($0, $1) })</div>
      </article>

      """
  }

  // MARK: Making

  private var making: ReportPage.Section? {
    report.provenance.map {
      .making(
        $0,
        notes: """
          Maps are made by <code>\(report.method)</code>\(report.preprocessing.map { "; input: \($0)" } ?? "").
          """)
    }
  }
}

extension DriftReport {
  /// What the figures say, in words.
  var findings: [Finding] {
    var findings: [Finding] = []
    findings.append(
      Finding(question: "Where does it break?", answer: breaks ?? "No single node stands out", detail: verdict))
    if let agreement = summary.agreement {
      let same = images.filter(\.agrees).count
      findings.append(
        Finding(
          question: "Does it decide the same?",
          answer: agreement == 1 ? "In all pictures" : "In \(same) of \(counted(images.count, "picture"))",
          detail: "the probability of the first file’s top class changes by "
            + "\(percent(summary.probability_change ?? 0)) on average",
          image: images.firstIndex { !$0.agrees }))
    }
    if let snr = summary.snr {
      findings.append(
        Finding(
          question: "How large is the error in the end?", answer: "\(typeset(snr, 1)) dB",
          detail: "the signal-to-noise ratio of the scores"))
    }
    if let pearson = summary.map_pearson {
      findings.append(
        Finding(
          question: "Does it look at the same?", answer: "Correlation \(typeset(pearson, 3))",
          detail: "of the maps that explain draws"
            + (summary.map_ssim.map { ", structural similarity \(typeset($0, 3))" } ?? "") + ", over all pictures"))
    }
    return findings
  }
}
