import GradCAM

/// What the page knows before any model: `GET v1`.
struct AboutDocument: Encodable {
  struct Method: Encodable {
    /// Its name, and what it does in a few words.
    let name, summary: String
    /// Whether it needs no runs of the network besides the one that every map needs.
    let quick: Bool
    /// Whether each node has a map of its own.
    let perNode: Bool
  }

  struct Limits: Encodable {
    let bodyBytes, images: Int
  }

  let version = programVersion
  let models: [String]
  /// The images that are there at the start.
  let images: [ImageDocument]
  let methods: [Method]
  /// The 256 colours of each scale, red, green and blue, in base64.
  let colormaps: [String: String]
  let styles = DrawingStyle.allCases.map(\.rawValue)
  /// Nil in a file.
  let limits: Limits?

  init(models: [String], images: [ImageDocument], registry: Registry, limits: Limits? = nil) {
    (self.models, self.images, self.limits) = (models, images, limits)
    let quick = Set(registry.fastMethods)
    methods = registry.methods.filter { !($0.method is any ConceptMethod) }.map {
      Method(
        name: $0.name, summary: $0.method.summary, quick: quick.contains($0.name), perNode: $0.method.scope == .node)
    }
    colormaps = Dictionary(uniqueKeysWithValues: Colormap.allCases.map { ($0.rawValue, $0.colors.base64) })
  }
}

/// A picture that the page has.
struct ImageDocument: Encodable {
  let id: String
  /// Its file's name; nil if it is not known.
  @Nullable var name: String?
  /// Its path as the command line gives it; nil if it came from the page.
  @Nullable var path: String?
  let width, height: Int
  /// The picture as a PNG in base64, in a file.
  var png: String?
}
