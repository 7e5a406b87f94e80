import Foundation
import GradCAM
import Testing

@testable import GradCAMCommand

/// The report is well-formed, holds all that it shows, and says everything in words, too.
struct HTMLReportTests {
  @Test(arguments: [(1, 1), (2, 2), (3, 1), (10, 5)])
  func reportIsSound(models: Int, images: Int) throws {
    let comparison = try Comparison.madeUp(
      models: (0..<models).map { "model-\($0)" }, images: (0..<images).map { "image-\($0).png" })
    let text = HTMLReport(comparison).text
    #expect(text == HTMLReport(comparison).text)
    let page = try MarkupTree.parsing(text)
    let elements = page.descendants

    let ids = elements.compactMap { $0.attributes["id"] }
    #expect(Set(ids).count == ids.count)
    let references = elements.flatMap { element -> [String] in
      ["aria-labelledby", "for"].flatMap { element.attributes[$0]?.split(separator: " ").map(String.init) ?? [] }
        + [element.attributes["href"]].compactMap { $0 }.filter { $0.hasPrefix("#") }.map { String($0.dropFirst()) }
    }
    #expect(!references.isEmpty && Set(references).isSubset(of: ids))

    for scheme in ["http:", "https:", "file:", "//", "src=", "@import", "url("] {
      #expect(!text.contains(scheme) || scheme == "//" && !text.contains("=\"//"), "\(scheme)")
    }
    let pictures = elements.compactMap { $0.name == "image" ? $0.attributes["href"] : nil }
    #expect(pictures.count == images * (models + 1) && pictures.allSatisfy { $0.hasPrefix("data:image/jpeg;base64,") })

    #expect(page.attributes["lang"] == "en")
    for drawing in page.all("svg") {
      #expect(drawing.attributes["role"] == "img")
      let isNamed =
        drawing.attributes["aria-label"]?.isEmpty == false || drawing.all("title").first?.text.isEmpty == false
      #expect(isNamed)
    }
    for table in page.all("table") {
      #expect(table.children.first?.name == "caption" && table.children.first?.text.isEmpty == false)
      let isScoped = table.all("th").allSatisfy { $0.attributes["scope"] != nil && !$0.text.isEmpty }
      #expect(isScoped)
      let widths = table.all("tr").map { $0.children.count }
      #expect(Set(widths).count == 1)
    }
    let levels = elements.compactMap { ["h1": 1, "h2": 2, "h3": 3][$0.name] }
    #expect(levels.first == 1 && levels.filter { $0 == 1 }.count == 1)
    #expect(zip(levels, levels.dropFirst()).allSatisfy { $1 <= $0 + 1 })
    for landmark in ["header", "nav", "main", "footer"] { #expect(page.all(landmark).count == 1) }
    #expect(page.all("a").first?.attributes["href"] == "#main")
  }

  /// Of an image that is asked about several classes the photograph is in the file once.
  @Test func imagesAreAskedSeveralTimes() throws {
    let once = try Comparison.madeUp(images: ["a.png", "b.png"], label: "star").images
    let again = try Comparison.madeUp(images: ["a.png", "b.png"], label: "moon").images
    let one = try Comparison.madeUp()
    let page = try MarkupTree.parsing(
      HTMLReport(
        Comparison(
          method: one.method, metrics: one.metrics, measuresOwnClass: false, models: one.models, images: once + again)
      ).text)
    #expect(page.all("image").count == 2 + 4 * 2 && page.all("use").count == 2 + 4 * 2)
    #expect(
      page.all("article").map { $0.all("h3")[0].text } == [
        "a.png (star)", "b.png (star)", "a.png (moon)", "b.png (moon)",
      ])
    #expect(page.all("p").first?.text.contains("2 models on 2 images") == true)
    #expect(page.all("p").first?.text.contains("the same classes of an image, 4 cases in all") == true)
  }

