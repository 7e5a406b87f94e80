import Foundation
import GradCAM
import TestSupport
import Testing

/// The server, as scripts use it.
@Suite struct ServeTests {
  private static let model = shipped("shapes-vgg.onnx")
  private static let picture = shipped("samples/pair-004-moon-circle.png")

  nonisolated(unsafe) private static let description: [String: Any] = {
    let bytes = try? Data(contentsOf: URL(fileURLWithPath: ofPackage("Sources/gradcam/Serve/openapi.json")))
    return bytes.flatMap { try? JSONSerialization.jsonObject(with: $0) as? [String: Any] } ?? [:]
  }()

  /// Checks an answer against its description in openapi.json.
  private func check(_ answer: LiveServer.Answer, _ path: String, _ method: String = "get") throws {
    let operations = try #require((Self.description["paths"] as? [String: [String: Any]])?[path], "\(path)")
    let operation = try #require(operations[method] as? [String: Any])
    let responses = try #require(operation["responses"] as? [String: [String: Any]])
    let response = try #require(responses["\(answer.status)"], "\(path) answers \(answer.status)")
    let content = try #require(response["content"] as? [String: [String: Any]])
    let schema = try #require(content["application/json"]?["schema"] as? [String: Any])
    let document = try JSONSerialization.jsonObject(with: answer.body, options: .fragmentsAllowed)
    #expect(Schema(root: Self.description, rules: schema).fault(of: document) == nil)
  }

  @Test func documentsAreAsDescribed() throws {
    let server = try LiveServer([Self.model, shipped("shapes-resnet.onnx"), Self.picture])
    let about = try server.get("v1")
    try check(about, "/v1")
    #expect(try about.json([String: Any].self)["models"] as? [String] == ["shapes-vgg", "shapes-resnet"])
    let image = try #require((try about.json([String: Any].self)["images"] as? [[String: Any]])?.first)
    #expect(image["name"] as? String == "pair-004-moon-circle.png" && image["path"] as? String == Self.picture)
    try check(server.get("v1/models"), "/v1/models")
    for name in ["shapes-vgg", "shapes-resnet"] { try check(server.get("v1/models/\(name)"), "/v1/models/{model}") }
    let id = try server.upload(Self.picture)
    let question: [String: Any] = [
      "instances": [["image": ["id": id]]], "parameters": ["nodes": "all", "target": ["class": "moon"]],
    ]
    let explained = try server.post("v1/models/shapes-vgg:explain", question)
    try check(explained, "/v1/models/{model}:explain", "post")
    let channels = try server.post(
      "v1/models/shapes-vgg:channels",
      ["instances": [["image": ["id": id]]], "parameters": ["node": "features.10", "count": 3]])
    try check(channels, "/v1/models/{model}:channels", "post")
    #expect((try channels.json([String: Any].self)["channels"] as? [Any])?.count == 3)
    let served = try JSONSerialization.jsonObject(with: server.get("openapi.json").body) as? NSDictionary
    #expect(served == Self.description as NSDictionary)
  }

  @Test func mapsAreThoseOfExplain() throws {
    let workplace = try Workplace(), server = try LiveServer([Self.model])
    let id = try server.upload(Self.picture)
    for (method, node, label) in [("gradcam", "features.20", "circle"), ("layercam", "features.10", "moon")] {
      _ = try workplace.succeed(
        "explain", Self.model, Self.picture, "--node", node, "--class", label, "--method", method, "--save-map",
        "map.npy",
        "--output", "map.png")
      let array = try workplace.array("map.npy")
      let answer = try server.post(
        "v1/models/shapes-vgg:explain",
        [
          "instances": [["image": ["id": id]]],
          "parameters": ["nodes": [node], "target": ["class": label], "method": method],
        ])
      let explanation = try #require((try answer.json([String: [[String: Any]]].self)["explanations"])?.first)
      let map = try #require((explanation["maps"] as? [[String: Any]])?.first?["map"] as? [String: Any])
      let text = try #require(map["data"] as? String), bytes = try #require(Data(base64Encoded: text))
      let numbers = bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
      #expect(map["shape"] as? [Int] == array.shape)
      #expect(numbers.map { $0 > 0 ? $0 : 0 } == array.values)
    }
  }

