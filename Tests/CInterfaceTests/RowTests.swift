import CGradCAM
import Foundation
import Testing

/// Rows of tables.
struct RowTests {
  private let client: Client

  init() throws { client = try Client() }

  /// What an image is given as.
  private enum Source {
    case path(String)
    case bytes([UInt8])
    case pixels([UInt8], width: Int32)
  }

  /// What one call makes of images: the rows of each one's maps, or of its error.
  private func rows(
    _ sources: [Source], name: String? = "a/b.png", output: String? = nil,
    _ set: (inout gradcam_request) -> Void = { _ in }
  ) throws -> [[String]] {
    try withOptional(name) { name in
      var owned: [UnsafeMutableRawPointer] = []
      defer { owned.forEach { free($0) } }
      func copy(_ bytes: [UInt8]) -> UnsafePointer<UInt8> {
        let memory = malloc(max(1, bytes.count))!
        bytes.withUnsafeBytes { if let base = $0.baseAddress { memory.copyMemory(from: base, byteCount: bytes.count) } }
        owned.append(memory)
        return UnsafePointer(memory.assumingMemoryBound(to: UInt8.self))
      }
      let images = sources.map { source in
        var image = gradcam_image()
        (image.size, image.name) = (MemoryLayout<gradcam_image>.size, name)
        switch source {
        case .path(let path):
          image.path = UnsafeRawPointer(copy(Array(path.utf8) + [0])).assumingMemoryBound(to: CChar.self)
        case .bytes(let bytes): (image.bytes, image.byte_count) = (copy(bytes), bytes.count)
        case .pixels(let pixels, let width):
          (image.pixels, image.width, image.height) = (copy(pixels), width, Int32(pixels.count / 3) / width)
        }
        return image
      }
      var request = gradcam_request()
      request.size = MemoryLayout<gradcam_request>.size
      set(&request)
      var lists = [OpaquePointer?](repeating: nil, count: images.count)
      try images.withUnsafeBufferPointer { images in
        let pointers = images.indices.map { images.baseAddress! + $0 as UnsafePointer<gradcam_image>? }
        try check(gradcam_ask_many(client.model, pointers, pointers.count, &request, &lists))
      }
      defer { lists.forEach { gradcam_close_explanations($0) } }
      return try lists.map { list in
        var count = 0
        guard gradcam_count_explanations(list, &count) == 0 else {
          var row: UnsafePointer<CChar>?
          try check(gradcam_get_error_row(list, &row))
          return [try #require(string(row))]
        }
        var row: UnsafePointer<CChar>?
        #expect(gradcam_get_error_row(list, &row) == gradcam_status(GRADCAM_USAGE) && row == nil)
        return try (0..<count).map { index in
          var explanation: OpaquePointer?
          try check(gradcam_get_explanation(list, index, &explanation))
          let made = Made(explanation)
          return try withOptional(output) { output in
            try check(gradcam_get_row(made.handle, output, &row))
            return try #require(string(row))
          }
        }
      }
    }
  }

  private func parsed(_ row: String) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: Data(row.utf8)) as? [String: Any])
  }

  @Test func aRowSaysWhatWasExplained() throws {
    let bytes = [UInt8](try Data(contentsOf: URL(filePath: sample)))
    let rows = try rows([.path(sample), .bytes(bytes)], output: "out.png") { $0.top = 2 }
    #expect(rows.map(\.count) == [2, 2] && rows[0] == rows[1] && rows[0][0] != rows[0][1])
    let row = try parsed(rows[0][0])
    #expect(
      Set(row.keys) == [
        "class", "configuration", "image", "label", "method", "model", "node", "output", "probability", "score",
        "sha256",
      ])
    #expect(row["image"] as? String == "a/b.png" && row["output"] as? String == "out.png")
    #expect(row["model"] as? String == shipped("shapes-resnet.onnx") && row["method"] as? String == "gradcam")
    #expect((row["configuration"] as? String)?.count == 16 && (row["sha256"] as? String)?.count == 64)
    try client.run(sample)
    let made = try client.explain(), info = try made.info
    withExtendedLifetime(made) {
      #expect(row["label"] as? String == string(info.label) && info.label != nil)
      #expect(row["class"] as? Int == Int(info.class_index))
      #expect((row["score"] as? NSNumber)?.floatValue == info.logit)
      #expect(row["node"] as? String == string(info.node))
    }
  }

  @Test func anImageThatFailsHasARow() throws {
    var bytes = [UInt8](try Data(contentsOf: URL(filePath: sample)))
    bytes.removeLast(bytes.count / 2)
    let rows = try rows([.bytes(bytes), .path("missing.png"), .bytes([]), .path(sample)]).flatMap { $0 }
    #expect(rows.count == 4)
    for (row, sha256) in zip(try rows.map(parsed), [true, false, true, true]) {
      #expect((row["sha256"] != nil) == sha256 && row["image"] as? String == "a/b.png")
    }
    for row in try rows.dropLast().map(parsed) {
      let error = try #require(row["error"] as? String)
      #expect(!error.contains("a/b.png") && !error.contains("missing.png") && row["method"] == nil)
      #expect((row["configuration"] as? String)?.count == 16)
    }
  }

  @Test func aPictureTooLargeFailsBeforeItIsDecoded() throws {
    // The header of a PNG file of 20000 x 10000 pixels.
    let header: [UInt8] =
      [137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13] + Array("IHDR".utf8)
      + [0, 0, 0x4E, 0x20, 0, 0, 0x27, 0x10, 8, 2, 0, 0, 0, 0, 0, 0, 0]
    let row = try parsed(rows([.bytes(header)])[0][0])
    #expect(row["error"] is String)
  }

  @Test func theConfigurationIsThatOfTheRequest() throws {
    func fingerprint(_ set: (inout gradcam_request) -> Void = { _ in }) throws -> String {
      try #require(parsed(rows([.path(sample)], set)[0][0])["configuration"] as? String)
    }
    let usual = try fingerprint()
    #expect(try fingerprint() == usual)
    #expect(try "layercam".withCString { method in try fingerprint { $0.method = method } } != usual)
    #expect(try "star".withCString { name in try fingerprint { $0.class_name = name } } != usual)
    #expect(try fingerprint { $0.is_signed = 1 } != usual)
    var line: UnsafePointer<CChar>?
    try check(gradcam_get_configuration(client.model, nil, &line))
    let parts = try parsed(string(line) ?? "")["configuration"] as? [String: String]
    #expect(parts?["node"] == "auto" && parts?["model"]?.count == 64)
    // One image asked alone says the same.
    var image = gradcam_image(), observation: OpaquePointer?, list: OpaquePointer?
    image.size = MemoryLayout<gradcam_image>.size
    let row = try sample.withCString { path in
      (image.path, image.name) = (path, path)
      try check(gradcam_observe(client.model, &image, &observation))
      try check(gradcam_ask(observation, nil, &list))
      var explanation: OpaquePointer?, row: UnsafePointer<CChar>?
      try check(gradcam_get_explanation(list, 0, &explanation))
      let made = Made(explanation)
      try check(gradcam_get_row(made.handle, nil, &row))
      return try parsed(#require(string(row)))
    }
    gradcam_close_explanations(list)
    gradcam_close_observation(observation)
    #expect(row["configuration"] as? String == usual && row["image"] as? String == sample)
  }

  @Test func anImageWithoutANameHasNoRows() throws {
    let failure = #expect(throws: Failure.self) { try rows([.path(sample)], name: nil) }
    #expect(failure?.code == gradcam_status(GRADCAM_USAGE) && failure?.description.contains("name") == true)
    #expect(throws: Failure.self) { try rows([.path("missing.png")], name: nil) }
    // One of pixels has no file.
    let row = try parsed(rows([.pixels([UInt8](repeating: 90, count: 3 * 8 * 8), width: 8)])[0][0])
    #expect(row["sha256"] == nil && row["method"] as? String == "gradcam")
  }

  @Test func rowsAreWrittenAnewAsTheyWere() throws {
    func formatted(_ row: String, capacity: Int = 4096) throws -> String {
      var line = [CChar](repeating: 1, count: capacity), length = 0
      try check(gradcam_format_row(row, &line, line.count, &length))
      let text = line.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
      #expect(length == text.utf8.count)
      return text
    }
    let row = try rows([.path(sample)], name: "a \"b\"\u{202e}/ü.png")[0][0]
    #expect(try formatted(row) == row)
    let object = try JSONSerialization.data(withJSONObject: parsed(row), options: .prettyPrinted)
    #expect(try formatted(String(decoding: object, as: UTF8.self)) == row)
    #expect(throws: Failure.self) { try formatted(row, capacity: row.utf8.count) }
    #expect(try formatted(row, capacity: row.utf8.count + 1) == row)
    for wrong in ["", "{}", "[1]", #"{"image":"a","model":"m","configuration":"c"}"#] {
      let failure = #expect(throws: Failure.self) { try formatted(wrong) }
      #expect(failure?.code == gradcam_status(GRADCAM_BAD_DATA))
    }
  }
}
