import Foundation
import GradCAM
import Testing

@testable import GradCAMCommand

/// The report in Chromium.
///
/// Screenshots are kept in the folder that GRADCAM_SCREENSHOTS names, else in gradcam-screenshots
/// in the system's folder for temporary files.
@Suite(.enabled(if: Browser.program != nil, "Chromium is not installed: make browser"))
struct ReportInBrowserTests {
  private let place: Workplace
  private let report: String

  init() throws {
    place = try Workplace()
    report = place.path("report.html")
    try Data(HTMLReport(try .madeUp()).text.utf8).write(to: URL(fileURLWithPath: report))
  }

  @Test func picturesLoadAndTheConsoleIsQuiet() throws {
    let browser = try Browser()
    try browser.show(report)
    let widths = try browser.evaluate(
      """
      Promise.all([...document.querySelectorAll("image")].map(async (picture) => {
        const image = new Image();
        image.src = picture.href.baseVal;
        await image.decode();
        return image.complete ? image.naturalWidth : 0;
      }))
      """)
    #expect(widths as? [Int] == [96, 96, 96, 48, 48, 48])
    #expect(try browser.evaluate("document.querySelectorAll('img').length") as? Int == 0)
    #expect(browser.errors.isEmpty, "\(browser.errors)")
  }

  /// The policy of the page forbids what is not in it, and the browser says so.
  @Test func nothingElseCanBeLoaded() throws {
    let browser = try Browser()
    try browser.show(report)
    let isForbidden = try browser.evaluate(
      "new Promise(done => { const image = new Image(); image.onerror = () => done(true);"
        + "image.onload = () => done(false);"
        + "image.src = 'file://\(fixture("pixel.png"))'; })")
    #expect(isForbidden as? Bool == true && browser.errors.count == 1)
  }

  /// By keys alone: the heat gives way to the photograph, then hides it.
  @Test func sliderBlendsTheHeat() throws {
    let browser = try Browser()
    try browser.emulate(width: 1280)
    try browser.show(report)
    var focused: [String] = []
    while try browser.evaluate("document.activeElement.id") as? String != "heat" {
      try browser.press("Tab", code: 9)
      focused.append(try #require(try browser.evaluate("document.activeElement.outerHTML.slice(0, 60)") as? String))
      try #require(focused.count < 40, "\(focused)")
    }
    #expect(focused.first?.hasPrefix("<a class=\"skip\"") == true)

    func seen(_ figure: Int) throws -> Picture {
      try Picture(decoding: try browser.screenshot(of: "document.querySelectorAll('.picture')[\(figure)]"))
    }
    let photograph = try seen(0), blended = try seen(1)
    try browser.press("Home", code: 36)
    let bare = try seen(1)
    try browser.press("End", code: 35)
    let heat = try seen(1)
    #expect(photograph.meanDifference(bare) < 4)
    #expect(photograph.meanDifference(blended) > 20)
    #expect(heat.meanDifference(blended) > 10 && heat.meanDifference(bare) > blended.meanDifference(bare))
    #expect(try browser.evaluate("document.getElementById('strength').value") as? String == "100%")
    #expect(browser.errors.isEmpty, "\(browser.errors)")
  }

  @Test func oneModelIsShownAlone() throws {
    let browser = try Browser()
    try browser.show(report)
    let shown =
      "[...document.querySelectorAll('figure[data-model]')].filter(f => f.offsetParent).map(f => f.dataset.model)"
    #expect(try browser.evaluate(shown) as? [String] == ["0", "1", "0", "1"])
    try browser.evaluate("document.querySelector('input[name=shown][value=all]').focus()")
    try browser.press("ArrowRight", code: 39)
    #expect(try browser.evaluate(shown) as? [String] == ["0", "0"])
    try browser.press("ArrowRight", code: 39)
    #expect(try browser.evaluate(shown) as? [String] == ["1", "1"])
    let boxes = "[...document.querySelectorAll('.box')].filter(box => getComputedStyle(box).display !== 'none').length"
    #expect(try browser.evaluate(boxes) as? Int == 6)
    try browser.evaluate("document.getElementById('boxes').click()")
    #expect(try browser.evaluate(boxes) as? Int == 0)
  }

  /// Pictures, controls, tables and regions have names, and no name is said of two controls.
  @Test func screenReadersReadEverything() throws {
    let browser = try Browser()
    try browser.show(report)
    let elements = try browser.spokenElements()
    let named = ["image", "slider", "radio", "checkbox", "table", "navigation", "form", "heading", "link"]
    for element in elements where named.contains(element.role) {
      #expect(!element.name.isEmpty, "a \(element.role) without a name")
    }
    for role in ["image", "slider", "radio", "checkbox", "table", "navigation"] {
      #expect(elements.contains { $0.role == role }, "no \(role)")
    }
    let controls = elements.filter { ["slider", "radio", "checkbox"].contains($0.role) }.map(\.name)
    #expect(Set(controls).count == controls.count, "\(controls)")
  }

  /// From a phone to a wide screen nothing is wider than the page, by day and by night and on paper.
  @Test func pageFitsEveryWidth() throws {
    let browser = try Browser()
    let folder = Browser.screenshotFolder
    // As in the style sheet: #fbfaf8 by day, #16171a by night.
    let grounds = [false: "rgb(251, 250, 248)", true: "rgb(22, 23, 26)"]
    for (width, isDark) in [(1280, false), (800, true), (390, false)] {
      try browser.emulate(width: width, isDark: isDark)
      try browser.show(report)
      #expect(try browser.evaluate("document.documentElement.scrollWidth") as? Int == width)
      let ground = try browser.evaluate("getComputedStyle(document.documentElement).backgroundColor") as? String
      #expect(ground == grounds[isDark])
      let screenshot = try browser.screenshot()
      #expect(try Picture(decoding: screenshot).width == width)
      try Data(screenshot).write(to: folder.appendingPathComponent("report-\(width)\(isDark ? "-dark" : "").png"))
    }
    try browser.emulate(width: 800, isDark: true, isPrint: true)
    #expect(
      try browser.evaluate("getComputedStyle(document.documentElement).backgroundColor") as? String
        == "rgb(255, 255, 255)")
    #expect(try browser.evaluate("getComputedStyle(document.getElementById('controls')).display") as? String == "none")
    try browser.pdf().write(to: folder.appendingPathComponent("report.pdf"))
    print("Screenshots of the report are in \(folder.path).")
  }
}

extension Picture {
  /// The mean difference of two pictures' samples, over the size that both have.
  fileprivate func meanDifference(_ other: Picture) -> Double {
    let (width, height) = (min(width, other.width), min(height, other.height))
    var sum = 0
    for y in 0..<height {
      for x in 0..<3 * width {
        sum += abs(Int(pixels[3 * y * self.width + x]) - Int(other.pixels[3 * y * other.width + x]))
      }
    }
    return Double(sum) / Double(3 * width * height)
  }
}
