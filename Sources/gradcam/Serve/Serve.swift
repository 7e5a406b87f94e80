import ArgumentParser
import GradCAM
import Graph
import HTTPServer

struct Serve: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Shows networks in the browser: click a node to see its map.",
    discussion: """
      The page is for this machine alone unless --host says otherwise; then its address holds a secret, which whoever \
      knows may use the page. Images are chosen, dropped or pasted in the page, or given here. Scripts may ask the same \
      questions: docs/serve.md describes the interface. Ctrl-C ends it.
      """)

  @Argument(
    help: "Exported networks, files or names in the models folder; and pictures, or folders of them.",
    completion: .model)
  var files: [String]
  @Option(help: ArgumentHelp("The address of this machine to listen on.", valueName: "ADDRESS")) var host = "127.0.0.1"
  @Option(
    help: ArgumentHelp("The port; 8765 by default, or a free one if that is taken; 0 for a free one.", valueName: "N"))
  var port: UInt16?
  @Flag(help: "Open the page in the browser.") var open = false
  @Flag(help: "Demand a secret, which the printed address holds, on this machine, too: for machines that others use.")
  var token = false
  @Option(
    help: ArgumentHelp(
      "Another name by which the page is reached, such as that of a proxy. Repeatable.", valueName: "NAME"))
  var allowHost: [String] = []
  @Option(help: ArgumentHelp("End computations that take longer.", valueName: "SECONDS")) var timeout = 300
  @Option(
    help: ArgumentHelp(
      "What the numbers of a detector's box mean, if its file does not say, as for 'gradcam explain'. Repeatable.",
      valueName: "OUTPUT=COLUMNS"))
  var columns: [String] = []
  @Flag(help: "Print a line for each request on standard error.") var log = false
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var console: ConsoleOptions
  @OptionGroup(title: "Input and labels") var image: ImageOptions
  @OptionGroup(title: "Models and plugins") var hosting: HostOptions

  /// The port that is taken if none is asked for.
  private static let usualPort = 8765
  /// How many computations run or wait at most; they wait for each other.
  private static let places = 32
  /// The number of requests that are answered at once: computations, and some that take no time.
  private static let workers = places + 8
  /// The largest body: a photograph of a camera, in base64.
  private static let bodyLimit = 64 << 20

  private var pictures: [String] { files.filter(namesPictures) }
  private var models: [String] { files.filter { !namesPictures($0) } }

  private func namesPictures(_ path: String) -> Bool { Picture.hasKnownExtension(path) || isFolder(path) }

  mutating func validate() throws {
    if models.isEmpty { throw ValidationError("Give a model.") }
    if !(1...86_400).contains(timeout) { throw ValidationError("--timeout must be 1 to 86400.") }
  }

  func run() throws {
    let listener = try listen()
    let secret = token || !listener.isLoopback ? AccessToken.random() : nil
    let page = "http://\(host.contains(":") ? "[\(host)]" : host):\(listener.port)/"
    let address = page + (secret.map { "?token=\($0)" } ?? "")
    // The browser waits until the models are there.
    let addressFile = open && secret != nil ? AddressFile(address) : nil
    if open, !WebBrowser.open(addressFile?.path ?? page) {
      Console.say("note: no browser can be opened from here (xdg-open is missing)")
    }
    try hosting.enterSandbox(models: models, read: pictures, image.paths, written: [addressFile?.folder])

    let handler = try handler(addressFile: addressFile)
    for model in handler.models { for warning in model.explainer.warnings { Console.tell(warning, about: model.name) } }
    var settings = HTTPServerSettings()
    settings.token = secret
    settings.maximumBodyBytes = Self.bodyLimit
    settings.allowedHosts = allowHost
    settings.answerSeconds = Double(timeout)
    settings.workers = Self.workers
    settings.maximumWaiting = settings.maximumConnections
    if log { settings.log = { Console.note("gradcam: \($0)") } }
    let server = try HTTPServer(listener, settings, handler: handler)
    try Console.output("The page is at \(address)")
    try Console.print("Ctrl-C ends it.")
    server.run()
  }

  /// What answers requests: the models and pictures opened.
  ///
  /// - Parameter addressFile: what leads a browser to the page.
  ///
  /// Throws what opening, planning and reading throw.
  func handler(addressFile: AddressFile?) throws -> PageHandler {
    let registry = try hosting.plugins.registry()
    var names: [String] = []
    let models = try self.models.map { argument in
      let opened = try OpenedModel(argument, hosting, image, TargetRequest(), registry: registry)
      // An address has no control characters.
      let stem = opened.model.name.withoutControls
      var name = stem, number = 1
      while names.contains(name) {
        number += 1
        name = "\(stem)-\(number)"
      }
      names.append(name)
      return try LiveModel(
        opened, name: name, argument: argument, options: ModelOptions.given, columns: columns,
        threadCount: threads.count)
    }
    return PageHandler(
      models: models, registry: registry, pictures: try PictureStore(paths: ImageFolder.expanding(pictures)),
      places: Self.places, addressFile: addressFile,
      limits: .init(bodyBytes: Self.bodyLimit, images: PictureStore.countLimit))
  }

  /// Takes the port, before the sandbox forbids it.
  private func listen() throws -> HTTPListener {
    do throws(HTTPServerError) {
      guard let port else {
        if let usual = try? HTTPListener(host: host, port: Self.usualPort) { return usual }
        return try HTTPListener(host: host, port: 0)
      }
      return try HTTPListener(host: host, port: Int(port))
    } catch .portTaken {
      throw GradCAMError(
        .usage, at: "--port \(port ?? 0)", problem: "another program has this port",
        advice: "choose another, or leave it out")
    } catch {
      let reason = if case .cannotListen(_, _, let reason) = error { reason } else { "\(error)" }
      throw GradCAMError(
        .usage, at: "--host \(host)", problem: "cannot be listened on: \(reason)",
        advice: "give an address of this machine, and a port that you may use")
    }
  }
}
