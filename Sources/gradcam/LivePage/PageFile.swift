import GradCAM

/// The page as one file, with its data in it.
struct PageFile: Encodable {
  struct Explained: Encodable {
    let model, image, method: String
    /// What was asked for, as `:explain` takes it.
    let target: AskedTarget
    let explanation: ExplanationDocument
  }

  /// A target as `:explain` takes it.
  struct AskedTarget: Encodable {
    var `class`, contrast, elements, boxesOf, score: String?
    var detection: Int?
    var iou: Float?
    var columns: [String]?
    var counterfactual: Bool?

    /// The target of a request that needs no other picture.
    init(_ request: TargetRequest) {
      `class` = request.classes.first
      (contrast, elements, detection) = (request.contrast, request.elements, request.detection)
      (boxesOf, iou) = (request.boxesOf, request.overlap)
      columns = request.columns.isEmpty ? nil : request.columns
      score = request.score == .logit ? nil : request.score.rawValue
      counterfactual = request.isCounterfactual ? true : nil
    }
  }

  let about: AboutDocument
  let models: [String: ModelDocument]
  let images: [String: ImageDocument]
  let explanations: [Explained]

  /// The page with style and script in it; its data is still missing.
  static var template: String {
    PageAssets.markup
      .replacing(styleLink, with: "<style>\n\(PageAssets.style)</style>")
      .replacing(scriptLink, with: "<script>\n\(PageAssets.script)</script>")
      .replacing(policyPlace, with: policy)
  }

  /// The file.
  var text: String {
    get throws {
      let data = try jsonLine(self).replacing("<", with: "\\u003c")
      return Self.template.replacing(Self.dataPlace, with: #"id="data">\#(data)</script>"#)
    }
  }

  private static let styleLink = #"<link rel="stylesheet" href="page.css">"#
  private static let scriptLink = #"<script src="page.js" defer></script>"#
  private static let dataPlace = #"id="data">null</script>"#
  private static let policyPlace = #"<meta charset="utf-8">"#
  private static let policy = """
    <meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data: blob:; \
    style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
    """
}
