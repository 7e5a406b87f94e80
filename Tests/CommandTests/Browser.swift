import Foundation
import GradCAM
import Testing

/// Chromium without a window, driven by its DevTools protocol over a pair of pipes.
final class Browser {
  /// The path of the program; nil where none is installed.
  static let program: String? = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    .flatMap { folder in ["chromium", "chromium-browser", "google-chrome"].map { "\(folder)/\($0)" } }
    .first { FileManager.default.isExecutableFile(atPath: $0) }

  /// What pages wrote to the console as an error, what they threw, and what their policy forbade.
  private(set) var errors: [String] = []
  /// The addresses that pages asked for.
  private(set) var requested: [String] = []

  private let process = Process()
  private let folder: URL
  private let commands, answers: Int32
  private var received = Data(), scanned = 0
  private var commandCount = 0
  private var session: String?

  init() throws {
    let folder = try Workplace.newFolder()
    self.folder = folder
    let pipes = ["commands", "answers"].map { folder.appendingPathComponent($0).path }
    for pipe in pipes { try #require(mkfifo(pipe, 0o600) == 0) }
    // For reading and writing, so that neither waits for the other's other end.
    commands = open(pipes[0], O_RDWR | O_CLOEXEC)
    answers = open(pipes[1], O_RDWR | O_CLOEXEC)
    try #require(commands >= 0 && answers >= 0)
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments =
      ["-c", #"exec "$0" "$@" 3<"$COMMANDS" 4>"$ANSWERS""#, try #require(Self.program)] + [
        "--headless", "--no-sandbox", "--no-zygote", "--disable-gpu", "--disable-dev-shm-usage", "--disable-breakpad",
        "--no-first-run", "--hide-scrollbars", "--force-color-profile=srgb", "--remote-debugging-pipe",
        "--user-data-dir=\(folder.appendingPathComponent("profile").path)", "about:blank",
      ]
    process.environment = ProcessInfo.processInfo.environment.merging(["COMMANDS": pipes[0], "ANSWERS": pipes[1]]) {
      $1
    }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()

    let targets = try send("Target.getTargets")["targetInfos"] as? [[String: Any]] ?? []
    let page = try #require(targets.first { $0["type"] as? String == "page" }?["targetId"])
    session = try send("Target.attachToTarget", ["targetId": page, "flatten": true])["sessionId"] as? String
    for domain in ["Page", "Runtime", "Log", "Network", "DOM"] { _ = try send("\(domain).enable") }
  }

  deinit {
    // It ends its own children; whoever is left after that is killed.
    _ = try? send("Browser.close", withinSeconds: 5)
    for signal in [0, SIGTERM, SIGKILL] where process.isRunning {
      if signal != 0 { kill(process.processIdentifier, signal) }
      for _ in 0..<100 where process.isRunning { usleep(50_000) }
    }
    close(commands)
    close(answers)
    try? FileManager.default.removeItem(at: folder)
  }

  /// Shows a file, once all of it is loaded.
  func show(_ path: String) throws { try visit(URL(fileURLWithPath: path)) }

  /// Shows what is at an address, once all of it is loaded.
  func visit(_ address: URL) throws {
    let answer = try send("Page.navigate", ["url": address.absoluteString])
    #expect(answer["errorText"] == nil, "\(answer)")
    _ = try evaluate(
      "new Promise(done => document.readyState === 'complete' ? done(1) : addEventListener('load', done))")
  }

  /// The value of an expression of JavaScript, of its promise where it is one.
  @discardableResult
  func evaluate(_ expression: String) throws -> Any? {
    let answer = try send(
      "Runtime.evaluate", ["expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true])
    let failure = answer["exceptionDetails"]
    try #require(failure == nil, "\(expression): \(failure ?? "")")
    return (answer["result"] as? [String: Any])?["value"]
  }

  /// How the page is seen: its size, colours for day or night, on a screen or on paper.
  func emulate(width: Int, height: Int = 900, isDark: Bool = false, isPrint: Bool = false) throws {
    _ = try send(
      "Emulation.setDeviceMetricsOverride",
      ["width": width, "height": height, "deviceScaleFactor": 1, "mobile": false])
    _ = try send(
      "Emulation.setEmulatedMedia",
      [
        "media": isPrint ? "print" : "screen",
        "features": [["name": "prefers-color-scheme", "value": isDark ? "dark" : "light"]],
      ])
  }

  /// Chooses files for an input that a selector finds.
  func choose(_ files: [String], _ selector: String) throws {
    let document = try send("DOM.getDocument")["root"] as? [String: Any]
    let root = try #require(document?["nodeId"])
    let node = try #require(try send("DOM.querySelector", ["nodeId": root, "selector": selector])["nodeId"])
    _ = try send("DOM.setFileInputFiles", ["files": files, "nodeId": node])
  }

  /// The folder for pictures of what tests saw, for people to look at.
  static let screenshotFolder: URL = {
    let variable = ProcessInfo.processInfo.environment["GRADCAM_SCREENSHOTS"]
    let folder =
      variable.map { URL(fileURLWithPath: $0) }
      ?? FileManager.default.temporaryDirectory.appendingPathComponent("gradcam-screenshots")
    try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }()

  /// Presses a key and lets it go.
  func press(_ key: String, code: Int) throws {
    for type in ["rawKeyDown", "keyUp"] {
      _ = try send("Input.dispatchKeyEvent", ["type": type, "key": key, "code": key, "windowsVirtualKeyCode": code])
    }
  }

  /// A PNG file of the whole page, or of what an expression yields the element of.
  func screenshot(of element: String = "document.documentElement") throws -> [UInt8] {
    let place = try #require(
      try evaluate(
        "(() => { const r = \(element).getBoundingClientRect();"
          + "return [r.x + scrollX, r.y + scrollY, r.width, r.height]; })()") as? [Double])
    let answer = try send(
      "Page.captureScreenshot",
      [
        "format": "png", "captureBeyondViewport": true,
        "clip": ["x": place[0], "y": place[1], "width": place[2], "height": place[3], "scale": 1],
      ])
    return Array(try #require((answer["data"] as? String).flatMap { Data(base64Encoded: $0) }))
  }

  /// A PDF file of the page as it is printed.
  func pdf() throws -> Data {
    _ = try send("Emulation.setEmulatedMedia", ["media": ""])
    let answer = try send("Page.printToPDF", ["printBackground": false, "preferCSSPageSize": true])
    return try #require((answer["data"] as? String).flatMap { Data(base64Encoded: $0) })
  }

  /// What a screen reader reads: role and name of each thing on the page.
  func spokenElements() throws -> [(role: String, name: String)] {
    func value(_ node: [String: Any], _ key: String) -> String {
      (node[key] as? [String: Any])?["value"] as? String ?? ""
    }
    let nodes = try send("Accessibility.getFullAXTree")["nodes"] as? [[String: Any]] ?? []
    return nodes.filter { $0["ignored"] as? Bool == false }.map { (value($0, "role"), value($0, "name")) }
  }

  /// Sends a command and waits for its answer.
  func send(
    _ method: String, _ parameters: [String: Any] = [:], withinSeconds limit: Double = 60
  ) throws -> [String: Any] {
    commandCount += 1
    var command: [String: Any] = ["id": commandCount, "method": method, "params": parameters]
    command["sessionId"] = session
    var bytes = try JSONSerialization.data(withJSONObject: command) + [0]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { write(commands, $0.baseAddress, $0.count) }
      try #require(count > 0)
      bytes = bytes.dropFirst(count)
    }
    let deadline = Date(timeIntervalSinceNow: limit)
    while true {
      let answer = try receive(until: deadline)
      guard answer["id"] as? Int == commandCount else {
        note(answer)
        continue
      }
      let failure = answer["error"]
      try #require(failure == nil, "\(method): \(failure ?? "")")
      return answer["result"] as? [String: Any] ?? [:]
    }
  }

  private func receive(until deadline: Date) throws -> [String: Any] {
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      if let end = received[(received.startIndex + scanned)...].firstIndex(of: 0) {
        let message = received[..<end]
        received = Data(received[(end + 1)...])
        scanned = 0
        return try #require(try JSONSerialization.jsonObject(with: message) as? [String: Any])
      }
      scanned = received.count
      var waiting = pollfd(fd: answers, events: Int16(POLLIN), revents: 0)
      try #require(process.isRunning && Date() < deadline, "the browser does not answer")
      guard poll(&waiting, 1, 200) > 0 else { continue }
      received += chunk[..<max(read(answers, &chunk, chunk.count), 0)]
    }
  }

  private func note(_ event: [String: Any]) {
    let parameters = event["params"] as? [String: Any] ?? [:]
    let isError =
      switch event["method"] as? String {
      case "Runtime.exceptionThrown": true
      case "Runtime.consoleAPICalled": ["error", "assert", "warning"].contains(parameters["type"] as? String)
      case "Log.entryAdded": (parameters["entry"] as? [String: Any])?["level"] as? String == "error"
      default: false
      }
    if isError { errors.append("\(parameters)") }
    if event["method"] as? String == "Network.requestWillBeSent",
      let address = (parameters["request"] as? [String: Any])?["url"] as? String
    {
      requested.append(address)
    }
  }
}
