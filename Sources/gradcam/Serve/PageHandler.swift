import GradCAM
import Graph
import HTTPServer

/// Answers the requests of the page and of scripts; docs/serve.md and openapi.json say how.
struct PageHandler: HTTPHandler {
  let models: [LiveModel]
  let registry: Registry
  let pictures: PictureStore
  /// Computations run one at a time: each uses all threads.
  private let turns: Turns
  /// Pictures of strangers can take much memory while they are read and written.
  private let coding = Turns(atOnce: 2)
  /// What led a browser to the page, which is of no use after that.
  let addressFile: AddressFile?
  let limits: AboutDocument.Limits

  /// - Parameter places: how many computations run or wait at most; others are refused.
  init(
    models: [LiveModel], registry: Registry, pictures: PictureStore, places: Int, addressFile: AddressFile?,
    limits: AboutDocument.Limits
  ) {
    (self.models, self.registry, self.pictures) = (models, registry, pictures)
    (turns, self.addressFile, self.limits) = (Turns(places: places), addressFile, limits)
  }

  func answer(_ request: HTTPRequest, _ call: HTTPCall) {
    do {
      try route(request, call)
    } catch HTTPServerError.cancelled {
      // The server tells the client, if that still listens.
    } catch let failure as HTTPFailure {
      call.send(failure.response)
    } catch is Turns.NoPlace {
      let again = ("Retry-After", "1")
      call.send(
        HTTPFailure(503, code: "refused", "too many computations wait", advice: "try again", headers: [again]).response)
    } catch let error as GradCAMError {
      call.send(HTTPFailure(error).response)
    } catch {
      call.send(HTTPFailure(500, code: "defect", "\(error)").response)
    }
  }

  /// People get a text, scripts a document.
  func refusal(status: Int, text: String, path: String?) -> HTTPResponse {
    guard path?.hasPrefix("/v1") == true else { return HTTPResponse(status: status, text: text) }
    return HTTPFailure(status, code: "refused", text).response
  }

  private func route(_ request: HTTPRequest, _ call: HTTPCall) throws {
    let path = request.path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
    switch path {
    case [""]:
      try only(["GET"], request) {
        addressFile?.remove()
        call.send(.text(PageAssets.markup, "text/html"))
      }
    case ["page.css"]: try only(["GET"], request) { call.send(.text(PageAssets.style, "text/css")) }
    case ["page.js"]: try only(["GET"], request) { call.send(.text(PageAssets.script, "text/javascript")) }
    case ["standalone.html"]:
      try only(["GET"], request) { call.send(.text(PageFile.template, "text/html")) }
    case ["openapi.json"]:
      try only(["GET"], request) {
        call.send(.text(PageAssets.interface, "application/json"))
      }
    case ["v1"]:
      try only(["GET"], request) {
        let about = AboutDocument(
          models: models.map(\.name), images: pictures.initial.map(\.document), registry: registry, limits: limits)
        call.send(try .json(about))
      }
    case ["v1", "models"]:
      try only(["GET"], request) { call.send(try .json(ModelList(models: models.map(\.name)))) }
    case ["v1", "images"]: try only(["POST"], request) { try upload(request, call) }
    default:
      if path.count == 3, path[0] == "v1", path[1] == "images" {
        try only(["GET", "DELETE"], request) { try image(path[2], request, call) }
      } else if path.count == 3, path[0] == "v1", path[1] == "models" {
        try model(path[2], request, call)
      } else {
        throw HTTPFailure(404, code: "not-found", "there is nothing at \(request.path)")
      }
    }
  }

  private struct ModelList: Encodable { let models: [String] }

  private func only(_ methods: [String], _ request: HTTPRequest, _ body: () throws -> Void) throws {
    guard methods.contains(request.method) else {
      throw HTTPFailure(
        405, code: "method", "\(request.method) is not possible here",
        advice: "use \(methods.joined(separator: " or "))",
        headers: [("Allow", (methods.contains("GET") ? methods + ["HEAD"] : methods).joined(separator: ", "))])
    }
    try body()
  }

  // MARK: Pictures

  private func upload(_ request: HTTPRequest, _ call: HTTPCall) throws {
    let entry = pictures.add(try decoded(request.body, "body", call))
    var response = try HTTPResponse.json(entry.document)
    response.status = 201
    call.send(response)
  }

  private func image(_ id: String, _ request: HTTPRequest, _ call: HTTPCall) throws {
    guard let entry = pictures[id] else { throw HTTPFailure.noImage(id) }
    if request.method == "DELETE" {
      guard pictures.remove(id) else {
        throw HTTPFailure(409, code: "usage", "an image of the command line stays")
      }
      return call.send(HTTPResponse(status: 204))
    }
    let bytes = try coding.wait(call.check) { try entry.picture.encoded(for: "image.png") }
    call.send(HTTPResponse(status: 200, contentType: "image/png", body: bytes))
  }

  /// A picture read from bytes that stood at a place.
  private func decoded(_ bytes: [UInt8], _ place: Message, _ call: HTTPCall) throws -> Picture {
    try coding.wait(call.check) { try located(place) { try Picture(decoding: bytes) } }
  }

  /// The picture that a request gives or names.
  private func picture(_ body: PictureBody, _ call: HTTPCall) throws -> PictureStore.Entry {
    switch (body.id?.text, body.b64) {
    case (let id?, nil):
      guard let entry = pictures[id] else { throw HTTPFailure.noImage(id) }
      return entry
    case (nil, let text?):
      guard let bytes = [UInt8](base64: text) else {
        throw GradCAMError(
          .badData, at: "b64", problem: "is not base64", advice: "encode the bytes of a picture file")
      }
      return PictureStore.Entry(try decoded(bytes, "b64", call))
    default:
      throw GradCAMError(.usage, at: "image", problem: "needs either id or b64", advice: "give one of them")
    }
  }

