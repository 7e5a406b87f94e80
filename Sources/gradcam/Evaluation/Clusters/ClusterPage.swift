import GradCAM
import Graph

/// The groups of an evaluation's maps as one self-contained HTML file.
struct ClusterPage {
  private let report: EvaluationReport
  private let classes: [GroupedClass]
  private let provenance: Provenance
  private let preprocessing: String?
  /// The images that are shown, by name.
  private var shown: [String: Shown] = [:]
  /// The number of images that each group shows.
  private let shownCount: Int

  /// A picture, and where maps lie over it.
  fileprivate struct Shown {
    let number: Int
    /// A JPEG file; nil if the image is no picture, or cannot be read any more.
    let photograph: [UInt8]?
    let size: PixelSize
    let seen: PixelRectangle
  }

  /// The longer side of a picture, and the sides of a map.
  fileprivate static let pictureSide = 224, mapSide = 80
  /// About how many pictures the page may show in all.
  private static let mostShown = 2400

  /// - Parameters:
  ///   - report: with the groups of its maps.
  ///   - images: all of them once more.
  ///   - prepare: prepares one of them.
  ///
  /// Throws what going through images throws, and encoding pictures.
  init(
    _ report: EvaluationReport, _ provenance: Provenance, preprocessing: String?,
    of images: ImageStream, prepare: (ImageFile) throws -> PreparedImage
  ) throws {
    (self.report, self.provenance, self.preprocessing) = (report, provenance, preprocessing)
    classes = report.clusters ?? []
    let groups = classes.flatMap(\.groups)
    shownCount = groups.isEmpty ? 0 : max(1, min(GroupedClass.Group.mostShown, Self.mostShown / groups.count))
    let count = shownCount
    let names = Set(groups.flatMap { $0.nearest.prefix(count).map(\.image) })
    while shown.count < names.count, var image = try images.next() {
      guard names.contains(image.name), shown[image.name] == nil else { continue }
      let prepared = try? {
        try image.load()
        return try prepare(image)
      }()
      shown[image.name] = try Shown(prepared, number: shown.count)
    }
  }

  var text: String {
    get throws {
      var drawn: Set<String> = []
      let sections = try classes.indices.filter { !classes[$0].groups.isEmpty }.map { try section($0, &drawn) }
      return ReportPage(
        title: "Where \(fileName(report.model)) looks, in groups", lead: lead,
        sections: [ReportPage.findings(findings), overview].compactMap { $0 } + sections
          + [.making(provenance, notes: notes)], command: "evaluate"
      ).text
    }
  }

  private var lead: HTML {
    """
    Maps of \(counted(report.images, "picture")) at <code>\(HTML.breakable(report.node))</code>. The maps of each class \
    are in groups that have their evidence in the same places: if a group lights up beside the object, look at what its \
    pictures have in common there.
    """
  }

  private var notes: HTML {
    """
    Maps are reduced to \(CoarseMap.side) × \(CoarseMap.side) cells, of which only the proportions count, and grouped by \
    spectral clustering as in SpRAy (Lapuschkin et al., 2019)\(preprocessing.map { "; input: \($0)" } ?? "").
    """
  }

  // MARK: Overview

  private var findings: [Finding] {
    let beside = classes.enumerated().flatMap { index, each in
      each.background.map { background in
        Finding(
          question: "Does a group of maps look beside the object?",
          answer: "Group \(letter(background.group - 1)) of \(each.name), by \(each.method)",
          detail: each.text(background), part: id(index, background.group - 1))
      }
    }
    let apart = classes.enumerated().compactMap { index, each -> Finding? in
      let groups = each.groups.indices.filter { each.groups[$0].neighbours_outside == 0 }
      guard each.groups.count > 1, !groups.isEmpty else { return nil }
      return Finding(
        question: "Which groups are apart from all others?",
        answer: "\(groups.count == 1 ? "Group" : "Groups") \(enumerated(groups.map(letter))) of \(each.name), "
          + "by \(each.method)",
        detail: "\(enumerated(groups.map { "\(each.groups[$0].size)" })) maps, none of which has a near neighbour in "
          + "another group",
        part: id(index))
    }
    return Array((beside + apart).prefix(Self.mostFindings))
  }

