import Foundation
import GradCAM
import Testing

@testable import GradCAMCommand

/// The page in Chromium, from a server and from a file.
///
/// Screenshots are kept in the folder that GRADCAM_SCREENSHOTS names, else in gradcam-screenshots in the system's folder
/// for temporary files.
@Suite(.enabled(if: Browser.program != nil, "Chromium is not installed: make browser"))
struct PageInBrowserTests {
  private static let model = shipped("shapes-resnet.onnx")
  private static let picture = shipped("samples/pair-004-moon-circle.png")

  /// Waits until what the page shows first is there.
  private func wait(_ browser: Browser) throws { _ = try browser.evaluate("gradcam.ready.then(() => 1)") }

  /// What the page would save of its picture.
  private func pixels(_ browser: Browser) throws -> Picture {
    let shown = try #require(
      try browser.evaluate(
        "(() => { const p = gradcam.pixels(); return [p.width, p.height, ...p.data.filter((_, i) => i % 4 < 3)]; })()")
        as? [Int])
    return Picture(width: shown[0], height: shown[1], pixels: shown[2...].map { UInt8($0) })
  }

  /// The nodes that the page can select, with what `--node` takes.
  private func nodes(_ browser: Browser) throws -> [(index: Int, query: String)] {
    let found = try browser.evaluate(
      """
      (() => {
        const model = gradcam.session.model;
        return model.nodes.filter((node) => node.mappable).map((node) => [node.index, node.query]);
      })()
      """)
    return try #require(found as? [[Any]]).map { (try #require($0[0] as? Int), try #require($0[1] as? String)) }
  }

  /// The pixels of every node are those of `explain`, and choosing it takes no time.
  private func checkNodes(_ browser: Browser, _ workplace: Workplace) throws {
    let nodes = try nodes(browser)
    #expect(nodes.count > 10)
    var times: [Double] = []
    for node in nodes.enumerated().filter({ $0.offset % 4 == 0 || $0.offset == nodes.count - 1 }).map(\.element) {
      _ = try browser.evaluate("gradcam.select(\(node.index))")
      times.append(try #require(try browser.evaluate("gradcam.lastClickMilliseconds") as? Double))
      _ = try workplace.succeed(
        "explain", Self.model, Self.picture, "--node", node.query, "--output", "map.png", "--quiet")
      let (shown, drawn) = (try pixels(browser), try workplace.picture("map.png"))
      #expect(shown == drawn, "\(node.query)")
    }
    #expect(times.sorted()[times.count / 2] < 100, "\(times)")
  }

  @Test func modulesPassTheirTests() throws {
    let workplace = try Workplace()
    let folder = fixture("page"), files = try FileManager.default.contentsOfDirectory(atPath: folder)
    func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
    let order = try text(ofPackage("Sources/CPage/page.c")).matches(of: /Page\/(\w+\.js)/).map { String($0.1) }
    let pieces =
      try order.dropLast().map { try text(ofPackage("Sources/gradcam/Page/\($0)")) } + [text("\(folder)/runner.js")]
      + files.filter { $0.hasSuffix(".test.js") }.sorted().map { try text("\(folder)/\($0)") }
    let page = workplace.path("tests.html")
    try
      "<!doctype html><meta charset=\"utf-8\"><body><script>\(PageAssets.bundle(pieces.joined(separator: "\n")))</script>"
      .write(toFile: page, atomically: true, encoding: .utf8)
    let browser = try Browser()
    try browser.show(page)
    let results = try #require(
      try browser.evaluate("Promise.all(globalThis.running).then(() => globalThis.results)") as? [[String: Any]])
    #expect(results.count > 20 && browser.errors.isEmpty, "\(browser.errors)")
    for result in results { #expect(result["error"] is NSNull, "\(result)") }
  }

  /// Each module comes after those that it imports, none is left out, and no two have a variable of the same name.
  @Test func modulesFitTogether() throws {
    let folder = ofPackage("Sources/gradcam/Page")
    let source = try String(contentsOfFile: ofPackage("Sources/CPage/page.c"), encoding: .utf8)
    let listed = source.matches(of: /Page\/([\w.]+)/).map { String($0.1) }
    #expect(Set(listed) == Set(try FileManager.default.contentsOfDirectory(atPath: folder)))
    var before: Set<String> = [], names: [String: String] = [:]
    for module in listed where module.hasSuffix(".js") {
      let lines = try String(contentsOfFile: "\(folder)/\(module)", encoding: .utf8).split(separator: "\n")
      #expect(lines.count < 400, "\(module)")
      for line in lines where line.hasPrefix("import ") {
        let file = try #require(line.wholeMatch(of: /import \{ [\w, ]+ \} from "\.\/(\w+\.js)";/), "\(module): \(line)")
        #expect(before.contains(String(file.1)), "\(module) imports \(file.1), which comes later")
      }
      for line in lines {
        guard let name = line.firstMatch(of: /^(?:export )?(?:async )?(?:function\*?|const|let|class) (\w+)/) else {
          continue
        }
        #expect(names[String(name.1)] == nil, "\(name.1) is in \(module) and in \(names[String(name.1)] ?? "")")
        names[String(name.1)] = module
      }
      before.insert(module)
    }
    #expect(!PageAssets.script.contains("</script") && !PageAssets.script.contains("<!--"))
  }

  @Test func aServedPageShowsTheMapOfEveryNode() throws {
    let workplace = try Workplace(), server = try LiveServer([Self.model, Self.picture])
    let browser = try Browser()
    try browser.emulate(width: 1280)
    try browser.visit(server.address)
    try wait(browser)
    try checkNodes(browser, workplace)
    #expect(browser.errors.isEmpty, "\(browser.errors)")
    #expect(try !browser.requested.isEmpty && browser.requested.allSatisfy(isOwn), "\(browser.requested)")
    func isOwn(_ address: String) throws -> Bool {
      let address = try #require(URL(string: address))
      return address.scheme == "data" || address.scheme == "blob"
        || (address.host, address.port) == (server.address.host, server.address.port)
    }
  }

  @Test func aFileShowsTheMapOfEveryNodeWithoutAServer() throws {
    let workplace = try Workplace()
    _ = try workplace.succeed(
      "sweep", Self.model, Self.picture, "--metric", "none", "--report", "page.html", "--output", "sheet.png")
    let browser = try Browser()
    try browser.emulate(width: 1280)
    try browser.show(workplace.path("page.html"))
    try wait(browser)
    try checkNodes(browser, workplace)
    #expect(browser.errors.isEmpty, "\(browser.errors)")
    #expect(browser.requested.allSatisfy { $0.hasPrefix("file:") || $0.hasPrefix("data:") || $0.hasPrefix("blob:") })
  }

  /// Waits until an expression is true.
  private func wait(_ browser: Browser, until condition: String) throws {
    for _ in 0..<200 where try browser.evaluate("Boolean(\(condition))") as? Bool != true { usleep(50_000) }
    #expect(try browser.evaluate("Boolean(\(condition))") as? Bool == true, "\(condition)")
  }

  /// A detector's boxes are drawn with their names; the map is that of the node that the box is read from, and a click on
  /// another one explains that.
  @Test func boxesAreDrawnAndChosen() throws {
    let model = shipped("shapes-detector.onnx"), picture = shipped("detector-samples/scene-000-cross-triangle.png")
    let server = try LiveServer([model, picture]), browser = try Browser()
    try browser.emulate(width: 1280)
    try browser.visit(server.address)
    try wait(browser)
    let node = "gradcam.session.node()?.query.startsWith('layer2')"
    func chosen(_ name: String, of count: Int) -> String {
      """
      document.querySelectorAll('.detection').length === \(count)
        && [...document.querySelectorAll('.detection.chosen text')].map((text) => text.textContent).join() === '\(name)'
      """
    }
    try wait(browser, until: node)
    try wait(browser, until: chosen("cross 0.94", of: 2))
    // The largest value lies in the box.
    let inside = """
      (() => {
        const { map, explanation } = gradcam.session.state();
        const peak = map.values.indexOf(Math.max(...map.values)), { width, height } = gradcam.session.picture;
        const [x, y, w, h] = explanation.document.boxes.find((box) => box.explained).box;
        const column = (peak % map.width + 0.5) * width / map.width;
        const row = (Math.floor(peak / map.width) + 0.5) * height / map.height;
        return column > x && column < x + w && row > y && row < y + h;
      })()
      """
    try wait(browser, until: inside)
    // The file that is saved has them, too: the explained one in its own colour.
    let edge = """
      (async () => {
        const blobs = [], { createObjectURL } = URL;
        URL.createObjectURL = (blob) => (blobs.push(blob), createObjectURL.call(URL, blob));
        document.querySelector('[data-save=png]').click();
        for (let turn = 0; turn < 100 && !blobs.length; turn++) await new Promise((done) => setTimeout(done, 20));
        URL.createObjectURL = createObjectURL;
        const saved = await createImageBitmap(blobs[0]), canvas = new OffscreenCanvas(saved.width, saved.height);
        const context = canvas.getContext('2d');
        context.drawImage(saved, 0, 0);
        const { boxes } = gradcam.session.state().explanation.document;
        return boxes.flatMap(({ box: [x, y, w, h] }) => [...context.getImageData(x, y + h / 2, 1, 1).data].slice(0, 3));
      })()
      """
    let colors = try #require(try browser.evaluate(edge) as? [Int])
    #expect(colors.count == 6 && colors[0] > colors[1] + 40 && colors[1] > colors[2] + 20, "orange: \(colors)")
    #expect(colors[3...].allSatisfy { $0 > 200 }, "white: \(colors)")
    _ = try browser.evaluate("gradcam.select(gradcam.session.model.nodes.find((node) => node.mappable).index)")
    _ = try browser.evaluate(
      "document.querySelector('.detection:not(.chosen)').dispatchEvent(new MouseEvent('click', { bubbles: true }))")
    try wait(browser, until: "gradcam.session.view.target.detection === 1 && gradcam.session.state().explanation")
    try wait(browser, until: chosen("triangle 0.91", of: 2))
    try wait(browser, until: node)
    try wait(browser, until: inside)
    #expect(try (browser.evaluate("gradcam.command()") as? String)?.contains(" --detection 1 ") == true)
    // What the score does not depend on has no map, and the page says so.
    let other = "gradcam.session.model.nodes.find((node) => node.query.startsWith('box_tower'))"
    #expect(try browser.evaluate("\(other).mappable") as? Bool == true)
    _ = try browser.evaluate("gradcam.select(\(other).index)")
    try wait(browser, until: "document.querySelector('.note').textContent.includes('does not depend on this node')")
    #expect(browser.errors.isEmpty, "\(browser.errors)")

    let workplace = try Workplace()
    _ = try workplace.succeed(
      "sweep", model, picture, "--detection", "1", "--metric", "none", "--report", "page.html", "--output", "s.png")
    let file = try Browser()
    try file.emulate(width: 1280)
    try file.show(workplace.path("page.html"))
    try wait(file)
    try wait(file, until: chosen("triangle 0.91", of: 2))
    try wait(file, until: node)
    try wait(file, until: inside)
    #expect(file.errors.isEmpty, "\(file.errors)")
  }

  /// What the page's command makes is what the page shows: class, method, colours and all.
  @Test func theCommandMakesTheSamePicture() throws {
    let workplace = try Workplace(), server = try LiveServer([Self.model, Self.picture])
    let browser = try Browser()
    try browser.emulate(width: 1280)
    try browser.visit(server.address)
    try wait(browser)
    let nodes = try nodes(browser)
    for (node, change) in [
      (nodes[nodes.count / 2], "session.setTarget({ class: '1' })"),
      (nodes[nodes.count - 1], "session.setMethod('layercam')"),
      (nodes[nodes.count - 2], "session.setSettings({ colormap: 'viridis', blend: 0.3 })"),
      (nodes[nodes.count - 2], "session.setSettings({ style: 'mask' })"),
    ] {
      _ = try browser.evaluate("Promise.resolve(gradcam.\(change)).then(() => gradcam.select(\(node.index)))")
      for _ in 0..<200 where try browser.evaluate("gradcam.session.state().explanation === null") as? Bool == true {
        usleep(50_000)
      }
      let command = try #require(try browser.evaluate("gradcam.command()") as? String)
      #expect(command.hasPrefix("gradcam explain "))
      let program = Workplace.built("gradcam").path
      let outcome = try workplace.run(
        ["-c", command.replacing("gradcam", with: program, maxReplacements: 1)], program: "/bin/sh")
      #expect(outcome.code == 0, "\(command): \(outcome.errors)")
      let name = try #require(workplace.files.first { $0.hasSuffix(".png") })
      #expect(try pixels(browser) == workplace.picture(name), "\(command)")
      try FileManager.default.removeItem(atPath: workplace.path(name))
    }
    #expect(browser.errors.isEmpty, "\(browser.errors)")
  }

  /// Of quick changes, the last ones count, whatever comes when.
  @Test func whatIsShownIsWhatWasAskedLast() throws {
    let workplace = try Workplace()
    let server = try LiveServer([Self.model, Self.picture, shipped("samples/pair-005-moon-heart.png")])
    let browser = try Browser()
    try browser.emulate(width: 1280)
    try browser.visit(server.address)
    try wait(browser)
    _ = try browser.evaluate(
      """
      (() => {
        const { session } = gradcam, [first, second] = session.images, nodes = session.model.nodes.filter((node) => node.mappable);
        for (const [index, node] of nodes.entries()) {
          session.showImage(index % 2 ? first.id : second.id);
          session.setTarget({ class: String(index % 4) });
          session.setMethod(["gradcam", "scorecam", "layercam"][index % 3]);
          session.selectNode(node.index);
        }
        session.showImage(second.id);
        session.showImage(first.id);
        session.setMethod("layercam");
        session.setTarget({ class: "2" });
      })()
      """)
    for _ in 0..<400 where try browser.evaluate("gradcam.session.state().map === null") as? Bool == true {
      usleep(50_000)
    }
    let title = try browser.evaluate("document.querySelector('.view .name').innerText") as? String
    let label = try #require(try browser.evaluate("gradcam.session.model.classes[2]") as? String)
    #expect(title?.contains("\(label) · layercam") == true, "\(title ?? "")")
    let command = try #require(try browser.evaluate("gradcam.command()") as? String)
    #expect(command.contains(Self.picture) && command.contains("--class 2 --method layercam"), "\(command)")
    let outcome = try workplace.run(
      ["-c", command.replacing("gradcam", with: Workplace.built("gradcam").path, maxReplacements: 1)],
      program: "/bin/sh")
    #expect(outcome.code == 0, "\(command): \(outcome.errors)")
    let name = try #require(workplace.files.first { $0.hasSuffix(".png") })
    #expect(try pixels(browser) == workplace.picture(name))
    #expect(browser.errors.isEmpty, "\(browser.errors)")
  }

  /// A picture that is chosen is uploaded and explained; one that is none gets a notice.
  @Test func picturesAreChosen() throws {
    let server = try LiveServer([Self.model]), browser = try Browser()
    try browser.emulate(width: 1280)
    try browser.visit(server.address)
    try wait(browser)
    try browser.choose([Self.picture], "input[type=file]")
    for _ in 0..<200 where try browser.evaluate("Boolean(gradcam.session.state()?.explanation)") as? Bool != true {
      usleep(50_000)
    }
    #expect(try pixels(browser).size == Picture(contentsOf: Self.picture).size)
    #expect(browser.errors.isEmpty, "\(browser.errors)")
    try browser.choose([fixture("image.npy")], "input[type=file]")
    for _ in 0..<200 where try browser.evaluate("document.getElementById('notice').hidden") as? Bool == true {
      usleep(50_000)
    }
    #expect((try browser.evaluate("document.getElementById('notice').innerText") as? String)?.isEmpty == false)
  }

  @Test func looksGoodAtEveryWidth() throws {
    let folder = Browser.screenshotFolder
    let server = try LiveServer([Self.model, shipped("shapes-vgg.onnx"), Self.picture]), browser = try Browser()
    for (width, height) in [(390, 844), (768, 1024), (1280, 800), (1920, 1080), (2560, 1440)] {
      for isDark in [false, true] {
        try browser.emulate(width: width, height: height, isDark: isDark)
        try browser.visit(server.address)
        try wait(browser)
        usleep(300_000)
        #expect(
          try browser.evaluate("document.documentElement.scrollWidth <= innerWidth") as? Bool == true, "\(width)")
        let shot = try browser.screenshot(of: "document.body")
        try Data(shot).write(to: folder.appendingPathComponent("page-\(width)-\(isDark ? "dark" : "light").png"))
      }
    }
    // Everything that can be pressed has a name.
    for (role, name) in try browser.spokenElements()
    where ["button", "link", "textbox", "slider", "combobox"].contains(role) {
      #expect(!name.isEmpty, "\(role)")
    }
    #expect(browser.errors.isEmpty, "\(browser.errors)")
    print("Screenshots of the page are in \(folder.path).")
  }
}
