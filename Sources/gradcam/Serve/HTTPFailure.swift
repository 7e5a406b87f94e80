import GradCAM
import Graph
import HTTPServer

/// An error as an answer.
struct HTTPFailure: Error {
  struct Document: Encodable {
    let error: String
    @Nullable var advice: String?
    let code: String
  }

  let status: Int
  let document: Document
  let headers: [(String, String)]

  init(
    _ status: Int, code: String, _ error: String, advice: String? = nil, headers: [(String, String)] = []
  ) {
    self.status = status
    self.headers = headers
    // Errors repeat what a request says, however long that is.
    func short(_ text: String) -> String {
      let start = text.prefix(2000)
      return (start.endIndex < text.endIndex ? "\(start)…" : text).visible
    }
    document = Document(error: short(error), advice: advice.map(short), code: code)
  }

  init(_ error: GradCAMError) {
    let place = error.place.map { "\($0.asParameters): " }.joined()
    let (status, code) =
      switch error.kind {
      case .usage: (400, "usage")
      case .badData: (422, "bad-data")
      case .unsupported: (422, "unsupported")
      case .unreadable: (422, "unreadable")
      case .defect, .unwritable: (500, "defect")
      }
    self.init(status, code: code, place + error.problem.asParameters, advice: error.advice?.asParameters)
  }

  static func noImage(_ id: String) -> HTTPFailure {
    HTTPFailure(404, code: "not-found", "there is no image '\(id.prefix(40))'", advice: "upload it again")
  }

  var response: HTTPResponse {
    var response =
      (try? HTTPResponse.json(document)) ?? HTTPResponse(status: 500, contentType: "text/plain", body: [])
    response.status = status
    response.headers = headers
    return response
  }
}

extension HTTPResponse {
  /// A document.
  static func json(_ document: some Encodable) throws -> HTTPResponse {
    HTTPResponse(status: 200, contentType: "application/json", body: Array(try jsonLine(document).utf8))
  }

  /// A text of a type.
  static func text(_ text: String, _ type: String) -> HTTPResponse {
    HTTPResponse(status: 200, contentType: "\(type); charset=utf-8", body: Array(text.utf8))
  }
}

extension HTTPRequest {
  /// The body, read.
  ///
  /// Throws a failure that names the place of what cannot be read.
  func decoded<Body: StrictlyDecodable>() throws -> Body {
    if let contentType, !contentType.lowercased().hasPrefix("application/json") {
      throw HTTPFailure(
        415, code: "usage", "the body is of type \(contentType)", advice: "send JSON, and say so in Content-Type")
    }
    do {
      let read: Strict<Body> = try parsedJSON(body)
      return read.body
    } catch let error as DecodingError {
      throw HTTPFailure(400, code: "usage", error.summary)
    }
  }
}

extension DecodingError {
  /// Where a document is wrong, and what is.
  fileprivate var summary: String {
    let (context, what): (Context, String?) =
      switch self {
      case .keyNotFound(let key, let context): (context, "lacks \(key.stringValue)")
      case .typeMismatch(_, let context), .valueNotFound(_, let context): (context, "is of another type")
      case .dataCorrupted(let context): (context, context.codingPath.isEmpty ? "is not JSON" : nil)
      @unknown default: (Context(codingPath: [], debugDescription: ""), "cannot be read")
      }
    let place = context.codingPath.map { key in key.intValue.map { "[\($0)]" } ?? key.stringValue }
      .joined(separator: ".").replacing(".[", with: "[")
    return "\(place.isEmpty ? "the body" : place) \(what ?? context.debugDescription)"
  }
}
