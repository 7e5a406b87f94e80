import GradCAM
import Graph

/// What the maps in a picture are of, for the texts of its file: names only, no folders.
struct MapSubjects {
  private var models: [String] = []
  private var nodes: [String] = []
  private var classes: [String] = []
  private var targets: [String] = []
  private var methods: [String] = []

  init() {}

  init(_ explanations: some Sequence<Explanation>, model: Model) {
    for explanation in explanations { add(explanation, model: model) }
  }

  mutating func add(_ explanation: Explanation, model: Model) {
    let how = (explanation.fusion.map { [$0.rawValue] } ?? []) + explanation.smoothing.map(\.rawValue)
    add(
      model: model.path, node: explanation.node, class: explanation.scored.map { $0.label ?? "\($0.index)" },
      target: explanation.target.description, method: ([explanation.method] + how).joined(separator: "."))
  }

  /// - Parameters:
  ///   - class: nil if what is explained is no class.
  ///   - target: what is explained then.
  mutating func add(model: String, node: String, class: String?, target: String = "", method: String) {
    models.append(fileName(model))
    nodes.append(node)
    if let `class` { classes.append(`class`) } else { targets.append(target) }
    methods.append(method)
  }

  /// Of several names, the first ones and their number.
  var texts: [PictureText] {
    let named = [
      ("model", models), ("node", nodes), ("class", classes), ("target", targets), ("method", methods),
    ].filter { !$0.1.isEmpty }
    return [PictureText("Software", "gradcam \(programVersion)")]
      + named.map { PictureText("gradcam:\($0)", $1.withoutRepeats.listed) }
  }
}
