import Graph

/// One line of a table: a map of an image under a configuration, or an image that could not be explained.
package struct Row: Codable, Equatable, Sendable {
  /// The image's name: relative to its folder or archive, else as it was given.
  package let image: String
  /// The network as it was named.
  package let model: String
  /// The fingerprint of the configuration; see `Configuration.fingerprint(method:)`.
  package let configuration: String
  /// The node of the map; nil if there is no map.
  package var node: String?
  /// The method with what fused and smoothed it, joined by dots.
  package var method: String?
  /// The number of the concept, if the method finds several.
  package var concept: Int?
  /// What is explained, unless it is a class.
  package var target: String?
  package var `class`: Int?
  package var label: String?
  /// Left, top, right and bottom of the box explained, in pixels of the picture, to hundredths; nil if it is none, or its
  /// place is not known.
  package var box: [Double]?
  /// The score explained: of a class the raw one.
  package var score: Float?
  /// The class's or the box's.
  package var probability: Float?
  /// The map's picture.
  package var output: String?
  /// By name; nil if a metric is not defined.
  package var metrics: [String: Double?]?
  /// The codes of what should be known of the map.
  package var warnings: [String]?
  /// Why the image could not be explained.
  package var error: String?
  /// The SHA-256 of the image's file.
  package var sha256: String?

  /// What it is of besides the image: no two rows of an image have the same.
  package var subject: String {
    [node, method, concept.map(String.init), target, `class`.map(String.init)].map { $0 ?? "" }
      .joined(separator: "\u{0}")
  }
}

extension Row {
  /// What rows call a method, with what fuses and smooths its maps.
  package static func methodName(_ method: String, _ fusion: Fusion?, _ smoothing: [Smoothing]) -> String {
    ([method] + (fusion.map { [$0.rawValue] } ?? []) + smoothing.map(\.rawValue)).joined(separator: ".")
  }

  /// The row of a map.
  ///
  /// - Parameters:
  ///   - node: what stands for the node; nil for the map's own.
  ///   - output: the path of its picture.
  ///   - metrics: by name.
  ///   - sha256: that of the image's file.
  package init(
    _ explanation: Explanation, image: String, model: Model, _ configuration: Configuration, node: String? = nil,
    output: String? = nil, metrics: [String: Double?]? = nil, sha256: String?
  ) {
    let method = Self.methodName(explanation.method, explanation.fusion, explanation.smoothing)
    self.init(
      image: image, model: model.path, configuration: configuration.fingerprint(method: method),
      node: node ?? explanation.node, method: method, concept: explanation.concept?.number)
    `class` = explanation.target.subject
    target = `class` == nil || explanation.detection != nil ? explanation.target.description : nil
    label = explanation.scored?.label ?? explanation.detection?.label
    box = explanation.detection?.place?.edges(in: explanation.geometry).map { ($0 * 100).rounded() / 100 }
    func finite(_ number: Float?) -> Float? { number.flatMap { $0.isFinite ? $0 : nil } }
    score = finite(explanation.scored?.logit ?? explanation.score)
    probability = finite(explanation.scored?.shownProbability ?? explanation.detection?.place?.score)
    // What is said of the methods that were left out is not about this map.
    let codes = Set(explanation.warnings.filter { $0.code != .methodSkipped }.map(\.code.rawValue)).sorted()
    warnings = codes.isEmpty ? nil : codes
    (self.output, self.metrics, self.sha256) = (output, metrics, sha256)
  }

  /// The row of an image that could not be explained.
  ///
  /// - Parameter path: the image's path, which the row does not repeat.
  package init(
    _ error: GradCAMError, image: String, path: String, model: Model, _ configuration: Configuration, sha256: String?
  ) {
    self.init(image: image, model: model.path, configuration: configuration.fingerprint(method: nil))
    var error = error
    if error.place.first?.description == path { error.place.removeFirst() }
    (self.error, self.sha256) = (error.description, sha256)
  }
}

extension GradCAMError {
  /// Whether an image that could be read is at fault, so that others may do.
  package var isAboutImage: Bool { [.unreadable, .badData, .defect].contains(kind) }
}