  // MARK: Models

  private func model(_ part: String, _ request: HTTPRequest, _ call: HTTPCall) throws {
    // A model's own name may end like a question.
    let isName = request.method == "GET" && models.contains { $0.name == part }
    let colon =
      isName ? nil : part.lastIndex(of: ":").flatMap { [":explain", ":channels"].contains(part[$0...]) ? $0 : nil }
    let name = String(part[..<(colon ?? part.endIndex)])
    guard let model = models.first(where: { $0.name == name }) else {
      throw HTTPFailure(
        404, code: "not-found", "there is no model '\(name)'",
        advice: "choose from \(models.map(\.name).joined(separator: ", "))")
    }
    switch colon.map({ part[$0...] }) {
    case ":explain": try only(["POST"], request) { try explain(model, request, call) }
    case ":channels": try only(["POST"], request) { try channels(model, request, call) }
    default: try only(["GET"], request) { call.send(try .json(model.document)) }
    }
  }

  private struct Explanations: Encodable { let explanations: [ExplanationDocument] }

  private func explain(_ model: LiveModel, _ request: HTTPRequest, _ call: HTTPCall) throws {
    let body: ExplainBody = try request.decoded(), parameters = body.parameters?.body
    let instances = body.instances.elements
    guard (1...16).contains(instances.count) else {
      throw GradCAMError(.usage, at: "instances", problem: "are \(instances.count)", advice: "give 1 to 16")
    }
    var nodes = parameters?.nodes?.names ?? ["auto"]
    guard (1...256).contains(nodes.count) else {
      throw GradCAMError(.usage, at: "nodes", problem: "are \(nodes.count)", advice: "give 1 to 256, or \"all\"")
    }
    if nodes.contains("all") { nodes = ["all"] }
    let classCount = parameters?.classes ?? 10
    guard (0...1000).contains(classCount) else {
      throw GradCAMError(.usage, at: "classes", problem: "is \(classCount)", advice: "give 0 to 1000")
    }
    let target = try parameters?.target?.body.request { try picture($0, call) } ?? TargetRequest()
    let method = parameters?.method?.text ?? target.usualMethod
    try compute(request, call) { progress in
      Explanations(
        explanations: try instances.enumerated().map { place, instance in
          let entry = try picture(instance.body.image.body, call)
          return try withRoom(for: model) {
            try model.explain(
              (entry.id, entry.picture), nodes: nodes, method: method, target: target, classCount: classCount
            ) { part in try progress((Double(place) + part) / Double(instances.count)) }
          }
        })
    }
  }

  private func channels(_ model: LiveModel, _ request: HTTPRequest, _ call: HTTPCall) throws {
    let body: ChannelsBody = try request.decoded(), parameters = body.parameters?.body
    let instances = body.instances.elements
    guard instances.count == 1 else {
      throw GradCAMError(.usage, at: "instances", problem: "are \(instances.count)", advice: "give one")
    }
    let count = parameters?.count ?? 24
    guard (1...256).contains(count) else {
      throw GradCAMError(.usage, at: "count", problem: "is \(count)", advice: "give 1 to 256")
    }
    let target = try parameters?.target?.body.request { try picture($0, call) } ?? TargetRequest()
    try compute(request, call) { progress in
      try progress(0)
      let entry = try picture(instances[0].body.image.body, call)
      return try withRoom(for: model) {
        try model.channels(
          of: (entry.id, entry.picture), node: parameters?.node?.text ?? "auto", target: target, count: count)
      }
    }
  }

  /// Asks a model, and once more if memory was missing that other models kept for their next runs.
  private func withRoom<Result>(for model: LiveModel, _ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as GradCAMError where error.isAboutMemory && models.count > 1 {
      for other in models where other !== model { other.freeMemory() }
      return try body()
    }
  }

  // MARK: Computations

  private struct Progress: Encodable { let progress: Double }
  private struct Outcome<Result: Encodable>: Encodable { let result: Result }

  /// Computes an answer when it is its turn, and tells its progress if the client wants to know.
  ///
  /// The answer is encoded and sent after its turn, so that nobody waits for a client that reads slowly.
  private func compute<Result: Encodable>(
    _ request: HTTPRequest, _ call: HTTPCall, _ body: (_ progress: @escaping (Double) throws -> Void) throws -> Result
  ) throws {
    guard request.accept?.contains("application/x-ndjson") == true else {
      return call.send(try .json(try turns.wait(call.check) { try body { _ in try call.check() } }))
    }
    do {
      let result = try turns.wait(call.check) {
        call.begin(contentType: "application/x-ndjson")
        var told = ContinuousClock.now
        return try body { part in
          try call.check()
          guard ContinuousClock.now - told > .milliseconds(100) else { return }
          told = .now
          try call.write(line: Progress(progress: part))
        }
      }
      try call.write(line: Outcome(result: result))
    } catch let error as GradCAMError {
      try call.write(line: HTTPFailure(error).document)
    } catch let failure as HTTPFailure {
      try call.write(line: failure.document)
    }
    call.end()
  }
}

extension HTTPCall {
  /// Throws `cancelled` if the answer is no longer wanted.
  fileprivate func check() throws { if isCancelled { throw HTTPServerError.cancelled } }

  /// Writes a document as a line.
  fileprivate func write(line document: some Encodable) throws { try write((jsonLine(document) + "\n").utf8) }
}
