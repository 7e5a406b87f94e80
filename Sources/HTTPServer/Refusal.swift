/// Why the server itself does not pass a request on to its handler.
struct Refusal {
  let status: Int
  /// The reason, for people.
  let text: String
  /// Header fields that belong to the status.
  let headers: [(String, String)]

  init(_ status: Int, _ text: String, headers: [(String, String)] = []) {
    self.status = status
    self.text = text
    self.headers = headers
  }

  /// While too much is in work.
  static let busy = Refusal(503, "The server is busy; try again.", headers: [("Retry-After", "1")])

  /// A body of more bytes than that.
  static func tooLarge(_ limit: Int) -> Refusal { Refusal(413, "A body may have \(limit) bytes.") }
}