  private static let mostFindings = 12
  /// Of more classes, the table alone has links.
  private static let mostListed = 12

  private var overview: ReportPage.Section {
    let rows = classes.enumerated().map { index, each -> HTML in
      let name: HTML = each.groups.isEmpty ? "\(each.name)" : "<a href=\"#\(id(index))\">\(each.name)</a>"
      let groups = each.groups.indices.map { group -> HTML in
        "\(group > 0 ? ", " : "" as HTML)\(badge(group)) \(each.groups[group].size)"
      }
      return """
        <tr><th scope="row">\(name)</th><td class="text">\(each.method)</td><td>\(each.maps)</td>\
        <td class="text">\(groups)</td><td class="text">\(each.omissions.map { "\($0)" } ?? .missing("all are"))</td></tr>

        """
    }
    return ReportPage.Section(
      id: "classes", title: "Classes",
      content: ReportPage.scrolling(
        """
        <table><caption><span>The classes explained, and how many maps each of their groups has.</span></caption>
        <thead><tr><th scope="col">Class</th><th scope="col" class="text">Method</th><th scope="col">Maps</th>\
        <th scope="col" class="text">Groups</th><th scope="col" class="text">In no group</th></tr></thead>
        <tbody>
        \(rows)</tbody></table>
        """, isTall: true))
  }

  // MARK: Classes

  /// The first class that has pictures.
  private var firstShown: Int? { classes.firstIndex { !$0.groups.isEmpty } }

  private func id(_ index: Int) -> String { "class-\(index)" }
  private func id(_ index: Int, _ group: Int) -> String { "class-\(index)-group-\(group)" }

  private func badge(_ group: Int) -> HTML {
    "<span class=\"sign group-\(group % groupColorCount)\">\(letter(group))</span>"
  }

  private func section(_ index: Int, _ drawn: inout Set<String>) throws -> ReportPage.Section {
    let each = classes[index]
    var groups: [HTML] = []
    for number in each.groups.indices { groups.append(try group(index, number, &drawn)) }
    return ReportPage.Section(
      id: id(index),
      title: classes.allSatisfy { $0.method == each.method } ? each.name : "\(each.name), \(each.method)",
      content: """
        \(table(index))<figure class="chart">\(ClusterChart(id: "\(id(index))-chart", grouped: each).html)<figcaption>Each \
        dot is a map; maps that are alike are near each other.</figcaption></figure>
        \(index == firstShown ? ReportPage.heatControl : "")\(groups)
        """, isListed: classes.count <= Self.mostListed)
  }

  /// The groups' figures.
  private func table(_ index: Int) -> HTML {
    let each = classes[index], isFirst = { (metric: EvaluationReport.Metric) in metric.metric == "energy-inside" }
    let metrics = report.metrics.filter(isFirst) + report.metrics.filter { !isFirst($0) }
    let rows = each.groups.enumerated().map { number, group -> HTML in
      let means = metrics.map { metric -> HTML in
        let value: HTML =
          (group.means[metric.metric] ?? nil).map { "\(typeset($0, 3))" } ?? .missing("not defined for these maps")
        return "<td>\(value)</td>"
      }
      return """
        <tr><th scope="row">\(badge(number)) <a href="#\(id(index, number))">Group \(letter(number))</a></th>\
        <td>\(group.size)</td><td>\(percent(Double(group.size) / Double(each.maps)))</td>\
        <td>\(percent(group.neighbours_outside))</td>\(means)</tr>

        """
    }
    return ReportPage.scrolling(
      """
      <table><caption><span>The groups of \(each.name) by \(each.method): which share of their maps’ nearest neighbours \
      is in other groups, 0% if they are apart\(metrics.isEmpty ? "" : ", and the means of the metrics").</span></caption>
      <thead><tr><th scope="col">Group</th><th scope="col">Maps</th><th scope="col">Share</th>\
      <th scope="col">Neighbours outside</th>\(metrics.map { "<th scope=\"col\">\($0.metric)</th>" as HTML })</tr></thead>
      <tbody>
      \(rows)</tbody></table>
      """)
  }

