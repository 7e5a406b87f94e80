import GradCAM
import Graph

/// The body of `:explain`, as KServe's first protocol has it.
struct ExplainBody: StrictlyDecodable {
  enum CodingKeys: String, CodingKey, CaseIterable { case instances, parameters }

  struct Instance: StrictlyDecodable {
    enum CodingKeys: String, CodingKey, CaseIterable { case image }
    let image: Strict<PictureBody>
  }

  struct Parameters: StrictlyDecodable {
    enum CodingKeys: String, CodingKey, CaseIterable { case nodes, method, target, classes }
    var nodes: NodeNames?
    var method: ShortText?
    var target: Strict<TargetBody>?
    var classes: Int?
  }

  let instances: ShortList<Strict<Instance>>
  let parameters: Strict<Parameters>?
}

/// The body of `:channels`.
struct ChannelsBody: StrictlyDecodable {
  enum CodingKeys: String, CodingKey, CaseIterable { case instances, parameters }

  struct Parameters: StrictlyDecodable {
    enum CodingKeys: String, CodingKey, CaseIterable { case node, target, count }
    var node: ShortText?
    var target: Strict<TargetBody>?
    var count: Int?
  }

  let instances: ShortList<Strict<ExplainBody.Instance>>
  let parameters: Strict<Parameters>?
}

/// A picture: one that was uploaded, or the bytes of a file.
struct PictureBody: StrictlyDecodable {
  enum CodingKeys: String, CodingKey, CaseIterable { case id, b64 }
  var id: ShortText?
  var b64: String?
}

/// A name of nodes as `--node` takes it, such as `"all"`, or several.
struct NodeNames: Decodable {
  let names: [String]

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    names =
      (try? container.decode(String.self)) == nil
      ? try container.decode(ShortList<ShortText>.self).elements.map(\.text)
      : [try container.decode(ShortText.self).text]
  }
}

/// What is explained.
struct TargetBody: StrictlyDecodable {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case `class`, contrast, elements, detection, boxesOf, iou, columns, embedding, mask, score, counterfactual
  }
  var `class`: NumberOrText?
  var contrast, elements, boxesOf: ShortText?
  var detection: Int?
  var iou: Float?
  var columns: ShortList<ShortText>?
  var embedding, mask: Strict<PictureBody>?
  var score: ShortText?
  var counterfactual: Bool?
}

/// A number or a text.
struct NumberOrText: Decodable {
  let text: String

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    text = try (try? container.decode(Int.self)).map { "\($0)" } ?? container.decode(ShortText.self).text
  }
}

extension TargetBody {
  /// The request.
  ///
  /// - Parameter read: finds or decodes a picture.
  ///
  /// Throws `usage` if it contradicts itself or names an unknown score, and what reading a picture throws.
  func request(_ read: (PictureBody) throws -> PictureStore.Entry) throws -> TargetRequest {
    var request = TargetRequest()
    request.classes = `class`.map { [$0.text] } ?? []
    (request.contrast, request.elements, request.detection) = (contrast?.text, elements?.text, detection)
    (request.boxesOf, request.overlap) = (boxesOf?.text, iou)
    request.columns = columns?.elements.map(\.text) ?? []
    request.isCounterfactual = counterfactual ?? false
    if let score = score?.text {
      guard let kind = ScoreKind(rawValue: score) else {
        throw GradCAMError(
          .usage, at: "score '\(score)'", problem: "is no kind of score",
          advice: "choose from \(ScoreKind.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      request.score = kind
    }
    func name(_ body: Strict<PictureBody>?, _ name: String) throws -> String? {
      guard let body else { return nil }
      request.pictures[name] = try read(body.body).picture
      return name
    }
    request.mask = try name(mask, "mask")
    request.embedding = try name(embedding, "embedding")
    if let contradiction = request.contradiction { throw GradCAMError(.usage, problem: contradiction) }
    return request
  }
}
