import GradCAM
import Graph

/// What `explain` does with each image, up to the coded pictures.
struct ImageJob {
  let sources: ImageSources
  /// The classes explained; empty means the most probable ones.
  let classes: [Int]
  /// How many classes are explained.
  let explained: Int
  /// How many of the most probable classes are told.
  let shown: Int
  let methods: [String]
  /// Whether methods that cannot do a node are left out.
  let skipsUnsupported: Bool
  let score: ScoreKind
  let style: DrawingStyle
  let colormap: Colormap
  let blend: Float
  /// A path with the extension of the pictures.
  let format: String

  /// What came of an image.
  struct Result {
    /// The most probable classes.
    var best: [ScoredClass] = []
    /// The model's first output.
    var output: Tensor?
    /// Each explanation with its picture's file.
    var pictures: [(explanation: Explanation, file: Swift.Result<[UInt8], any Error>)] = []
    /// What ended the work early, behind the pictures made before.
    var failure: (any Error)?
  }

  /// Reads, explains and draws an image.
  func run(_ index: Int, _ explainer: Explainer) -> Result {
    var result = Result()
    do {
      let prepared = try sources.prepare(index, explainer)
      result.best = try explainer.classify(prepared, count: shown)
      result.output = explainer.session.output
      for classIndex in classes.isEmpty ? result.best.prefix(explained).map(\.index) : classes {
        for explanation in try explainer.explain(
          classIndex: classIndex, of: prepared, methods: methods, score: score,
          skipsUnsupported: skipsUnsupported)
        {
          let picture = draw(explanation, on: prepared.picture)
          result.pictures.append((explanation, Swift.Result { try picture.encoded(for: format) }))
        }
      }
    } catch {
      result.failure = error
    }
    return result
  }

  private func draw(_ explanation: Explanation, on picture: Picture?) -> Picture {
    guard let picture else { return explanation.drawnMap.colored(with: colormap) }
    return style.draw(explanation.drawnMap, on: picture, colormap: colormap, blend: blend)
  }
}
