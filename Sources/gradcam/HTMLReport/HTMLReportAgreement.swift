/// A number that says how far two maps agree.
private struct AgreementMeasure: Sendable {
  let name, meaning: String
  let value: @Sendable (ComparedPair) -> Double?

  static let all = [
    AgreementMeasure(
      name: "Pearson", meaning: "correlation of the two maps: 1 the same but for scale, 0 no relation, −1 opposite"
    ) { $0.pearson },
    AgreementMeasure(name: "Spearman", meaning: "the same for ranks: only the order of positions counts") {
      $0.spearman
    },
    AgreementMeasure(name: "SSIM", meaning: "similarity of structure in small windows: 1 the same") { $0.ssim },
    AgreementMeasure(name: "IoU", meaning: "how far the warmest fifths overlap: 1 the same, 0 apart") { $0.iou },
  ]
}

extension HTMLReport {
  /// How far the models' maps agree, as means over all images: a matrix for each measure, or one table for one pair.
  var agreement: Section? {
    let pairs = comparison.meanAgreement
    guard !pairs.isEmpty else { return nil }
    let means: HTML =
      pairs.count == 1
      ? pairTable(pairs, caption: "Agreement of the maps, the mean over \(comparison.caseCount)")
      : "<div class=\"matrices\" style=\"--models: \(comparison.models.count)\">\n\(AgreementMeasure.all.map { matrix($0, pairs) })</div>"
    let meanings = AgreementMeasure.all.map { "<div><dt>\($0.name)</dt><dd>\($0.meaning)</dd></div>\n" as HTML }
    return Section(id: "agreement", title: "Agreement", content: "\(means)\n<dl class=\"meanings\">\n\(meanings)</dl>")
  }

  /// A row for each pair of models.
  ///
  /// - Parameter isCaptionSeen: whether the caption is visible, not only read by screen readers.
  func pairTable(_ pairs: [ComparedPair], caption: String, isCaptionSeen: Bool = true) -> HTML {
    let rows = pairs.map { pair -> HTML in
      let cells = AgreementMeasure.all.map { "<td>\(number($0.value(pair)))</td>" as HTML }
      return "<tr><th scope=\"row\">\(badge(pair.first)) and \(badge(pair.second))</th>\(cells)</tr>\n"
    }
    let heading = AgreementMeasure.all.map { "<th scope=\"col\">\($0.name)</th>" as HTML }
    return scrolling(
      """
      <table><caption\(isCaptionSeen ? "" : " class=\"unseen\"" as HTML)><span>\(caption)</span></caption>
      <thead><tr><th scope="col">Models</th>\(heading)</tr></thead>
      <tbody>
      \(rows)</tbody></table>
      """)
  }

  /// A row and a column for each model.
  private func matrix(_ measure: AgreementMeasure, _ pairs: [ComparedPair]) -> HTML {
    let names = comparison.models.map(\.name)
    let rows = names.indices.map { row -> HTML in
      let cells = names.indices.map { column -> HTML in
        if row == column { return "<td class=\"self\">\(HTML.missing("the same model"))</td>" }
        let pair = pairs.first { Set([$0.first, $0.second]) == [names[row], names[column]] }
        let value = pair.flatMap(measure.value)
        let share = decimal(min(max(value ?? 0, 0), 1) * 100, 0)
        return "<td style=\"--share: \(share)%\">\(number(value))</td>"
      }
      return "<tr><th scope=\"row\">\(badge(row))</th>\(cells)</tr>\n"
    }
    let heading = names.indices.map { index -> HTML in
      """
      <th scope="col"><abbr class="sign" title="\(names[index])"><span aria-hidden="true">\(letter(index))</span>\
      <span class="unseen">\(names[index])</span></abbr></th>
      """
    }
    return scrolling(
      """
      <table class="matrix"><caption>\(measure.name)</caption>
      <thead><tr><td></td>\(heading)</tr></thead>
      <tbody>
      \(rows)</tbody></table>
      """)
  }

  private func number(_ value: Double?) -> HTML {
    value.map { "\(typeset($0, 2))" } ?? .missing("not defined: a map is constant or empty")
  }
}