  /// A group's mean map, and the pictures nearest to it.
  private func group(_ index: Int, _ number: Int, _ drawn: inout Set<String>) throws -> HTML {
    let each = classes[index], group = each.groups[number], own = id(index, number)
    let beside = each.background.filter { $0.group == number + 1 }.map { background -> HTML in
      "<p class=\"differs\">It looks beside the object: \(each.text(background)).</p>\n"
    }
    var figures: [HTML] = []
    for (image, map) in group.nearest.prefix(shownCount) { figures.append(try figure(image, map, each, &drawn)) }
    let mean: HTML = """
      <figure><svg class="picture" viewBox="0 0 1 1" role="img" aria-label="The mean map of group \(letter(number)) of \
      \(each.name)"><image width="1" height="1" href="\(jpeg: try heat(group.mean))"/></svg><figcaption><p class="name">\
      Mean map</p></figcaption></figure>

      """
    let count =
      figures.count < group.size ? "the \(figures.count) nearest to the mean of \(group.size)" : "all \(group.size)"
    return """

      <article class="image" id="\(own)" aria-labelledby="\(own)-title">
      <h3 id="\(own)-title">\(badge(number)) Group \(letter(number)) of \(each.name): \(counted(group.size, "map"))</h3>
      <p>Shown are \(count).</p>
      \(beside)<div class="figures small">
      \(mean)\(figures)</div>
      </article>

      """
  }

  /// A picture with its map over it.
  private func figure(
    _ image: String, _ map: HeatMap, _ each: GroupedClass, _ drawn: inout Set<String>
  ) throws -> HTML {
    let shown = try shown[image] ?? Shown(nil, number: 0), size = shown.size, seen = shown.seen
    var photograph: HTML = ""
    if let jpeg = shown.photograph {
      photograph =
        drawn.insert(image).inserted
        ? """
        <image id="photograph-\(shown.number)" width="\(size.width)" height="\(size.height)" preserveAspectRatio="none" \
        href="\(jpeg: jpeg)"/>
        """ : "<use href=\"#photograph-\(shown.number)\"/>"
    }
    return """
      <figure><svg class="picture" viewBox="0 0 \(size.width) \(size.height)" role="img" aria-label="Map of \
      \(each.name) over \(image)">\(photograph)<image\(photograph == "" ? "" : " class=\"heat\"" as HTML) x="\(seen.x)" \
      y="\(seen.y)" width="\(seen.size.width)" height="\(seen.size.height)" preserveAspectRatio="none" \
      href="\(jpeg: try heat(map))"/></svg><figcaption>\(HTML.breakable(image))</figcaption></figure>

      """
  }

  private func heat(_ map: HeatMap) throws -> [UInt8] {
    try map.resized(width: Self.mapSide, height: Self.mapSide).colored(with: .jet).encoded(for: "heat.jpg")
  }
}

extension ClusterPage.Shown {
  /// - Parameter image: nil if it cannot be read.
  fileprivate init(_ image: PreparedImage?, number: Int) throws {
    self.number = number
    guard let image, let picture = image.picture else {
      photograph = nil
      size = image?.geometry.crop.size ?? PixelSize(width: 1, height: 1)
      seen = PixelRectangle(x: 0, y: 0, width: size.width, height: size.height)
      return
    }
    let scale = min(1, Double(ClusterPage.pictureSide) / Double(max(picture.width, picture.height)))
    func scaled(_ length: Int) -> Int { max(1, Int((Double(length) * scale).rounded())) }
    size = PixelSize(width: scaled(picture.width), height: scaled(picture.height))
    seen = image.geometry.seen.scaled(from: image.geometry.original, to: size)
    photograph = try picture.resized(width: size.width, height: size.height).encoded(for: "photograph.jpg")
  }
}
