import Graph

/// The baseline that a user names: a word, or the files of pictures.
public struct BaselineChoice: Sendable {
  private enum Word: String, CaseIterable { case zero, black, mean, blur }

  /// The files that are read.
  public let files: [String]
  private let word: Word

  /// - Parameter names: words or files; none for 0.
  ///
  /// Throws `usage` if a word stands beside another name.
  public init(_ names: [String]) throws {
    let words = names.compactMap(Word.init)
    guard words.isEmpty || names.count == 1 else {
      throw GradCAMError(
        .usage, at: "\(.baseline, words[0].rawValue)", problem: "stands beside other baselines",
        advice: "give it alone, or pictures alone")
    }
    files = words.isEmpty ? names : []
    word = words.first ?? .zero
  }

  /// The baseline for the images of an explainer; pictures are prepared as those are.
  ///
  /// Throws what reading and preparing pictures throws.
  public func baseline(for explainer: Explainer) throws -> Baseline {
    guard files.isEmpty else {
      return .images(try files.map { try explainer.prepare(contentsOf: $0).tensor })
    }
    switch word {
    case .zero: return .zero
    case .mean: return .mean
    case .blur: return .blur
    case .black:
      let size = explainer.planner.inputSize.plane
      let black = Picture(
        width: size.width, height: size.height, pixels: [UInt8](repeating: 0, count: 3 * size.count))
      return .images([try explainer.prepare(black).tensor])
    }
  }
}