  @Test func partsOfBoxesAreThoseOfExplain() throws {
    let workplace = try Workplace(), picture = fixture("disc.png")
    let server = try LiveServer(["masks", "pose"].map { fixture("\($0).onnx") } + [picture])
    let images = try server.get("v1").json([String: Any].self)["images"] as? [[String: Any]]
    let image = try #require(images?.first?["id"] as? String)
    for (model, part) in [("masks", "mask:1"), ("pose", "keypoint:0,1.x"), ("masks", "mask:1")] {
      _ = try workplace.succeed(
        "explain", fixture("\(model).onnx"), picture, "--target", part, "--node", "relu1", "--save-map", "map.npy")
      let answer = try server.post(
        "v1/models/\(model):explain",
        ["instances": [["image": ["id": image]]], "parameters": ["nodes": ["relu1"], "target": ["elements": part]]])
      let explanation = try #require(
        (try answer.json([String: [[String: Any]]].self)["explanations"])?.first, "\(part)")
      let map = try #require((explanation["maps"] as? [[String: Any]])?.first?["map"] as? [String: Any])
      let bytes = try #require((map["data"] as? String).flatMap { Data(base64Encoded: $0) })
      let numbers = bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
      expectClose(numbers.map { max($0, 0) }, try workplace.array("map.npy").values, within: 1e-4, isRelative: true)
      #expect(explanation["method"] as? String == "odam" && explanation["boxes"] != nil)
      let swept = try server.post(
        "v1/models/\(model):explain",
        ["instances": [["image": ["id": image]]], "parameters": ["nodes": "all", "target": ["elements": part]]])
      #expect(swept.status == 200)
    }
    // What joins the outputs is no part of the network's picture.
    let document = try server.get("v1/models/masks").json([String: Any].self)
    #expect((document["nodes"] as? [[String: Any]])?.contains { $0["operator"] as? String == "Flatten" } == false)
  }

  /// Another class of the same picture needs no second forward pass, whatever could not be answered before.
  @Test func aPictureRunsOnce() throws {
    let server = try LiveServer([Self.model])
    let id = try server.upload(Self.picture)
    func explain(_ target: [String: Any]) throws -> LiveServer.Answer {
      try server.post(
        "v1/models/shapes-vgg:explain",
        ["instances": [["image": ["id": id]]], "parameters": ["nodes": "all", "target": target]])
    }
    #expect(try explain(["elements": "nothing[0]"]).status == 400)
    let forwards = try [0, 1].map { label in
      let explanations = try explain(["class": label]).json([String: [[String: Any]]].self)["explanations"]
      let times = try #require(explanations?.first?["milliseconds"] as? [String: Double])
      return try #require(times["forward"])
    }
    #expect(forwards[0] > 0 && forwards[1] == 0, "\(forwards)")
  }

  @Test func picturesInRequestsAreToldApart() throws {
    let server = try LiveServer([Self.model])
    let paths = ["samples/pair-004-moon-circle.png", "samples/pair-001-triangle-circle.png"].map(shipped)
    func top(of instances: [[String: Any]]) throws -> [Int] {
      let answer = try server.post("v1/models/shapes-vgg:explain", ["instances": instances])
      let explanations = try #require(try answer.json([String: [[String: Any]]].self)["explanations"])
      return explanations.compactMap { ($0["target"] as? [String: Any])?["class"] as? Int }
    }
    let uploaded = try paths.map { ["image": ["id": try server.upload($0)]] }
    let sent = try paths.map {
      ["image": ["b64": try Data(contentsOf: URL(fileURLWithPath: $0)).base64EncodedString()]]
    }
    let classes = try uploaded.map { try top(of: [$0])[0] }
    #expect(classes[0] != classes[1])
    #expect(try sent.map { try top(of: [$0])[0] } == classes)
    #expect(try top(of: sent) == classes)
  }

  @Test func longTextsAndListsAreNotLookedUp() throws {
    let server = try LiveServer([Self.model])
    let image = ["image": ["b64": try Data(contentsOf: URL(fileURLWithPath: Self.picture)).base64EncodedString()]]
    let long = String(repeating: "1,", count: 1_000_000), list = [String](repeating: "a", count: 300)
    let cases: [([String: Any], String)] = [
      (["target": ["class": long]], "parameters.target.class"), (["nodes": [long]], "parameters.nodes[0]"),
      (["target": ["contrast": long]], "parameters.target.contrast"), (["method": long], "parameters.method"),
      (["target": ["elements": long]], "parameters.target.elements"), (["nodes": list], "parameters.nodes has"),
      (["target": ["detection": 0, "columns": list]], "parameters.target.columns"), ([long: 1], "parameters"),
      (["target": ["contrast": String(repeating: "1,", count: 100)]], "64 commas"),
    ]
    for (parameters, word) in cases {
      let answer = try server.post("v1/models/shapes-vgg:explain", ["instances": [image], "parameters": parameters])
      #expect(answer.status == 400 && answer.body.count < 10_000, "\(word)")
      #expect((try answer.json([String: Any].self)["error"] as? String)?.contains(word) == true, "\(word)")
    }
    let many = ["instances": [Any](repeating: image, count: 300)]
    #expect(try server.post("v1/models/shapes-vgg:explain", many).status == 400)
  }

  @Test func modelsOfAnyNameAreFound() throws {
    let folder = try Workplace.newFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let files = ["a:explain.onnx", "b\u{1b}[31m.onnx", "50% é.onnx"].map { folder.appendingPathComponent($0).path }
    for file in files { try FileManager.default.copyItem(atPath: Self.model, toPath: file) }
    let server = try LiveServer(files)
    let names = try server.get("v1/models").json([String: [String]].self)["models"]
    #expect(names == ["a:explain", "b_[31m", "50% é"])
    for name in names ?? [] {
      let encoded = try #require(name.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
      #expect(try server.get("v1/models/\(encoded)").json([String: Any].self)["name"] as? String == name)
      let asked = try server.post("v1/models/\(encoded):explain", ["instances": [] as [Any]])
      #expect((try asked.json([String: Any].self)["error"] as? String)?.contains("instances") == true)
    }
  }

  @Test func progressComesInLines() throws {
    let server = try LiveServer([Self.model])
    let id = try server.upload(Self.picture)
    let answer = try server.post(
      "v1/models/shapes-vgg:explain",
      ["instances": [["image": ["id": id]]], "parameters": ["method": "scorecam", "nodes": ["features.10"]]],
      headers: ["Accept": "application/x-ndjson"])
    #expect(answer.type == "application/x-ndjson")
    let lines = try answer.body.split(separator: UInt8(ascii: "\n")).map {
      try #require(try JSONSerialization.jsonObject(with: $0) as? [String: Any])
    }
    #expect(lines.dropLast().allSatisfy { ($0["progress"] as? Double).map { (0...1).contains($0) } == true })
    let result = try #require(lines.last?["result"] as? [String: Any])
    #expect((result["explanations"] as? [Any])?.count == 1)
    let failed = try server.post(
      "v1/models/shapes-vgg:explain",
      ["instances": [["image": ["id": id]]], "parameters": ["target": ["class": "dragon"]]],
      headers: ["Accept": "application/x-ndjson"])
    let last = try #require(failed.body.split(separator: UInt8(ascii: "\n")).last)
    let error = try #require(try JSONSerialization.jsonObject(with: last) as? [String: Any])
    #expect((error["error"] as? String)?.contains("dragon") == true)
  }

  @Test func whatCannotBeUsedIsNamed() throws {
    let server = try LiveServer([Self.model, Self.picture])
    let about = try server.get("v1").json([String: Any].self)
    let given = try #require((about["images"] as? [[String: Any]])?.first?["id"] as? String)
    func explain(_ parameters: [String: Any], image: [String: Any]? = nil) throws -> LiveServer.Answer {
      try server.post(
        "v1/models/shapes-vgg:explain",
        ["instances": [["image": image ?? ["id": given]]], "parameters": parameters])
    }
    let cases: [(LiveServer.Answer, Int, String)] = [
      (try explain(["nodez": ["auto"]]), 400, "nodez"),
      (try explain(["nodes": ["features.99"]]), 400, "node 'features.99'"),
      (try explain(["nodes": "features.99"]), 400, "node 'features.99'"),
      (try explain(["nodes": [String]()]), 400, "nodes"),
      (try explain(["method": "gradcan"]), 400, "method 'gradcan'"),
      (try explain(["target": ["class": "dragon"]]), 400, "class 'dragon'"),
      (try explain(["target": ["class": true]]), 400, "class"),
      (try explain(["target": ["class": "moon", "contrast": "moon,circle"]]), 400, "contrast"),
      (try explain(["target": ["detection": 0]]), 422, "shapes-vgg"),
      (try explain(["target": ["elements": "out[7"]]), 400, "out[7"),
      (try explain(["classes": 5000]), 400, "classes"),
      (try explain([:], image: ["id": "0123"]), 404, "0123"),
      (try explain([:], image: ["b64": "!!"]), 422, "b64"),
      (try explain([:], image: ["b64": "AAAA"]), 422, "b64"),
      (try explain([:], image: [:]), 400, "image"),
      (try explain([:], image: ["path": "/etc/passwd"]), 400, "path"),
      (try explain(["target": ["embedding": "/etc/passwd"]]), 400, "embedding"),
      (try explain(["target": ["mask": ["b64": "AAAA"], "class": 1]]), 422, "b64"),
      (try server.ask("POST", "v1/models/shapes-vgg:explain", Data("{".utf8)), 400, "JSON"),
      (try server.ask("POST", "v1/models/shapes-vgg:explain", Data("[]".utf8)), 400, "body"),
      (try server.ask("POST", "v1/models/other:explain", Data("{}".utf8)), 404, "other"),
      (
        try server.ask(
          "POST", "v1/models/shapes-vgg:explain", Data("{}".utf8), headers: ["Content-Type": "text/plain"]), 415,
        "text/plain"
      ),
      (try server.ask("POST", "v1/images", Data("%PDF-1.7".utf8)), 422, "picture"),
      (try server.ask("DELETE", "v1/images/\(given)"), 409, "command line"),
      (try server.ask("DELETE", "v1/images/00"), 404, "00"),
      (try server.get("v1/images/../../etc/passwd"), 404, "etc"),
      (try server.get("v2"), 404, "v2"),
      (try server.ask("PUT", "v1"), 405, "PUT"),
      (
        try server.ask("GET", "v1", headers: ["Origin": "http://example.org", "Sec-Fetch-Site": "cross-site"]), 403,
        "site"
      ),
    ]
    for (answer, status, word) in cases {
      let error = try answer.json([String: Any].self)
      #expect(answer.status == status, "\(error)")
      #expect((error["error"] as? String)?.contains(word) == true, "\(word): \(error)")
      #expect(Schema(root: Self.description, rules: ["$ref": "#/components/schemas/Error"]).fault(of: error) == nil)
    }
    // After all that it answers as before.
    #expect(try explain(["nodes": "all"]).status == 200)
  }

  /// A picture that comes with a question is never taken for one that came before.
  @Test func everyPictureInABodyIsItsOwn() throws {
    let server = try LiveServer([Self.model])
    let paths = ["samples/pair-004-moon-circle.png", "samples/pair-006-star-cross.png"].map(shipped)
    func scores(_ images: [[String: Any]]) throws -> [Double] {
      let answer = try server.post("v1/models/shapes-vgg:explain", ["instances": images.map { ["image": $0] }])
      let explanations = try #require(try answer.json([String: [[String: Any]]].self)["explanations"])
      return try explanations.map { try #require(($0["target"] as? [String: Any])?["score"] as? Double) }
    }
    let uploaded = try scores(paths.map { ["id": try server.upload($0)] })
    let sent = try paths.map { path -> [String: Any] in
      ["b64": try Data(contentsOf: URL(fileURLWithPath: path)).base64EncodedString()]
    }
    #expect(try scores(sent) == uploaded && scores([sent[1]]) == [uploaded[1]] && uploaded[0] != uploaded[1])
  }

  @Test func picturesAreEncodedAnewAndForgotten() throws {
    let server = try LiveServer([Self.model])
    let id = try server.upload(fixture("flipped.jpg"))
    let answer = try server.get("v1/images/\(id)")
    #expect(answer.status == 200 && answer.type == "image/png")
    #expect(try Picture(decoding: Array(answer.body)) == Picture(contentsOf: fixture("flipped.jpg")))
    #expect(try server.ask("DELETE", "v1/images/\(id)").status == 204)
    #expect(try server.get("v1/images/\(id)").status == 404)
    let first = try server.upload(Self.picture)
    for _ in 0..<64 { _ = try server.upload(fixture("pixel.png")) }
    #expect(try server.get("v1/images/\(first)").status == 404)
  }

  @Test func networksOfAllKindsSayWhatCanBeExplained() throws {
    let server = try LiveServer(
      ["segmentation", "boxes-by-number", "embedding", "binary", "angle"].map { fixture("\($0).onnx") } + [
        "--preset", "raw",
      ])
    func targets(_ name: String) throws -> [String] {
      let answer = try server.get("v1/models/\(name)")
      try check(answer, "/v1/models/{model}")
      return try #require(try answer.json([String: Any].self)["targets"] as? [String])
    }
    #expect(try targets("segmentation") == ["class", "contrast", "segmentation", "elements"])
    #expect(try targets("boxes-by-number").contains("detection"))
    #expect(try targets("embedding").contains("embedding"))
    #expect(try targets("binary").starts(with: ["class"]))
    let options = try server.get("v1/models/binary").json([String: Any].self)["options"] as? [String]
    #expect(options == ["--preset", "raw"])
  }

  @Test func boxesAreSentWithTheirPlaces() throws {
    let columns = "lists=cxcywh/1,score*3"
    let server = try LiveServer([fixture("boxes-by-number.onnx"), fixture("disc.png"), "--columns", columns])
    let model = try server.get("v1/models/boxes-by-number").json([String: Any].self)
    #expect(model["columns"] as? [String] == [columns] && (model["target"] as? [String: Int]) == ["detection": 0])
    let about = try server.get("v1").json([String: Any].self)
    let image = try #require((about["images"] as? [[String: Any]])?.first?["id"] as? String)
    func explanation(_ target: [String: Any], nodes: String) throws -> [String: Any] {
      let answer = try server.post(
        "v1/models/boxes-by-number:explain",
        ["instances": [["image": ["id": image]]], "parameters": ["target": target, "nodes": nodes]])
      try check(answer, "/v1/models/{model}:explain", "post")
      return try #require(try answer.json([String: [[String: Any]]].self)["explanations"]?.first)
    }
    let all = try explanation(["detection": 0], nodes: "all"), auto = try explanation(["detection": 0], nodes: "auto")
    #expect(all["method"] as? String == "odam" && all["auto"] as? Int == auto["auto"] as? Int)
    #expect((auto["maps"] as? [[String: Any]])?.first?["node"] as? Int == all["auto"] as? Int)
    let boxes = try #require(all["boxes"] as? [[String: Any]])
    #expect(boxes.first?["rank"] as? Int == 0 && (boxes.first?["box"] as? [Double])?.count == 4)
    #expect(try explanation(["boxesOf": "star:0.01", "iou": 1], nodes: "auto")["boxes"] != nil)
  }

  /// Eight clients at once get their own answers, and the server's memory stays as it is.
  @Test func manyClientsAtOnce() throws {
    let server = try LiveServer([Self.model])
    let names = ["pair-004-moon-circle", "pair-006-star-cross", "single-003-star", "pair-001-triangle-circle"]
      .filter { FileManager.default.fileExists(atPath: shipped("samples/\($0).png")) }
    let images = try names.map { try server.upload(shipped("samples/\($0).png")) }
    @Sendable func top(_ image: String) throws -> Int {
      let answer = try server.post("v1/models/shapes-vgg:explain", ["instances": [["image": ["id": image]]]])
      let explanation = try #require(try answer.json([String: [[String: Any]]].self)["explanations"]?.first)
      return try #require((explanation["classes"] as? [[String: Any]])?.first?["index"] as? Int)
    }
    let expected = try images.map(top)
    func ask(_ times: Int) {
      DispatchQueue.concurrentPerform(iterations: 8) { client in
        for time in 0..<times {
          let place = (client + time) % images.count
          #expect((try? top(images[place])) == expected[place])
        }
      }
    }
    func memory() throws -> Int {
      let status = try String(contentsOfFile: "/proc/\(server.process.processIdentifier)/status", encoding: .utf8)
      return try #require(status.firstMatch(of: /VmRSS:\s+(\d+)/).flatMap { Int($0.1) })
    }
    ask(25)
    let before = try memory()
    ask(50)
    #expect(try memory() - before < 16_000)
  }

  @Test func theSecretIsDemandedAndKept() throws {
    let server = try LiveServer([Self.model, "--token", "--log"])
    let secret = try #require(
      URLComponents(url: server.address, resolvingAgainstBaseURL: true)?.queryItems?.first?.value)
    #expect(secret.count == 32)
    let refused = try server.get("/v1")
    #expect(refused.status == 401)
    #expect(try refused.json([String: Any].self)["error"] is String)
    #expect(try server.ask("GET", "/v1", headers: ["Authorization": "Bearer \(secret)"]).status == 200)
    #expect(try server.ask("GET", "/v1", headers: ["Authorization": "Bearer 00"]).status == 401)
    // As a browser does: the address leads to the page and leaves a cookie, which is enough from then on.
    #expect(try server.get("/?token=\(secret)").status == 200)
    #expect(try server.get("/v1").status == 200)
    let log = try server.errors
    #expect(log.contains("GET /v1") && !log.contains(secret))
    let arguments = try Data(contentsOf: URL(fileURLWithPath: "/proc/\(server.process.processIdentifier)/cmdline"))
    #expect(!String(decoding: arguments, as: UTF8.self).contains(secret))
  }

  @Test func wrongUseIsAnError() throws {
    let workplace = try Workplace()
    for (arguments, code, word): ([String], Int32, String) in [
      (["serve"], 64, "files"), (["serve", Self.picture], 64, "model"),
      (["serve", Self.model, "--timeout", "0"], 64, "--timeout"),
      (["serve", "nothing.onnx", "--port", "0"], 66, "nothing.onnx"),
      (["serve", Self.model, fixture("cut-short.png"), "--port", "0"], 65, "cut-short.png"),
      (["serve", Self.model, "--host", "192.0.2.1", "--port", "0"], 64, "192.0.2.1: cannot be listened on: "),
    ] {
      let outcome = try workplace.run(arguments)
      #expect(outcome.code == code && outcome.errors.contains(word), "\(arguments): \(outcome.errors)")
    }
  }
}
