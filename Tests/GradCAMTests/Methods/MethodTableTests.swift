import Foundation
import GradCAM
import Testing

/// Every method on the sample pictures that ship: how often the map's maximum lies in the box of the object whose class
/// is explained, and how much of the map lies there.
///
/// With GRADCAM_UPDATE_METHODS in the environment the table of docs/methods.md is written anew, slow methods included,
/// in five minutes.
@Suite struct MethodTableTests {
  /// What a method's maps did over some pictures.
  struct Figures {
    var hits = 0, asked = 0, energy = 0.0

    var rate: Double { Double(hits) / Double(asked) }
    var share: Double { energy / Double(asked) }

    mutating func add(_ measured: [Double?]) {
      asked += 1
      hits += measured[0] == 1 ? 1 : 0
      energy += measured[1]!
    }
  }

  /// Those whose map does not depend on the class.
  private static let undirected: Set = ["eigencam", "kpca-cam", "fem", "lafam", "random"]
  /// Those that ask for a class, but whose definition lets the other object of a pair win, or strokes of the
  /// background, or a single pixel, or whose masks are few.
  private static let weak: Set = [
    "eigengradcam", "segeigencam", "sscam", "fullgrad", "input-gradient", "gradient-x-input", "integrated-gradients",
    "smoothgrad", "vargrad", "lrp-alpha2-beta1", "rise",
  ]
  /// A picture takes them seconds.
  private static let slow: Set = ["sscam", "iscam", "rise"]
  private static let isUpdating = ProcessInfo.processInfo.environment["GRADCAM_UPDATE_METHODS"] != nil

  /// By method, for pictures of one object and of two.
  private func figures(of model: String) throws -> [String: [Figures]] {
    let methods = CAMMethods.all.map(\.name).filter { $0 != "dff" && (Self.isUpdating || !Self.slow.contains($0)) }
    let explainer = try Explainer(shippedModel(model))
    let metrics = try ["pointing-game", "energy-inside"].map(Metrics.named)
    var figures: [String: [Figures]] = [:]
    for (file, objects) in try SamplePictures.boxes().sorted(by: { $0.key < $1.key }) {
      let image = try explainer.prepare(try SamplePictures.picture(file))
      let observation = try explainer.observe(image)
      for object in objects {
        let index = try explainer.labels.index(of: object.label, classCount: explainer.focus.catalogue.classCount)
        let explanations = try explainer.explain(
          classIndex: index, of: observation, methods: methods, skipsUnsupported: true)
        let measured = try explainer.measure(explanations, of: observation, by: metrics, boxes: [object.rectangle])
        for (explanation, measured) in zip(explanations, measured) {
          figures[explanation.method, default: [Figures(), Figures()]][objects.count - 1].add(measured)
        }
      }
    }
    return figures
  }

  @Test func methodsThatAskForAClassPointAtIt() throws {
    var rows: [String] = []
    let networks = try ["shapes-vgg.onnx", "shapes-resnet.onnx"].map(figures)
    for (method, _) in CAMMethods.all where networks[0][method] != nil {
      let found = networks.map { $0[method]! }
      if !Self.undirected.union(Self.weak).contains(method) {
        for (network, figures) in zip(["vgg", "resnet"], found) {
          #expect(figures[0].rate >= 0.85 && figures[1].rate >= 0.85, "\(method), \(network): \(figures)")
        }
      }
      let cells = found.flatMap { figures in
        figures.map { "\(Int((100 * $0.rate).rounded()))" } + figures.map { "\(Int((100 * $0.share).rounded()))" }
      }
      rows.append("| `\(method)` | \(cells.joined(separator: " | ")) |")
    }
    guard Self.isUpdating else { return }
    let page = URL(filePath: shipped("../docs/methods.md"))
    let text = try String(contentsOf: page, encoding: .utf8)
    let start = try #require(text.range(of: "<!-- table -->\n")),
      end = try #require(text.range(of: "<!-- end of table -->"))
    let head =
      "| method |" + String(repeating: " hits, one | hits, pairs | inside, one | inside, pairs |", count: 2)
    let table = ([head, "|---|" + String(repeating: "---:|", count: 8)] + rows).joined(separator: "\n")
    try (text[..<start.upperBound] + table + "\n" + text[end.lowerBound...]).write(
      to: page, atomically: true, encoding: .utf8)
  }
}
