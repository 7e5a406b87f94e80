import Foundation
import GradCAM
import TestSupport
import Testing

/// The shipped detector, which selects its boxes itself, on the pictures that ship with it.
struct DetectorSamplesTests {
  /// What ONNX Runtime gives, the best box first, and the mean over space of PyTorch's gradient of its score, by node.
  private struct Found: Decodable {
    let box: [Float]
    let score: Double
    let label: String
    let weights: [String: [Float]]
  }

  private struct Object: Decodable {
    let label: String
    let box: [Double]

    func contains(_ point: (x: Double, y: Double)) -> Bool {
      box[0] <= point.x && point.x < box[2] && box[1] <= point.y && point.y < box[3]
    }
  }

  private let workplace: Workplace
  private let model = shipped("shapes-detector.onnx")
  private let truth: [String: [Found]]
  private let objects: [String: [Object]]

  init() throws {
    workplace = try Workplace()
    func read<Value: Decodable>(_ path: String) throws -> Value {
      try JSONDecoder().decode(Value.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    }
    truth = try read(fixture("detector/detector.json"))
    objects = try read(shipped("detector-samples/boxes.json"))
  }

  private func explain(_ picture: String, _ rank: Int, _ options: [String]) throws -> [String: Any] {
    let command = ["explain", model, shipped("detector-samples/\(picture)"), "--detection", "\(rank)", "--json"]
    let outcome = try workplace.run(command + options)
    #expect(outcome.code == 0, "\(picture), \(rank): \(outcome.errors)")
    return try #require(outcome.json([[String: Any]].self).first)
  }

  @Test(arguments: ["layer1", "layer2", "cls_tower"])
  func boxesScoresAndGradientsAreThoseOfOthers(_ node: String) throws {
    #expect(truth.count == 6 && truth.values.allSatisfy { $0.count >= 2 })
    for (picture, boxes) in truth {
      for (rank, expected) in boxes.enumerated() {
        let what = "\(picture), \(rank)"
        let entry = try explain(picture, rank, ["--node", node, "--save-gradient", "g.npy"])
        let detection = try #require(entry["detection"] as? [String: Any], "\(what)")
        #expect(detection["box"] as? Int == rank && detection["label"] as? String == expected.label, "\(what)")
        let coordinates = try #require(detection["coordinates"] as? [Double]).map(Float.init)
        expectClose(coordinates, expected.box, within: 1e-3, what)
        #expect(abs(try #require(entry["logit"] as? Double) - expected.score) < 1e-4, "\(what)")
        let gradient = try workplace.array("g.npy").values, weights = try #require(expected.weights[node])
        let cells = gradient.count / weights.count
        let means = weights.indices.map { gradient[$0 * cells..<($0 + 1) * cells].reduce(0, +) / Float(cells) }
        expectClose(means, weights, within: 1e-3, isRelative: true, what)
      }
    }
  }

  @Test func thereAreAsManyBoxesAsWereSelected() throws {
    for (picture, boxes) in truth {
      let path = shipped("detector-samples/\(picture)")
      let outcome = try workplace.run(["explain", model, path, "--detection", "\(boxes.count)"])
      #expect(outcome.code == 64 && outcome.errors.contains("the model gives \(boxes.count) boxes"), "\(picture)")
    }
  }

  @Test(arguments: ["layer1", "layer2", "cls_tower"])
  func eachBoxsMapLiesOnItsOwnObject(_ node: String) throws {
    let (hits, asked) = try hits(of: truth, "--node", node, "--method", "hirescam")
    #expect(asked == 14 && hits == asked)
  }

  @Test func masksFindTheObjectOfABox() throws {
    let some = truth.sorted { $0.key < $1.key }.prefix(2)
    let (hits, asked) = try hits(of: some, "--method", "d-rise", "--masks", "400")
    #expect(asked == 4 && hits == asked)
    let outcome = try workplace.run(["explain", fixture("plain.onnx"), fixture("disc.png"), "--method", "d-rise"])
    #expect(
      outcome.code == 69 && outcome.errors.contains("--method d-rise: explains a single box whose place is known"))
  }

  /// How many of each box's maps have their largest cell on the object of its class, of two of a class on the one that the
  /// box is at.
  private func hits(of truth: some Sequence<(key: String, value: [Found])>, _ options: String...) throws -> (Int, Int) {
    var hits = 0, asked = 0
    for (picture, boxes) in truth {
      let size = try Picture(contentsOf: shipped("detector-samples/\(picture)"))
      let (width, height) = (Double(size.width), Double(size.height)), side = min(width, height)
      for (rank, found) in boxes.enumerated() {
        _ = try explain(picture, rank, options + ["--save-map", "m.npy"])
        let map = try workplace.array("m.npy"), columns = map.shape[1]
        let peak = try #require(map.values.indices.max { map.values[$0] < map.values[$1] })
        // The network sees the centre square.
        func ofPicture(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
          (x * side + (width - side) / 2, y * side + (height - side) / 2)
        }
        let centre = ofPicture(
          Double(found.box[0] + found.box[2]) / 256, Double(found.box[1] + found.box[3]) / 256)
        let point = ofPicture(
          (Double(peak % columns) + 0.5) / Double(columns), (Double(peak / columns) + 0.5) / Double(map.shape[0]))
        let own = try #require(
          objects[picture]?.first { $0.label == found.label && $0.contains(centre) }, "\(picture), \(rank)")
        hits += own.contains(point) ? 1 : 0
        asked += 1
      }
    }
    return (hits, asked)
  }
}
