import Foundation
import GradCAM
import Graph
import Testing

/// The sample pictures that ship, whose objects' boxes are known.
enum SamplePictures {
  struct Object: Decodable {
    let label: String
    let box: [Int]

    var rectangle: PixelRectangle {
      PixelRectangle(x: box[0], y: box[1], width: box[2] - box[0], height: box[3] - box[1])
    }

    func contains(x: Int, y: Int) -> Bool { box[0] <= x && x < box[2] && box[1] <= y && y < box[3] }
  }

  static func boxes() throws -> [String: [Object]] {
    let file = URL(filePath: shipped("samples/boxes.json"))
    return try JSONDecoder().decode([String: [Object]].self, from: Data(contentsOf: file))
  }

  static func picture(_ file: String) throws -> Picture {
    try Picture(contentsOf: shipped("samples/\(file)"))
  }
}

/// Where the heat lies on the sample pictures.
@Suite struct SamplesTests {
  /// The share of objects whose box holds the maximum of their class's map, over pictures with `count` objects.
  private func hitRate(of model: String, objects count: Int, method: String) throws -> (rate: Double, asked: Int) {
    let boxes = try SamplePictures.boxes()
    let explainer = try Explainer(shippedModel(model))
    #expect(explainer.warnings.isEmpty)
    var hits = 0, asked = 0
    for (file, objects) in boxes where objects.count == count {
      let image = try explainer.prepare(try SamplePictures.picture(file))
      let observation = try explainer.observe(image), top = try explainer.classes(of: observation, count: 1)
      for object in objects {
        let index = try explainer.labels.index(of: object.label, classCount: explainer.focus.catalogue.classCount)
        let map = try explainer.explain(classIndex: index, of: observation, methods: [method])[0].drawnMap()
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
