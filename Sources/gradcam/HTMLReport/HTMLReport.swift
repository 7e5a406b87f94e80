/// A comparison as one self-contained HTML file, pictures, style and script included.
struct HTMLReport {
  let comparison: Comparison
  /// Distinct names of the images.
  let imageNames: [String]

  init(_ comparison: Comparison) {
    self.comparison = comparison
    imageNames = comparison.imageNames
  }

  typealias Section = ReportPage.Section

  var text: String {
    let sections = [ReportPage.findings(comparison.findings), models, metrics, agreement, images, making]
    return ReportPage(title: title, lead: lead, sections: sections.compactMap { $0 }, command: "compare").text
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

  // MARK: Parts that several sections share

  /// A model's sign and name.
  func badge(_ model: String) -> HTML { badge(comparison.models.firstIndex { $0.name == model }!) }

  func badge(_ model: Int) -> HTML {
    "<span class=\"sign\">\(letter(model))</span>\u{A0}<span class=\"name\">\(HTML.breakable(comparison.models[model].name))</span>"
  }

  func scrolling(_ table: HTML, isTall: Bool = false) -> HTML { ReportPage.scrolling(table, isTall: isTall) }
}
