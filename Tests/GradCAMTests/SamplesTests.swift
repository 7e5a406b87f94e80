import Foundation
import GradCAM
import Graph
import Testing

/// Where the heat lies on the sample pictures that ship, whose objects' boxes are known.
@Suite struct SamplesTests {
  struct Object: Decodable {
    let label: String
    let box: [Int]

    func contains(x: Int, y: Int) -> Bool { box[0] <= x && x < box[2] && box[1] <= y && y < box[3] }
  }

  static let models = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("models")

  /// The share of objects whose box holds the maximum of their class's map, over pictures with `count` objects.
  private func hitRate(of model: String, objects count: Int, method: String) throws -> (rate: Double, asked: Int) {
    let boxes = try JSONDecoder().decode(
      [String: [Object]].self, from: Data(contentsOf: Self.models.appendingPathComponent("samples/boxes.json")))
    let explainer = try Explainer(try Model(contentsOf: Self.models.appendingPathComponent(model).path))
    #expect(explainer.warnings.isEmpty)
    var hits = 0, asked = 0
    for (file, objects) in boxes where objects.count == count {
      let picture = try Picture(contentsOf: Self.models.appendingPathComponent("samples/" + file).path)
      let image = try explainer.prepare(picture)
      let top = try explainer.classify(image, count: 1)
      for object in objects {
        let index = try explainer.labels.index(of: object.label, classCount: explainer.session.classCount)
        let map = try explainer.explain(classIndex: index, of: image, methods: [method])[0].drawnMap
        let peak = try #require(map.argmax)
        hits += object.contains(x: peak.x, y: peak.y) ? 1 : 0
        asked += 1
        if count == 1 { #expect(top[0].index == index, "\(file) is taken for \(top[0].label ?? "?")") }
      }
    }
    return (Double(hits) / Double(asked), asked)
  }

  @Test(arguments: ["shapes-vgg.onnx", "shapes-resnet.onnx"])
  func gradCAMPointsAtTheObject(model: String) throws {
    let single = try hitRate(of: model, objects: 1, method: "gradcam")
    #expect(single.asked >= 24)
    #expect(single.rate >= 0.9)
    let pairs = try hitRate(of: model, objects: 2, method: "gradcam")
    #expect(pairs.asked >= 20)
    #expect(pairs.rate >= 0.85)
  }

  @Test(arguments: ["shapes-vgg.onnx", "shapes-resnet.onnx"])
  func randomWeightsDoNot(model: String) throws {
    #expect(try hitRate(of: model, objects: 1, method: "random").rate < 0.9)
    #expect(try hitRate(of: model, objects: 2, method: "random").rate < 0.85)
  }
}