  /// Names that would be markup stand on the page as they are.
  @Test func namesAreEscaped() throws {
    let names = [#"<script>alert("a")</script>"#, #"it's "b" & </style>"#]
    let image = "<img src=x onerror='alert(1)'>\u{1}.png", label = "</title><b>\"cat\""
    let page = try MarkupTree.parsing(
      HTMLReport(try .madeUp(models: names, images: [image, "b.png"], label: label)).text)
    #expect(page.all("script").count == 1 && page.all("style").count == 1 && page.all("img").isEmpty)
    #expect(page.all("title").first?.text == "What \(names[0]) and \(names[1]) look at")
    #expect(page.all("span").contains { $0.text == names[0] })
    #expect(page.all("h3").contains { $0.text == image.replacing("\u{1}", with: "\\x01") })
    #expect(page.all("svg").contains { $0.attributes["aria-label"]?.contains("“\(label)”") == true })
  }

  @Test func whatIsNotDefinedIsADashWithAReason() throws {
    let page = try MarkupTree.parsing(HTMLReport(try .madeUp()).text)
    let cells = page.all("td").map(\.text) + page.all("dd").map(\.text)
    #expect(cells.contains("–not reported by the system") && cells.contains("–not defined for this map"))
    #expect(cells.contains { $0.hasPrefix("–not defined: a map is constant") })
    #expect(!page.text.contains("nil") && !page.text.contains("Optional"))
    let drawn = page.all("svg").first { $0.text.contains("insertion") }
    #expect(drawn?.text.contains("shapes-resnet: not defined; shapes-vgg: 1.000.") == false)
    #expect(drawn?.text.contains("– not defined") == true)
  }

  /// Without metrics and without a second model, what would speak of them is left out.
  @Test func whatWasNotMeasuredIsLeftOut() throws {
    let one = try Comparison.madeUp(models: ["only"], images: ["a.png"])
    let page = try MarkupTree.parsing(
      HTMLReport(
        Comparison(method: one.method, metrics: [], measuresOwnClass: false, models: one.models, images: one.images)
      ).text)
    #expect(page.all("section").compactMap { $0.attributes["id"] } == ["findings", "models", "images"])
    #expect(page.all("fieldset").isEmpty && page.all("h1").first?.text == "What only looks at")
  }

  /// Text and its ground differ by 4.5 : 1 and more, graphics by 3 : 1, by day and by night.
  @Test func coloursContrast() throws {
    let text = HTMLReport(try .madeUp()).text
    var colours: [Substring: [[Double]]] = [:]
    for match in text.matches(of: /--(\w+): light-dark\(#(\w{6}), #(\w{6})\);/) {
      colours[match.1] = [match.2, match.3].map { code in
        stride(from: 16, through: 0, by: -8).map { Double(Int(code, radix: 16)! >> $0 & 255) }
      }
    }
    func luminance(_ colour: [Double]) -> Double {
      let linear = colour.map { value in value <= 10 ? value / 255 / 12.92 : pow((value / 255 + 0.055) / 1.055, 2.4) }
      return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }
    func contrast(_ one: [Double], _ other: [Double]) -> Double {
      let (low, high) = (min(luminance(one), luminance(other)), max(luminance(one), luminance(other)))
      return (high + 0.05) / (low + 0.05)
    }
    for theme in 0...1 {
      func colour(_ name: Substring) throws -> [Double] { try #require(colours[name])[theme] }
      for ground in ["page", "surface"] as [Substring] {
        for ink in ["ink", "quiet", "accent", "caution"] as [Substring] {
          #expect(contrast(try colour(ink), try colour(ground)) >= 4.5, "\(ink) on \(ground), theme \(theme)")
        }
        #expect(contrast(try colour("bar"), try colour(ground)) >= 3, "bar on \(ground), theme \(theme)")
      }
      // The strongest ground of a matrix.
      let mixed = zip(try colour("accent"), try colour("surface")).map { 0.3 * $0 + 0.7 * $1 }
      #expect(contrast(try colour("ink"), mixed) >= 4.5)
    }
    #expect(text.contains("var(--accent) calc(var(--share, 0%) * 0.3), var(--surface)"))
  }

  @Test func textIsEscaped() {
    let html: HTML = "<p title=\"\(#"a"'b"#)\">\("<&>\0\u{85}\n")\(3)</p>"
    #expect(html.text == "<p title=\"a&quot;&#39;b\">&lt;&amp;&gt;\\x00\\x85\n3</p>")
  }

  @Test func pathsDifferInTheirEnds() {
    #expect(
      distinctEnds(of: ["a/b/x.png", "a/c/x.png", "y.png", "q/y.png", "a/z.png", "a/z.png"])
        == ["b/x.png", "c/x.png", "y.png", "q/y.png", "z.png", "z.png"])
  }

  @Test(arguments: [
    ([0.62, 0.7, 0.91], ["0.6", "0.7", "0.8", "0.9", "1.0"]), ([1], ["0.6", "0.8", "1.0", "1.2", "1.4"]),
    ([3, 800], ["2", "5", "10", "20", "50", "100", "200", "500", "1000"]),
    ([-0.02, 0.05], ["−0.02", "0.00", "0.02", "0.04", "0.06"]),
  ])
  func axesHoldTheirNumbers(values: [Double], expected: [String]) {
    let axis = Axis(values, spansFactors: true)
    #expect(axis.ticks.map(axis.text) == expected)
    #expect(values.allSatisfy { (0...1).contains(axis.place($0)) })
  }
}
