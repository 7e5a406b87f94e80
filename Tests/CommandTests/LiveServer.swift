import Foundation
import Testing

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// A server that runs while a test asks it.
final class LiveServer: @unchecked Sendable {
  /// The printed address.
  let address: URL
  let process = Process()
  private let folder: URL
  private let session: URLSession

  /// Starts the program and waits for its address.
  init(_ arguments: [String]) throws {
    folder = try Workplace.newFolder()
    let output = folder.appendingPathComponent("output"), errors = folder.appendingPathComponent("errors")
    for file in [output, errors] { #expect(FileManager.default.createFile(atPath: file.path, contents: nil)) }
    process.executableURL = Workplace.built("gradcam")
    process.arguments = ["serve", "--port", "0"] + arguments
    process.currentDirectoryURL = folder
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
    func printed(_ file: URL) throws -> String { String(decoding: try Data(contentsOf: file), as: UTF8.self) }
    var found: URL?
    for _ in 0..<600 where found == nil && process.isRunning {
      usleep(50_000)
      let line = try printed(output)
      found =
        line.contains("\n")
        ? line.split { $0.isWhitespace }.first { $0.hasPrefix("http") }.flatMap { URL(string: String($0)) } : nil
    }
    let problem = try printed(errors)
    address = try #require(found, "\(problem)")
    let configuration = URLSessionConfiguration.ephemeral
    configuration.timeoutIntervalForRequest = 120
    session = URLSession(configuration: configuration)
  }

  deinit {
    session.invalidateAndCancel()
    if process.isRunning {
      process.terminate()
      process.waitUntilExit()
    }
    try? FileManager.default.removeItem(at: folder)
  }

  /// What the program wrote to standard error so far.
  var errors: String {
    get throws { String(decoding: try Data(contentsOf: folder.appendingPathComponent("errors")), as: UTF8.self) }
  }

  struct Answer {
    let status: Int
    let type: String
    let headers: [String: String]
    let body: Data

    /// The body as JSON.
    func json<Value>(_ type: Value.Type = Value.self) throws -> Value {
      try #require(try JSONSerialization.jsonObject(with: body) as? Value)
    }
  }

  /// Sends a request and waits for the answer.
  func ask(
    _ method: String, _ path: String, _ body: Data? = nil, headers: [String: String] = [:]
  ) throws -> Answer {
    var request = URLRequest(url: try #require(URL(string: path, relativeTo: address)))
    request.httpMethod = method
    request.httpBody = body
    if body != nil { request.setValue("application/json", forHTTPHeaderField: "Content-Type") }
    for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
    let done = DispatchSemaphore(value: 0)
    let result = Box<Result<(Data, HTTPURLResponse), any Error>?>(nil)
    session.dataTask(with: request) { data, response, error in
      result.value = error.map { .failure($0) } ?? .success((data ?? Data(), response as! HTTPURLResponse))
      done.signal()
    }.resume()
    done.wait()
    let (data, response) = try #require(result.value).get()
    let headers = Dictionary(
      uniqueKeysWithValues: response.allHeaderFields.map { ("\($0.key)".lowercased(), "\($0.value)") })
    return Answer(status: response.statusCode, type: headers["content-type"] ?? "", headers: headers, body: data)
  }

  func get(_ path: String) throws -> Answer { try ask("GET", path) }

  /// Sends a document.
  func post(_ path: String, _ document: Any, headers: [String: String] = [:]) throws -> Answer {
    try ask("POST", path, try JSONSerialization.data(withJSONObject: document), headers: headers)
  }

  /// Uploads a picture.
  func upload(_ path: String) throws -> String {
    let answer = try ask(
      "POST", "v1/images", try Data(contentsOf: URL(fileURLWithPath: path)),
      headers: ["Content-Type": "application/octet-stream"])
    #expect(answer.status == 201)
    return try #require(try answer.json([String: Any].self)["id"] as? String)
  }

  private final class Box<Value>: @unchecked Sendable {
    var value: Value
    init(_ value: Value) { self.value = value }
  }
}
